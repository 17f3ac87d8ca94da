#include "config.h"

#include "record/json_lexer.h"

#include <string.h>

#include "base/escape.h"
#include "base/util.h"

enum expected {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_CLOSE, /* after [ */
	EXPECT_KEY,
	EXPECT_KEY_OR_CLOSE, /* after { */
	EXPECT_COLON,
	EXPECT_COMMA_OR_CLOSE, /* after a value in something */
	EXPECT_END,
};

void
json_lexer_start(struct json_lexer *v, const char *s, size_t n)
{
	v->token = v->at = s;
	v->end = s + n;
	v->length = v->depth = 0;
	v->expected = EXPECT_VALUE;
}

static size_t
left(const struct json_lexer *v)
{
	return (size_t)(v->end - v->at);
}

static void
skip_space(struct json_lexer *v)
{
	while (v->at < v->end && *v->at && strchr(" \t\n\r", *v->at))
		v->at++;
}

static bool
is_digit(const struct json_lexer *v)
{
	return v->at < v->end && *v->at >= '0' && *v->at <= '9';
}

static bool
skip_one(struct json_lexer *v, const char *set)
{
	if (v->at == v->end || !*v->at || !strchr(set, *v->at))
		return false;
	v->at++;
	return true;
}

static bool
skip_digits(struct json_lexer *v)
{
	if (!is_digit(v))
		return false;
	while (is_digit(v))
		v->at++;
	return true;
}

static bool
skip_number(struct json_lexer *v)
{
	skip_one(v, "-");
	if (!skip_one(v, "0") && !skip_digits(v))
		return false;
	if (skip_one(v, ".") && !skip_digits(v))
		return false;
	if (!skip_one(v, "eE"))
		return true;
	skip_one(v, "+-");
	return skip_digits(v);
}

static bool
skip_word(struct json_lexer *v)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t n = strlen(words[i]);

		if (left(v) >= n && memcmp(v->at, words[i], n) == 0) {
			v->at += n;
			return true;
		}
	}
	return false;
}

/* What follows a backslash. */
static bool
skip_escape(struct json_lexer *v)
{
	if (skip_one(v, "\"\\/bfnrt"))
		return true;
	if (!skip_one(v, "u"))
		return false;
	for (int i = 0; i < 4; i++, v->at++)
		if (v->at == v->end || parse_hex_digit(*v->at) < 0)
			return false;
	return true;
}

static bool
skip_string(struct json_lexer *v)
{
	if (!skip_one(v, "\""))
		return false;
	while (!skip_one(v, "\"")) {
		size_t n = utf8_sequence(v->at, left(v));

		if (n == 0 || (unsigned char)*v->at < ' ')
			return false;
		v->at += n;
		if (v->at[-1] == '\\' && !skip_escape(v))
			return false;
	}
	return true;
}

/* What may follow a value. */
static int
after_value(const struct json_lexer *v)
{
	return v->depth ? EXPECT_COMMA_OR_CLOSE : EXPECT_END;
}

static enum json_lexer_token
open(struct json_lexer *v)
{
	bool object = *v->at++ == '{';

	if (v->depth == JSON_LEXER_DEPTH)
		return JSON_LEXER_ERROR;
	v->in_object[v->depth++] = object;
	v->expected = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
	return JSON_LEXER_OPEN;
}

static enum json_lexer_token
close(struct json_lexer *v)
{
	if (v->depth == 0 || !skip_one(v, v->in_object[v->depth - 1] ? "}" : "]"))
		return JSON_LEXER_ERROR;
	v->depth--;
	v->expected = after_value(v);
	return JSON_LEXER_CLOSE;
}

static enum json_lexer_token
value(struct json_lexer *v)
{
	enum json_lexer_token kind;
	bool ok;

	switch (*v->at) {
	case '{':
	case '[':
		return open(v);
	case '"':
		kind = JSON_LEXER_STRING;
		ok = skip_string(v);
		break;
	case 't':
	case 'f':
	case 'n':
		kind = JSON_LEXER_WORD;
		ok = skip_word(v);
		break;
	default:
		kind = JSON_LEXER_NUMBER;
		ok = skip_number(v);
	}
	v->expected = after_value(v);
	return ok ? kind : JSON_LEXER_ERROR;
}

static enum json_lexer_token
key(struct json_lexer *v)
{
	v->expected = EXPECT_COLON;
	return skip_string(v) ? JSON_LEXER_KEY : JSON_LEXER_ERROR;
}

static enum json_lexer_token
separator(struct json_lexer *v, const char *which, int expected)
{
	v->expected = expected;
	if (!skip_one(v, which))
		return JSON_LEXER_ERROR;
	return *which == ',' ? JSON_LEXER_COMMA : JSON_LEXER_COLON;
}

static enum json_lexer_token
token(struct json_lexer *v)
{
	bool closes = *v->at == '}' || *v->at == ']';

	switch (v->expected) {
	case EXPECT_VALUE_OR_CLOSE:
		return closes ? close(v) : value(v);
	case EXPECT_KEY_OR_CLOSE:
		return closes ? close(v) : key(v);
	case EXPECT_KEY:
		return key(v);
	case EXPECT_COLON:
		return separator(v, ":", EXPECT_VALUE);
	case EXPECT_COMMA_OR_CLOSE:
		if (closes)
			return close(v);
		return separator(v, ",", v->in_object[v->depth - 1] ? EXPECT_KEY : EXPECT_VALUE);
	case EXPECT_VALUE:
		return value(v);
	default:
		return JSON_LEXER_ERROR;
	}
}

enum json_lexer_token
json_lexer_next(struct json_lexer *v)
{
	enum json_lexer_token kind;

	skip_space(v);
	v->token = v->at;
	v->length = 0;
	if (v->at == v->end)
		return v->expected == EXPECT_END ? JSON_LEXER_END : JSON_LEXER_ERROR;
	kind = token(v);
	v->length = (size_t)(v->at - v->token);
	return kind;
}

bool
json_lexer_is_document(const char *s, size_t n)
{
	struct json_lexer v;
	enum json_lexer_token kind;

	json_lexer_start(&v, s, n);
	kind = json_lexer_next(&v);
	if (kind != JSON_LEXER_OPEN)
		return false;
	while (kind != JSON_LEXER_END && kind != JSON_LEXER_ERROR)
		kind = json_lexer_next(&v);
	return kind == JSON_LEXER_END;
}
