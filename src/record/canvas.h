/*
 * Lines for people: text that wraps at the width of a terminal, with colours, and without anything
 * that could drive it.
 *
 * A character is never split, nor is the escape that stands for one. Widths are those of wcwidth(),
 * so LC_CTYPE decides.
 */
#ifndef PGWAIT_CANVAS_H
#define PGWAIT_CANVAS_H

#include "base/util.h"

struct buffer;

struct canvas {
	struct buffer *out;
	int width;  /* columns of a line; 0: no limit */
	int indent; /* columns that a line starts with which continues another */
	bool colour;
	bool ascii; /* the terminal knows no UTF-8: everything else is escaped */
	/* Kept by canvas.c: */
	int column;        /* where the next character goes */
	const char *style; /* SGR parameters in effect; NULL: none */
};

/* SGR parameters, such as "1;31", from here on; NULL: none. Only where there are colours. */
void canvas_style(struct canvas *c, const char *style);

/* Bytes that need no escape, each of one column. */
void canvas_plain(struct canvas *c, const char *s);
/* UTF-8 with the escapes of text output (escape_text()). */
void canvas_text(struct canvas *c, const char *s, size_t n);
/* A token of valid JSON, which stays that: what cannot be shown becomes \uHHHH. */
void canvas_json(struct canvas *c, const char *s, size_t n);

/* Spaces up to a column. */
void canvas_pad(struct canvas *c, int column);
/* A new line, which starts `indent` columns in. */
void canvas_break(struct canvas *c, int indent);
/* The end of the last line. */
void canvas_end(struct canvas *c);

/* Columns of a text that canvas_text() would write. */
int canvas_columns(const struct canvas *c, const char *s, size_t n);

#endif
