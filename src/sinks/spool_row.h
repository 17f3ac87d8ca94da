/*
 * A row of the spool. It is a notification, or a gap in listening on one channel, or the number of
 * notifications that --overflow drop discarded at this place.
 *
 * A packed row is bytes that can be copied and stored. Its strings have a length, and end in a zero
 * byte as well.
 */
#ifndef PGWAIT_SPOOL_ROW_H
#define PGWAIT_SPOOL_ROW_H

#include <stddef.h>

#include "base/util.h"
#include "record/record.h"

struct buffer;

/* NULL stands for what a kind of row does not have. */
struct spool_row_text {
	const char *bytes;
	size_t length;
};

struct spool_row {
	enum record_kind kind; /* RECORD_NOTIFICATION, RECORD_LISTENING or RECORD_DROPPED */
	int64_t id;            /* in the order of arrival; 0 where it has none yet */
	int64_t time;          /* as in struct record, as are pid, since, gap, and count */
	struct spool_row_text label;
	struct spool_row_text channel; /* UTF-8 */
	struct spool_row_text
	    payload; /* UTF-8, or where that would not be all of it, as the server sent it */
	const char
	    *encoding; /* PostgreSQL's name, if `payload` needs to be converted; never freed */
	int64_t since, gap;
	uint64_t count;
	int pid;      /* of the notifying backend; of the listening one */
	bool is_text; /* `payload` is valid UTF-8 */
};

/* Appends what a record comes to, packed: no row, one, or one for each channel. */
void spool_row_pack_record(const struct record *r, struct buffer *out);

void spool_row_pack(const struct spool_row *row, struct buffer *out);

/* The row at `bytes`, which it points into; returns where the next one starts. */
const char *spool_row_unpack(const char *bytes, struct spool_row *row);

#endif
