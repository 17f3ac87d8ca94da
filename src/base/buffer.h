/*
 * An array of bytes that grows: the caller adds bytes at the end and takes them away at the front.
 *
 * A zeroed struct is an empty buffer. data + start .. data + end is the content; pointers into it
 * are valid until the next call that takes the buffer. buffer_free() leaves an empty buffer.
 */
#ifndef PGWAIT_BUFFER_H
#define PGWAIT_BUFFER_H

#include <stddef.h>
#include <string.h>

#include "base/util.h"

struct buffer {
	char *data;
	size_t start, end, size;
};

void buffer_grow(struct buffer *b, size_t n);

/* Drops `n` bytes at the front; an emptied large buffer gives its memory back. */
void buffer_consume(struct buffer *b, size_t n);
void buffer_free(struct buffer *b);

static inline size_t
buffer_length(const struct buffer *b)
{
	return b->end - b->start;
}

/* The bytes; NULL if nothing was ever added. */
static inline const char *
buffer_content(const struct buffer *b)
{
	return b->data ? b->data + b->start : NULL;
}

/* Makes room for `n` more bytes and returns where they go; buffer_add_end() says how many came. */
static inline char *
buffer_reserve(struct buffer *b, size_t n)
{
	if (b->size - b->end <= n)
		buffer_grow(b, n);
	return b->data + b->end;
}

/* `end` is one past the last byte written at what buffer_reserve() returned. */
static inline void
buffer_add_end(struct buffer *b, const char *end)
{
	b->end = (size_t)(end - b->data);
}

static inline void
buffer_add(struct buffer *b, const void *bytes, size_t n)
{
	char *p = buffer_reserve(b, n);

	if (n)
		memcpy(p, bytes, n);
	b->end += n;
}

static inline void
buffer_add_string(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

static inline void
buffer_clear(struct buffer *b)
{
	b->start = b->end = 0;
}

void buffer_addf(struct buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
