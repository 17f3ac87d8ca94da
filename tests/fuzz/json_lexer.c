/*
 * What is shown as JSON is JSON, by another parser; and no byte of it gets lost or drives a terminal.
 */
#include "config.h"

#include "base/buffer.h"
#include "decode.h"
#include "fuzz.h"
#include "record/json_lexer.h"
#include "record/wrap.h"

static bool value(const char **s, const char *end, int depth);

static void
space(const char **s, const char *end)
{
	while (*s < end && (**s == ' ' || **s == '\t' || **s == '\n' || **s == '\r'))
		++*s;
}

static bool
literal(const char **s, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *s) < n || memcmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool
string(const char **s, const char *end)
{
	size_t length;

	if (!literal(s, end, "\""))
		return false;
	while (*s < end && **s != '"') {
		long c = decode_character(*s, (size_t)(end - *s), &length);

		if (c < 0x20)
			return false;
		if (c == '\\') {
			char e = end - *s > 1 ? (*s)[1] : 0;

			length = e == 'u' ? 6 : 2;
			if (!e || !strchr("\"\\/bfnrtu", e) || (size_t)(end - *s) < length ||
			    (e == 'u' && decode_hex(*s + 2, 4) < 0))
				return false;
		}
		*s += length;
	}
	return literal(s, end, "\"");
}

static size_t
digits(const char **s, const char *end)
{
	size_t n = 0;

	for (; *s < end && **s >= '0' && **s <= '9'; n++)
		++*s;
	return n;
}

static bool
number(const char **s, const char *end)
{
	const char *first;

	literal(s, end, "-");
	first = *s;
	if (digits(s, end) == 0 || (*first == '0' && *s - first > 1))
		return false;
	if (literal(s, end, ".") && digits(s, end) == 0)
		return false;
	if (literal(s, end, "e") || literal(s, end, "E")) {
		if (!literal(s, end, "+"))
			literal(s, end, "-");
		return digits(s, end) > 0;
	}
	return true;
}

/* What stands between brackets. */
static bool
members(const char **s, const char *end, int depth, bool object)
{
	const char *last = object ? "}" : "]";

	space(s, end);
	if (literal(s, end, last))
		return true;
	do {
		space(s, end);
		if (object) {
			if (!string(s, end))
				return false;
			space(s, end);
			if (!literal(s, end, ":"))
				return false;
		}
		if (!value(s, end, depth))
			return false;
	} while (literal(s, end, ","));
	return literal(s, end, last);
}

static bool
value(const char **s, const char *end, int depth)
{
	bool ok;

	space(s, end);
	if (*s == end)
		return false;
	if (**s == '{' || **s == '[')
		ok = depth < JSON_LEXER_DEPTH && members(s, end, depth + 1, *(*s)++ == '{');
	else if (**s == '"')
		ok = string(s, end);
	else
		ok = literal(s, end, "true") || literal(s, end, "false") ||
		     literal(s, end, "null") || number(s, end);
	space(s, end);
	return ok;
}

static bool
is_document(const char *s, const char *end)
{
	const char *at = s;

	space(&at, end);
	if (at == end || (*at != '{' && *at != '['))
		return false;
	return value(&s, end, 0) && s == end;
}

/* Tokens and the space between them are all of it. */
static void
check_tokens(const char *s, size_t n)
{
	struct json_lexer v;
	struct buffer out = {0};
	struct wrap c = {.out = &out, .width = 20, .indent = 2};
	const char *at = s;

	json_lexer_start(&v, s, n);
	while (json_lexer_next(&v) != JSON_LEXER_END) {
		REQUIRE(v.token >= at && v.length > 0);
		space(&at, v.token);
		REQUIRE(at == v.token);
		at += v.length;
		wrap_json(&c, v.token, v.length);
	}
	space(&at, s + n);
	REQUIRE(at == s + n && v.depth == 0);
	for (size_t i = 0; i < out.end; i++)
		if (out.data[i] == '\n')
			out.data[i] = ' ';
	REQUIRE(decode_is_printable(out.data, out.end));
	buffer_free(&out);
}

/* Any bytes: nothing but line breaks drives a terminal. */
static void
check_text(const char *s, size_t n, bool ascii)
{
	struct buffer out = {0};
	struct wrap c = {.out = &out, .width = 20, .indent = 2, .ascii = ascii};

	wrap_text(&c, s, n);
	for (size_t i = 0; i < out.end; i++) {
		if (out.data[i] == '\n')
			out.data[i] = ' ';
		REQUIRE(!ascii || (unsigned char)out.data[i] < 0x80);
	}
	REQUIRE(decode_is_printable(out.data, out.end));
	buffer_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = xmalloc(size + 1);
	bool ok;

	if (size)
		memcpy(s, data, size);
	ok = json_lexer_is_document(s, size);
	REQUIRE(ok == is_document(s, s + size));
	if (ok)
		check_tokens(s, size);
	check_text(s, size, false);
	check_text(s, size, true);
	free(s);
	return 0;
}
