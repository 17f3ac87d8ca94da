/*
 * Turns a record into bytes. Text, NUL, JSON and --format are compiled to a list of parts
 * (template.h), which one function runs.
 *
 * The result depends on the record alone. To be fast, a format remembers the parts that are the
 * same for every record of one read. A format belongs to one thread.
 */
#ifndef PGWAIT_FORMAT_H
#define PGWAIT_FORMAT_H

#include <stddef.h>

#include "base/util.h"

struct buffer;
struct format;
struct record;

/* What follows a record. */
enum format_end {
	FORMAT_END_LINE, /* a newline, unless FORMAT ends in one or in \0 */
	FORMAT_END_NUL,  /* a zero byte, unless FORMAT ends in one */
};

struct format *format_text(void);
struct format *format_nul(void);
struct format *format_json(enum format_end end);

/*
 * NULL where `spec` is not a FORMAT; then *error, which the caller frees, says what is wrong with it
 * and at which character.
 */
MUST_CHECK struct format *format_compile(const char *spec, enum format_end end, char **error);
void format_free(struct format *f);

/* Appends a notification. */
void format_write(struct format *f, const struct record *r, struct buffer *out);

/* UTC, ISO 8601 with microseconds: `out` takes FORMAT_TIME_LENGTH bytes, without a zero byte. */
#define FORMAT_TIME_LENGTH 27
char *format_time(char *out, int64_t us);

#endif
