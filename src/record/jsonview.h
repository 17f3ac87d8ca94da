/*
 * The tokens of a JSON text (RFC 8259, UTF-8), for showing it: strict, so that nothing else is taken
 * for JSON, and without recursion.
 *
 * Tokens are borrowed from the text. White space between them is skipped.
 */
#ifndef PGWAIT_JSONVIEW_H
#define PGWAIT_JSONVIEW_H

#include <stdbool.h>
#include <stddef.h>

/* What is nested deeper is not taken for JSON. */
#define JSONVIEW_DEPTH 512

enum jsonview_token {
	JSONVIEW_END,   /* of the text, which was valid */
	JSONVIEW_ERROR, /* it is not JSON, or too deep */
	JSONVIEW_OPEN,  /* { or [ */
	JSONVIEW_CLOSE, /* } or ] */
	JSONVIEW_COMMA,
	JSONVIEW_COLON,
	JSONVIEW_KEY, /* a string; with its quotes */
	JSONVIEW_STRING,
	JSONVIEW_NUMBER,
	JSONVIEW_WORD, /* true, false, null */
};

struct jsonview {
	const char *token; /* the last one */
	size_t length;
	size_t depth; /* of what is open after it */
	/* Kept by jsonview.c: */
	const char *at, *end;
	int expected;
	bool in_object[JSONVIEW_DEPTH]; /* or in an array, for each depth */
};

void jsonview_start(struct jsonview *v, const char *s, size_t n);
/* After JSONVIEW_END or JSONVIEW_ERROR it is not called again. */
enum jsonview_token jsonview_next(struct jsonview *v);

/* Whether all of it is one object or one array. A mere number or word is rarely meant as JSON. */
bool jsonview_is_document(const char *s, size_t n);

#endif
