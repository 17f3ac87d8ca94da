#include "config.h"

#include "record/backlog.h"

#include "base/buffer.h"

/* The place where notifications were discarded comes after what is kept. */
static void
mark_discarded(struct backlog *b)
{
	struct buffer bytes = {0};

	if (b->discarded == 0)
		return;
	if (b->mark)
		b->mark(&bytes, b->discarded, b->arg);
	queue_add(&b->kept, QUEUE_GAP, b->discarded, buffer_content(&bytes), buffer_length(&bytes));
	buffer_free(&bytes);
	b->discarded = 0;
}

bool
backlog_discard(struct backlog *b)
{
	const struct queue_entry *e;

	while ((e = queue_front(&b->waiting))) {
		if (e->kind == QUEUE_NOTIFICATION && !e->begun) {
			queue_drop(&b->waiting);
			b->discarded++;
			return true;
		}
		mark_discarded(b);
		queue_move(&b->waiting, &b->kept);
	}
	return false;
}

struct queue *
backlog_oldest(struct backlog *b)
{
	if (b->discarded && !queue_count(&b->kept))
		mark_discarded(b);
	if (queue_count(&b->kept))
		return &b->kept;
	return queue_count(&b->waiting) ? &b->waiting : NULL;
}

size_t
backlog_take_run(struct backlog *b, uint64_t most, struct fifo *out)
{
	struct queue *q = queue_front(&b->kept) ? &b->kept : &b->waiting;
	const struct queue_entry *e;
	size_t n = 0;

	if (q == &b->waiting && queue_count(q) <= most)
		return queue_take_all(q, out);
	for (; n < most && (e = queue_front(q)) && e->kind != QUEUE_GAP; n++) {
		fifo_move(&q->bytes, out, e->length);
		fifo_consume(&q->entries, sizeof *e);
	}
	return n;
}

static void
add_gap(struct queue *q, uint64_t *count)
{
	if (*count)
		queue_add(q, QUEUE_GAP, *count, "", 0);
	*count = 0;
}

static uint64_t
forget(struct queue *q, bool events)
{
	struct queue left = {0};
	const struct queue_entry *e;
	uint64_t gap = 0, n = 0;

	while ((e = queue_front(q))) {
		bool notification = e->kind == QUEUE_NOTIFICATION || e->kind == QUEUE_ROW;

		if (!e->begun && (notification || (events && e->kind == QUEUE_EVENT))) {
			gap += e->count;
			n += notification ? e->count : 0;
			queue_drop(q);
		} else {
			add_gap(&left, &gap);
			queue_move(q, &left);
		}
	}
	add_gap(&left, &gap);
	queue_free(q);
	*q = left;
	return n;
}

uint64_t
backlog_forget(struct backlog *b, bool events)
{
	return forget(&b->kept, events) + forget(&b->waiting, events);
}

static uint64_t
drop_all(struct queue *q)
{
	const struct queue_entry *e;
	uint64_t n = 0;

	while ((e = queue_front(q))) {
		n += e->kind == QUEUE_NOTIFICATION || e->kind == QUEUE_ROW;
		queue_drop(q);
	}
	queue_free(q);
	return n;
}

uint64_t
backlog_free(struct backlog *b)
{
	return drop_all(&b->kept) + drop_all(&b->waiting);
}
