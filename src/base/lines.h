/*
 * From bytes, in whatever pieces they were read, to lines.
 *
 * A zeroed struct is ready. Memory stays within LINE_LONGEST and the largest piece added, if whoever
 * adds takes the lines out before adding more. lines_free() leaves a struct that is ready again.
 */
#ifndef PGWAIT_LINES_H
#define PGWAIT_LINES_H

#include "base/buffer.h"
#include "base/util.h"

/* The longest line, in bytes without its end. */
#define LINE_LONGEST ((size_t)64 * 1024)

struct lines {
	struct buffer bytes;
	size_t taken;    /* so many were handed out last, and go with the next call */
	size_t searched; /* so many behind them hold no newline */
	size_t number;   /* of the line that lines_next() spoke of last, from 1 */
	bool skipping;   /* what comes belongs to a line that was too long */
	bool ended;
};

enum lines_found {
	LINES_NONE,     /* more bytes are needed */
	LINES_LINE,     /* *line .. *line + *length, without its LF or CR LF */
	LINES_TOO_LONG, /* reported once, when it gets too long; the rest of it is skipped */
};

void lines_add(struct lines *l, const void *bytes, size_t n);

/* End of file: what stands behind the last newline is a line, if there is anything. */
void lines_end(struct lines *l);

/* The next line, borrowed until the next call that takes `l`. */
enum lines_found lines_next(struct lines *l, const char **line, size_t *length);
void lines_free(struct lines *l);

#endif
