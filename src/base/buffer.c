#include "config.h"

#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * An emptied buffer keeps at most this many bytes. A buffer that a burst made larger is given back
 * to the system.
 */
#define KEEP ((size_t)1 << 20)

void
buffer_grow(struct buffer *b, size_t n)
{
	size_t length = buffer_length(b), size = b->size ? b->size : 4096;

	if (b->start) {
		/*
		 * Moves the content to the start. If that frees less than half of the buffer, it
		 * grows as well, so that all moving together never costs more than the adding.
		 */
		if (length + n >= size / 2)
			size *= 2;
		memmove(b->data, b->data + b->start, length);
		b->start = 0;
		b->end = length;
	}
	while (size <= length + n)
		size *= 2;
	if (size == b->size)
		return;
	b->data = xrealloc(b->data, size);
	b->size = size;
}

void
buffer_consume(struct buffer *b, size_t n)
{
	b->start += n;
	if (b->start < b->end)
		return;
	b->start = b->end = 0;
	if (b->size > KEEP)
		buffer_free(b);
}

void
buffer_free(struct buffer *b)
{
	free(b->data);
	memset(b, 0, sizeof *b);
}

void
buffer_addf(struct buffer *b, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n;

	do {
		room = b->size - b->end;
		va_start(ap, fmt);
		n = vsnprintf(room ? b->data + b->end : NULL, room, fmt, ap);
		va_end(ap);
		if (n < 0)
			out_of_memory();
	} while ((size_t)n >= room && buffer_reserve(b, (size_t)n));
	b->end += (size_t)n;
}
