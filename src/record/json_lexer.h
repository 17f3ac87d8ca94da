/*
 * Finds the tokens of a JSON text (RFC 8259, UTF-8), to show it. The lexer is strict, so that only
 * valid JSON is shown as JSON. It does not recurse.
 *
 * Tokens are borrowed from the text. White space between them is skipped.
 */
#ifndef PGWAIT_JSON_LEXER_H
#define PGWAIT_JSON_LEXER_H

#include <stdbool.h>
#include <stddef.h>

/* A text that is nested deeper is not taken for JSON. */
#define JSON_LEXER_DEPTH 512

enum json_lexer_token {
	JSON_LEXER_END,   /* of the text, which was valid */
	JSON_LEXER_ERROR, /* it is not JSON, or too deep */
	JSON_LEXER_OPEN,  /* { or [ */
	JSON_LEXER_CLOSE, /* } or ] */
	JSON_LEXER_COMMA,
	JSON_LEXER_COLON,
	JSON_LEXER_KEY, /* a string; with its quotes */
	JSON_LEXER_STRING,
	JSON_LEXER_NUMBER,
	JSON_LEXER_WORD, /* true, false, null */
};

struct json_lexer {
	const char *token; /* the last one */
	size_t length;
	size_t depth; /* of what is open after it */
	/* Kept by json_lexer.c: */
	const char *at, *end;
	int expected;
	bool in_object[JSON_LEXER_DEPTH]; /* or in an array, for each depth */
};

void json_lexer_start(struct json_lexer *v, const char *s, size_t n);
/* After JSON_LEXER_END or JSON_LEXER_ERROR it is not called again. */
enum json_lexer_token json_lexer_next(struct json_lexer *v);

/* Whether all of it is one object or one array. A mere number or word is rarely meant as JSON. */
bool json_lexer_is_document(const char *s, size_t n);

#endif
