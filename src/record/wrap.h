/*
 * Writes lines for people: text that wraps at the width of the terminal, with colours, and with
 * everything escaped that could control the terminal.
 *
 * Lines break at a space, and before and after a wide character; a word that is longer than a line breaks between
 * characters, and never inside the escape of a character. A space for which a line has no room is not written: the
 * break stands for it. The width of a character is what wcwidth() says, so it depends on LC_CTYPE.
 */
#ifndef PGWAIT_WRAP_H
#define PGWAIT_WRAP_H

#include "base/util.h"

struct buffer;

struct wrap {
	struct buffer *out;
	int width;  /* columns of a line; 0: no limit */
	int indent; /* columns that a line starts with which continues another */
	bool colour;
	bool ascii; /* the terminal knows no UTF-8: everything else is escaped */
	/* Kept by wrap.c: */
	int column;        /* where the next character goes */
	const char *style; /* SGR parameters in effect; NULL: none */
	size_t mark;       /* bytes of `out` up to the last place where the line may break ... */
	int mark_column;   /* ... and its column; 0: there is none */
	const char *mark_style;
	bool swallowed; /* a space at the end of a line that is full */
};

/* SGR parameters, such as "1;31", from here on; NULL: none. Only where there are colours. */
void wrap_style(struct wrap *c, const char *style);

/* Bytes that need no escape, each of one column. */
void wrap_plain(struct wrap *c, const char *s);
/* UTF-8 with the escapes of text output (escape_text()). */
void wrap_text(struct wrap *c, const char *s, size_t n);
/* A token of valid JSON, which stays that: what cannot be shown becomes \uHHHH. */
void wrap_json(struct wrap *c, const char *s, size_t n);

/* Spaces up to a column. */
void wrap_pad(struct wrap *c, int column);
/* A new line, which starts `indent` columns in. */
void wrap_break(struct wrap *c, int indent);
/* The line may break here. */
void wrap_may_break(struct wrap *c);
/* The end of the last line. */
void wrap_end(struct wrap *c);

/* Columns of a text that wrap_text() would write. */
int wrap_columns(const struct wrap *c, const char *s, size_t n);

#endif
