#include "config.h"

#include "record/jsonview.h"

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
jsonview_start(struct jsonview *v, const char *s, size_t n)
{
	v->token = v->at = s;
	v->end = s + n;
	v->length = v->depth = 0;
	v->expected = EXPECT_VALUE;
}

static size_t
left(const struct jsonview *v)
{
	return (size_t)(v->end - v->at);
}

static void
skip_space(struct jsonview *v)
{
	while (v->at < v->end && *v->at && strchr(" \t\n\r", *v->at))
		v->at++;
}

static bool
is_digit(const struct jsonview *v)
{
	return v->at < v->end && *v->at >= '0' && *v->at <= '9';
}

static bool
skip_one(struct jsonview *v, const char *set)
{
	if (v->at == v->end || !*v->at || !strchr(set, *v->at))
		return false;
	v->at++;
	return true;
}

static bool
skip_digits(struct jsonview *v)
{
	if (!is_digit(v))
		return false;
	while (is_digit(v))
		v->at++;
	return true;
}

static bool
skip_number(struct jsonview *v)
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
skip_word(struct jsonview *v)
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
skip_escape(struct jsonview *v)
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
skip_string(struct jsonview *v)
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
after_value(const struct jsonview *v)
{
	return v->depth ? EXPECT_COMMA_OR_CLOSE : EXPECT_END;
}

static enum jsonview_token
open(struct jsonview *v)
{
	bool object = *v->at++ == '{';

	if (v->depth == JSONVIEW_DEPTH)
		return JSONVIEW_ERROR;
	v->in_object[v->depth++] = object;
	v->expected = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
	return JSONVIEW_OPEN;
}

static enum jsonview_token
close(struct jsonview *v)
{
	if (v->depth == 0 || !skip_one(v, v->in_object[v->depth - 1] ? "}" : "]"))
		return JSONVIEW_ERROR;
	v->depth--;
	v->expected = after_value(v);
	return JSONVIEW_CLOSE;
}

static enum jsonview_token
value(struct jsonview *v)
{
	enum jsonview_token kind;
	bool ok;

	switch (*v->at) {
	case '{':
	case '[':
		return open(v);
	case '"':
		kind = JSONVIEW_STRING;
		ok = skip_string(v);
		break;
	case 't':
	case 'f':
	case 'n':
		kind = JSONVIEW_WORD;
		ok = skip_word(v);
		break;
	default:
		kind = JSONVIEW_NUMBER;
		ok = skip_number(v);
	}
	v->expected = after_value(v);
	return ok ? kind : JSONVIEW_ERROR;
}

static enum jsonview_token
key(struct jsonview *v)
{
	v->expected = EXPECT_COLON;
	return skip_string(v) ? JSONVIEW_KEY : JSONVIEW_ERROR;
}

static enum jsonview_token
separator(struct jsonview *v, const char *which, int expected)
{
	v->expected = expected;
	if (!skip_one(v, which))
		return JSONVIEW_ERROR;
	return *which == ',' ? JSONVIEW_COMMA : JSONVIEW_COLON;
}

static enum jsonview_token
token(struct jsonview *v)
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
		return JSONVIEW_ERROR;
	}
}

enum jsonview_token
jsonview_next(struct jsonview *v)
{
	enum jsonview_token kind;

	skip_space(v);
	v->token = v->at;
	v->length = 0;
	if (v->at == v->end)
		return v->expected == EXPECT_END ? JSONVIEW_END : JSONVIEW_ERROR;
	kind = token(v);
	v->length = (size_t)(v->at - v->token);
	return kind;
}

bool
jsonview_is_document(const char *s, size_t n)
{
	struct jsonview v;
	enum jsonview_token kind;

	jsonview_start(&v, s, n);
	kind = jsonview_next(&v);
	if (kind != JSONVIEW_OPEN)
		return false;
	while (kind != JSONVIEW_END && kind != JSONVIEW_ERROR)
		kind = jsonview_next(&v);
	return kind == JSONVIEW_END;
}
