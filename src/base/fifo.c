#include "config.h"

#include "base/fifo.h"

#include <stdlib.h>
#include <string.h>

struct fifo_chunk {
	struct fifo_chunk *next;
	char bytes[FIFO_CHUNK] __attribute__((aligned(16)));
};

static void
add_chunk(struct fifo *f)
{
	struct fifo_chunk *c = xmalloc(sizeof *c);

	c->next = NULL;
	if (f->last)
		f->last->next = c;
	else
		f->first = c;
	f->last = c;
	f->end = 0;
}

void
fifo_add(struct fifo *f, const void *bytes, size_t n)
{
	const char *from = bytes;

	f->length += n;
	while (n) {
		size_t part;

		if (!f->last || f->end == FIFO_CHUNK)
			add_chunk(f);
		part = FIFO_CHUNK - f->end;
		if (part > n)
			part = n;
		memcpy(f->last->bytes + f->end, from, part);
		f->end += part;
		from += part;
		n -= part;
	}
}

void *
fifo_front(const struct fifo *f, size_t *n)
{
	*n = 0;
	if (f->length == 0)
		return NULL;
	*n = (f->first == f->last ? f->end : FIFO_CHUNK) - f->start;
	return f->first->bytes + f->start;
}

void
fifo_peek(const struct fifo *f, void *out, size_t n)
{
	const struct fifo_chunk *c = f->first;
	size_t start = f->start;

	for (char *to = out; n; c = c->next, start = 0) {
		size_t part = FIFO_CHUNK - start < n ? FIFO_CHUNK - start : n;

		memcpy(to, c->bytes + start, part);
		to += part;
		n -= part;
	}
}

void
fifo_consume(struct fifo *f, size_t n)
{
	f->length -= n;
	f->start += n;
	while (f->first != f->last && f->start >= FIFO_CHUNK) {
		struct fifo_chunk *c = f->first;

		f->first = c->next;
		f->start -= FIFO_CHUNK;
		free(c);
	}
	if (f->length == 0)
		f->start = f->end = 0;
}

void
fifo_move(struct fifo *from, struct fifo *to, size_t n)
{
	while (n) {
		size_t part;
		const void *bytes = fifo_front(from, &part);

		if (part > n)
			part = n;
		fifo_add(to, bytes, part);
		fifo_consume(from, part);
		n -= part;
	}
}

void
fifo_free(struct fifo *f)
{
	while (f->first) {
		struct fifo_chunk *c = f->first;

		f->first = c->next;
		free(c);
	}
	memset(f, 0, sizeof *f);
}
