/*
 * Copies of notifications, in the order of their numbers: packed, so that the memory is their bytes.
 */
#ifndef PGWAIT_UNDELIVERED_LINE_H
#define PGWAIT_UNDELIVERED_LINE_H

#include "base/buffer.h"
#include "base/fifo.h"
#include "record/record.h"

struct undelivered_entry {
	_Alignas(16) uint64_t number; /* 32 bytes on every system, for FIFO_CHUNK's sake */
	int64_t after; /* a moment before which it was not sent; Unix time, microseconds */
	const struct origin *from; /* outlives it */
	uint64_t length;           /* of all of its bytes; set when it is added */
};

/* Zeroed: empty. */
struct undelivered_line {
	struct fifo entries, bytes;
};

void undelivered_line_free(struct undelivered_line *l);

void undelivered_line_add(
    struct undelivered_line *l, struct undelivered_entry *e, const struct record *r);

/* The first one; NULL: there is none. */
struct undelivered_entry *undelivered_line_front(const struct undelivered_line *l);

/* The first one as a record, but for what the entry says. Its strings are in `scratch`. */
void undelivered_line_unpack(
    const struct undelivered_line *l, struct buffer *scratch, struct record *r);

void undelivered_line_drop_front(struct undelivered_line *l);
void undelivered_line_drop_before(struct undelivered_line *l, uint64_t number);
/* To the end of another line. */
void undelivered_line_move_front(struct undelivered_line *from, struct undelivered_line *to);

#endif
