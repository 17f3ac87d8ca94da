/*
 * Bytes, first in, first out, packed into chunks of one size: the queue takes the memory of its
 * bytes and of two more chunks at most, however long it was before.
 *
 * A zeroed struct is empty. fifo_free() leaves an empty one.
 */
#ifndef PGWAIT_FIFO_H
#define PGWAIT_FIFO_H

#include <stddef.h>

#include "base/util.h"

/* Bytes in a chunk; a multiple of 16, so that 16-byte items added one by one are never split. */
#define FIFO_CHUNK ((size_t)65536 - 32)

struct fifo_chunk;

struct fifo {
	struct fifo_chunk *first, *last;
	size_t start, end; /* of what the first chunk holds, and of what the last one does */
	size_t length;
};

void fifo_add(struct fifo *f, const void *bytes, size_t n);

/*
 * The first bytes that are in one piece: *n of them, 0 if the queue is empty. They are valid, and
 * the caller may change them, until it consumes them.
 */
void *fifo_front(const struct fifo *f, size_t *n);

/* Copies `n` bytes from the front, no more than there are. */
void fifo_peek(const struct fifo *f, void *out, size_t n);

/* Drops `n` bytes at the front, no more than there are; the last chunk is kept for what comes. */
void fifo_consume(struct fifo *f, size_t n);

/* Moves `n` bytes from the front of one to the end of another. */
void fifo_move(struct fifo *from, struct fifo *to, size_t n);

void fifo_free(struct fifo *f);

#endif
