/*
 * Cuts bytes into lines. The bytes can come in any pieces.
 *
 * A zeroed struct is ready. Memory stays within LINE_LONGEST and the largest piece added, if
 * whoever adds takes the lines out before adding more. line_reader_free() leaves a struct that is
 * ready again.
 */
#ifndef PGWAIT_LINE_READER_H
#define PGWAIT_LINE_READER_H

#include "base/buffer.h"
#include "base/util.h"

/* The longest line, in bytes without its end. */
#define LINE_LONGEST ((size_t)64 * 1024)

struct line_reader {
	struct buffer bytes;
	size_t taken;    /* length of the line that was returned last; the next call drops it */
	size_t searched; /* this many bytes behind `taken` are known to have no newline */
	size_t number;   /* of the line that line_reader_next() spoke of last, from 1 */
	bool skipping;   /* what comes belongs to a line that was too long */
	bool ended;
};

enum line_reader_found {
	LINE_READER_NONE,     /* more bytes are needed */
	LINE_READER_LINE,     /* *line .. *line + *length, without its LF or CR LF */
	LINE_READER_TOO_LONG, /* reported once, when it gets too long; the rest of it is skipped */
};

void line_reader_add(struct line_reader *l, const void *bytes, size_t n);

/* End of file: what stands behind the last newline is a line, if there is anything. */
void line_reader_end(struct line_reader *l);

/* The next line, borrowed until the next call that takes `l`. */
enum line_reader_found line_reader_next(struct line_reader *l, const char **line, size_t *length);
void line_reader_free(struct line_reader *l);

#endif
