/*
 * From a server's encoding to UTF-8 and back.
 *
 * pgwait asks the server to convert nothing (fact F4), so payloads come in the encoding of the
 * database. Bytes in an encoding that iconv does not know, and in SQL_ASCII, which is no encoding,
 * are not converted.
 */
#ifndef PGWAIT_ENCODING_H
#define PGWAIT_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

struct buffer;
struct encoding;

/* NULL if bytes in this encoding (a PostgreSQL name, as in server_encoding; NULL: unknown) pass as they are. */
struct encoding *encoding_open(const char *server_encoding);
void encoding_close(struct encoding *e);

/* PostgreSQL's name of it, which is never freed; NULL for NULL. */
const char *encoding_name(const struct encoding *e);
/* The same for a name of `n` bytes; NULL: pgwait converts no such encoding. */
const char *encoding_find(const char *name, size_t n);

/*
 * Converted bytes, in runs: each run is either valid UTF-8, or one byte (0x80 or above) of the
 * input that is part of no valid character. Two such bytes are never in one run, since together
 * they could look like a character that nobody sent.
 */
struct segment {
	const char *bytes;
	size_t length;
};

struct segments {
	const struct segment *list;
	size_t count;
	bool lossless; /* everything meant something */
};

/* No character of these encodings takes more bytes of UTF-8 for one of its own. */
#define ENCODING_UTF8_WORST 3

/* `n` bytes at `s` to segments, which are valid until the next conversion of any encoding. */
struct segments encoding_to_utf8(struct encoding *e, const char *s, size_t n);

/* UTF-8 to the server's encoding, appended to `out`; false where a character does not exist there. */
MUST_CHECK bool encoding_from_utf8(struct encoding *e, const char *s, size_t n, struct buffer *out);

#endif
