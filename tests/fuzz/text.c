/*
 * Text output is one line, drives no terminal, and says exactly what was sent.
 */
#include "config.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "decode.h"
#include "record/format.h"
#include "sample.h"

/* Any bytes, NUL included, survive. */
static void
check_escape(const uint8_t *data, size_t size)
{
	char *text = escape_shown_dup((const char *)data, size, false);
	size_t length = strlen(text);
	char *back = xmalloc(length);

	REQUIRE(decode_is_printable(text, length));
	REQUIRE(decode_text(text, length, back) == (ssize_t)size);
	REQUIRE(size == 0 || memcmp(back, data, size) == 0);
	free(text);
	free(back);
}

/* A field of the line, against what was sent. */
static void
check_field(const struct sample *s, const char *field, size_t length, const char *bytes, size_t n)
{
	char *back = xmalloc(length), *whole = xmalloc(n * 4 + 16);
	ssize_t got = decode_text(field, length, back), converted;

	REQUIRE(decode_is_printable(field, length));
	REQUIRE(got >= 0);
	if (s->charset) {
		converted = sample_convert(s, bytes, n, whole);
		REQUIRE(
		    converted < 0 || (got == converted && memcmp(back, whole, (size_t)got) == 0));
	} else {
		REQUIRE(got == (ssize_t)n && memcmp(back, bytes, n) == 0);
	}
	free(back);
	free(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct sample s;
	struct buffer b = {0};
	struct format *f = format_text();
	char *line, *tab1, *tab2;

	check_escape(data, size);
	sample_read(&in, &s);
	format_write(f, &s.record, &b);
	buffer_add(&b, "", 1);
	line = b.data;
	REQUIRE(strlen(line) == b.end - 1);
	REQUIRE(strchr(line, '\n') == line + b.end - 2);
	tab1 = strchr(line, '\t');
	REQUIRE(tab1);
	tab2 = strchr(tab1 + 1, '\t');
	REQUIRE(tab2 && strchr(tab2 + 1, '\t') == NULL);
	check_field(&s, line, (size_t)(tab1 - line), s.channel, s.record.channel_length);
	check_field(&s, tab1 + 1, (size_t)(tab2 - tab1 - 1), s.payload, s.record.payload_length);
	REQUIRE(atoi(tab2 + 1) == s.record.pid);
	buffer_free(&b);
	format_free(f);
	sample_free(&s);
	return 0;
}
