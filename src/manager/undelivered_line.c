#include "config.h"

#include "manager/undelivered_line.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct undelivered_entry) == 32, "entries are never split between chunks");

/* In `bytes`; behind it the strings with their zero bytes. */
struct head {
	int64_t time;
	int pid;
	uint32_t channel_length, payload_length;
};

void
undelivered_line_free(struct undelivered_line *l)
{
	fifo_free(&l->entries);
	fifo_free(&l->bytes);
}

void
undelivered_line_add(
    struct undelivered_line *l, struct undelivered_entry *e, const struct record *r)
{
	const struct head h = {.time = r->time,
	    .pid = r->pid,
	    .channel_length = (uint32_t)r->channel_length,
	    .payload_length = (uint32_t)r->payload_length};
	size_t start = l->bytes.length;

	fifo_add(&l->bytes, &h, sizeof h);
	fifo_add(&l->bytes, r->channel, r->channel_length + 1);
	fifo_add(&l->bytes, r->payload, r->payload_length + 1);
	e->length = l->bytes.length - start;
	fifo_add(&l->entries, e, sizeof *e);
}

struct undelivered_entry *
undelivered_line_front(const struct undelivered_line *l)
{
	size_t n;

	return fifo_front(&l->entries, &n);
}

void
undelivered_line_unpack(const struct undelivered_line *l, struct buffer *scratch, struct record *r)
{
	const struct undelivered_entry *e = undelivered_line_front(l);
	struct head h;
	const char *strings;

	buffer_clear(scratch);
	fifo_peek(&l->bytes, buffer_reserve(scratch, e->length), e->length);
	strings = scratch->data;
	memcpy(&h, strings, sizeof h);
	strings += sizeof h;
	*r = (struct record){.kind = RECORD_NOTIFICATION,
	    .origin = e->from,
	    .time = h.time,
	    .channel = strings,
	    .channel_length = h.channel_length,
	    .payload = strings + h.channel_length + 1,
	    .payload_length = h.payload_length,
	    .pid = h.pid};
}

void
undelivered_line_drop_front(struct undelivered_line *l)
{
	fifo_consume(&l->bytes, undelivered_line_front(l)->length);
	fifo_consume(&l->entries, sizeof(struct undelivered_entry));
}

void
undelivered_line_drop_before(struct undelivered_line *l, uint64_t number)
{
	const struct undelivered_entry *e;

	while ((e = undelivered_line_front(l)) && e->number < number)
		undelivered_line_drop_front(l);
}

void
undelivered_line_move_front(struct undelivered_line *from, struct undelivered_line *to)
{
	fifo_move(&from->bytes, &to->bytes, undelivered_line_front(from)->length);
	fifo_move(&from->entries, &to->entries, sizeof(struct undelivered_entry));
}
