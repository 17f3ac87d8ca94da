#include "config.h"

#include "record/queue.h"

#include <assert.h>

#include "base/buffer.h"

static_assert(sizeof(struct queue_entry) == 16, "entries are never split between chunks");

void
queue_add(struct queue *q, enum queue_kind kind, uint64_t count, const void *bytes, size_t n)
{
	const struct queue_entry e = {.length = n, .kind = kind, .count = count};

	fifo_add(&q->entries, &e, sizeof e);
	fifo_add(&q->bytes, bytes, n);
}

void
queue_append(struct queue *q, const struct buffer *entries, const struct buffer *bytes)
{
	fifo_add(&q->entries, buffer_content(entries), buffer_length(entries));
	fifo_add(&q->bytes, buffer_content(bytes), buffer_length(bytes));
}

struct queue_entry *
queue_front(const struct queue *q)
{
	size_t n;

	return fifo_front(&q->entries, &n);
}

void
queue_drop(struct queue *q)
{
	fifo_consume(&q->bytes, queue_front(q)->length);
	fifo_consume(&q->entries, sizeof(struct queue_entry));
}

void
queue_pop(struct queue *q, struct buffer *out)
{
	size_t left = queue_front(q)->length;

	while (left) {
		size_t n;
		const void *bytes = fifo_front(&q->bytes, &n);

		if (n > left)
			n = left;
		buffer_add(out, bytes, n);
		fifo_consume(&q->bytes, n);
		left -= n;
	}
	fifo_consume(&q->entries, sizeof(struct queue_entry));
}

size_t
queue_take_all(struct queue *q, struct fifo *out)
{
	size_t count = queue_count(q);
	struct fifo emptied = *out;

	*out = q->bytes;
	q->bytes = emptied;
	fifo_consume(&q->entries, q->entries.length);
	return count;
}

void
queue_move(struct queue *from, struct queue *to)
{
	fifo_move(&from->bytes, &to->bytes, queue_front(from)->length);
	fifo_move(&from->entries, &to->entries, sizeof(struct queue_entry));
}

void
queue_consume(
    struct queue *q, size_t n, void (*done)(const struct queue_entry *e, void *arg), void *arg)
{
	struct queue_entry *e;
	size_t size;

	fifo_consume(&q->bytes, n);
	while ((e = fifo_front(&q->entries, &size))) {
		struct queue_entry *first = e, *end = e + size / sizeof *e;

		for (; e < end && e->length <= n; e++) {
			n -= e->length;
			done(e, arg);
		}
		if (e < end && n) {
			e->length -= n;
			e->begun = 1;
		}
		fifo_consume(&q->entries, (size_t)(e - first) * sizeof *e);
		if (e < end)
			return;
	}
}

void
queue_free(struct queue *q)
{
	fifo_free(&q->bytes);
	fifo_free(&q->entries);
}
