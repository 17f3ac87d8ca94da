/*
 * Records that wait, as packed bytes, first in, first out: formatted ones for a slow reader, and
 * what commands are to be run for.
 *
 * A zeroed struct is empty. queue_free() leaves an empty one.
 */
#ifndef PGWAIT_QUEUE_H
#define PGWAIT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fifo.h"
#include "record/record.h"

struct buffer;

enum queue_kind {
	QUEUE_NOTIFICATION,
	QUEUE_EVENT,
	QUEUE_ROW, /* a notification too, but never discarded */
	QUEUE_GAP, /* stands where notifications were discarded; it may have no bytes */
};

/* Its bytes stand in the same order as the entries. 16 bytes, for FIFO_CHUNK's sake. */
struct queue_entry {
	uint64_t length;              /* bytes that are still there */
	uint64_t kind : 2, begun : 1, /* some of its bytes are gone */
	    count : 61;               /* records that it stands for */
};

struct queue {
	struct fifo bytes, entries;
};

void queue_add(struct queue *q, enum queue_kind kind, uint64_t count, const void *bytes, size_t n);

/* Adds struct queue_entry after struct queue_entry, and the bytes of all of them. */
void queue_append(struct queue *q, const struct buffer *entries, const struct buffer *bytes);

/* The oldest entry, valid until the queue changes; NULL: the queue is empty. */
struct queue_entry *queue_front(const struct queue *q);

/* Drops the oldest. */
void queue_drop(struct queue *q);

/* Appends the bytes of the oldest to `out`, and drops it. */
void queue_pop(struct queue *q, struct buffer *out);

/* Moves the bytes of all to an empty `out`, drops them, and returns how many there were. */
size_t queue_take_all(struct queue *q, struct fifo *out);

/* Moves the oldest to the end of another queue. */
void queue_move(struct queue *from, struct queue *to);

/* Drops `n` bytes at the front, and calls `done` for each entry of which nothing is left. */
void queue_consume(
    struct queue *q, size_t n, void (*done)(const struct queue_entry *e, void *arg), void *arg);

void queue_free(struct queue *q);

static inline enum queue_kind
queue_kind_of(const struct record *r)
{
	if (r->kind != RECORD_NOTIFICATION)
		return QUEUE_EVENT;
	return r->row ? QUEUE_ROW : QUEUE_NOTIFICATION;
}

/* The memory that it needs. */
static inline size_t
queue_size(const struct queue *q)
{
	return q->bytes.length + q->entries.length;
}

static inline size_t
queue_count(const struct queue *q)
{
	return q->entries.length / sizeof(struct queue_entry);
}

#endif
