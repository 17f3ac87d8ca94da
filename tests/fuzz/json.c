/*
 * JSON output is one valid object a line, in UTF-8, and says exactly what was sent.
 */
#include "config.h"

#include <time.h>

#include "base/buffer.h"
#include "decode.h"
#include "record/format.h"
#include "sample.h"

/* What is still to be read of the line. */
struct reader {
	const char *at;
	size_t left;
};

static void
read_literal(struct reader *r, const char *literal)
{
	size_t n = strlen(literal);

	REQUIRE(r->left >= n && memcmp(r->at, literal, n) == 0);
	r->at += n;
	r->left -= n;
}

/* A string's content; freed by the caller. */
static char *
read_string(struct reader *r, size_t *length)
{
	char *s = xmalloc(r->left);
	size_t used;
	ssize_t n = decode_json_string(r->at, r->left, s, &used);

	REQUIRE(n >= 0);
	r->at += used;
	r->left -= used;
	*length = (size_t)n;
	return s;
}

/* As the manual says: each byte that is no part of a character becomes U+FFFD. */
static char *
replace_invalid(const char *s, size_t n, size_t *length, bool *valid)
{
	char *replaced = xmalloc(n * 3 + 1), *out = replaced;
	size_t used;

	for (*valid = true; n; s += used, n -= used) {
		if (decode_character(s, n, &used) < 0) {
			used = 1;
			out = decode_put(out, 0xfffd);
			*valid = false;
		} else {
			memcpy(out, s, used);
			out += used;
		}
	}
	*length = (size_t)(out - replaced);
	return replaced;
}

/* `got` is what the JSON says; whether `bytes` are wholly of their encoding. */
static bool
check_value(const struct sample *s, const char *got, size_t length, const char *bytes, size_t n)
{
	bool valid;

	if (s->charset) {
		char *whole = xmalloc(n * 4 + 16);
		ssize_t converted = sample_convert(s, bytes, n, whole);

		valid = converted >= 0;
		REQUIRE(!valid || (length == (size_t)converted && memcmp(got, whole, length) == 0));
		free(whole);
	} else {
		size_t expected_length;
		char *expected = replace_invalid(bytes, n, &expected_length, &valid);

		REQUIRE(length == expected_length && memcmp(got, expected, length) == 0);
		free(expected);
	}
	return valid;
}

static bool
check_string(struct reader *r, const struct sample *s, const char *bytes, size_t n)
{
	size_t length;
	char *got = read_string(r, &length);
	bool valid = check_value(s, got, length, bytes, n);

	free(got);
	return valid;
}

static void
check_base64(struct reader *r, const struct sample *s)
{
	size_t length;
	char *encoded, *bytes;

	read_literal(r, ",\"payload_base64\":");
	encoded = read_string(r, &length);
	bytes = xmalloc(length + 3);
	REQUIRE(decode_base64(encoded, length, bytes) == (ssize_t)s->record.payload_length);
	REQUIRE(memcmp(bytes, s->payload, s->record.payload_length) == 0);
	free(encoded);
	free(bytes);
}

static void
check_line(struct reader *r, const struct sample *s)
{
	const struct sample plain = {0}; /* a label is UTF-8 */
	char number[32], seconds[32], time[64];
	time_t t = (time_t)(s->record.time / SECOND);
	bool valid;

	read_literal(r, "{\"channel\":");
	check_string(r, s, s->channel, s->record.channel_length);
	read_literal(r, ",\"payload\":");
	valid = check_string(r, s, s->payload, s->record.payload_length);
	snprintf(number, sizeof number, ",\"pid\":%d", s->record.pid);
	read_literal(r, number);
	read_literal(r, ",\"connection\":");
	check_string(r, &plain, s->label, s->origin.label_length);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", gmtime(&t));
	snprintf(
	    time, sizeof time, ",\"time\":\"%s.%06dZ\"", seconds, (int)(s->record.time % SECOND));
	read_literal(r, time);
	if (!valid)
		check_base64(r, s);
	read_literal(r, "}\n");
	REQUIRE(r->left == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct sample s;
	struct buffer b = {0};
	struct format *f = format_json(FORMAT_END_LINE);
	struct reader r;

	sample_read(&in, &s);
	format_write(f, &s.record, &b);
	REQUIRE(decode_is_printable(b.data, b.end - 1));
	r = (struct reader){b.data, b.end};
	check_line(&r, &s);
	buffer_free(&b);
	format_free(f);
	sample_free(&s);
	return 0;
}
