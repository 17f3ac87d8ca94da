/*
 * Records that wait in a sink. Its oldest notifications can be discarded to make room.
 *
 * Events, rows of a catch-up, and a record of which a part was written already are never discarded.
 * They are kept in front of the place where notifications were discarded. That place is an entry of
 * its own (QUEUE_GAP), so that everything stays in order.
 *
 * Zeroed but for `mark` and `arg`: empty.
 */
#ifndef PGWAIT_BACKLOG_H
#define PGWAIT_BACKLOG_H

#include "record/queue.h"

struct backlog {
	struct queue kept, waiting; /* in this order */
	uint64_t discarded;         /* notifications between the two */
	/* Appends the bytes that stand where `count` were discarded; NULL: none do. */
	void (*mark)(struct buffer *out, uint64_t count, void *arg);
	void *arg;
};

/* Discards the oldest notification; false where none can be. */
bool backlog_discard(struct backlog *b);

/* The queue that has the oldest entry at its front; NULL: nothing waits. */
struct queue *backlog_oldest(struct backlog *b);

/*
 * Moves the bytes of the oldest entries to an empty `out`, as many as follow one another with nothing
 * discarded in between, but at most `most`, and returns how many there were.
 */
size_t backlog_take_run(struct backlog *b, uint64_t most, struct fifo *out);

/*
 * Gives up all notifications and rows, with `events` those too, but for what has been begun: a QUEUE_GAP without bytes
 * stands for them. Returns how many notifications and rows it were.
 */
uint64_t backlog_forget(struct backlog *b, bool events);

/* Empties it, and says how many notifications were in it. */
uint64_t backlog_free(struct backlog *b);

/* The memory that it needs. */
static inline size_t
backlog_size(const struct backlog *b)
{
	return queue_size(&b->kept) + queue_size(&b->waiting);
}

#endif
