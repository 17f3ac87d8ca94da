/*
 * JSON that is written piece by piece: commas between the items of an object or list, and strings.
 */
#ifndef PGWAIT_JSON_WRITER_H
#define PGWAIT_JSON_WRITER_H

#include "base/buffer.h"

/*
 * Starts the next item of the object or list that is open at the end of `out`, which may be empty: then the
 * caller writes the outer brackets. `key`: of an object, written with its colon; NULL: an item of a list.
 */
void json_writer_item(struct buffer *out, const char *key);

/* Microseconds: Unix time as a string, "2026-11-24T10:00:00.000000Z"; and a number of seconds. */
void json_writer_time(struct buffer *out, int64_t us);
void json_writer_seconds(struct buffer *out, int64_t us);

/* Appends `n` bytes as a JSON string. */
void json_writer_string(struct buffer *out, const char *s, size_t n);

#endif
