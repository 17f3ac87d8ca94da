/*
 * --format: every FORMAT is compiled or refused with a place in it, and what it writes is what an
 * interpreter of its own, here, makes of it.
 */
#include "config.h"

#include "record/format.h"

#include <time.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "decode.h"
#include "sample.h"

/* What was written, and what is still to be compared. */
struct reader {
	const char *at;
	size_t left;
};

static void
expect(struct reader *r, const void *bytes, size_t n)
{
	REQUIRE(r->left >= n && memcmp(r->at, bytes, n) == 0);
	r->at += n;
	r->left -= n;
}

static void
expect_text(struct reader *r, const char *s, size_t n)
{
	char *text = escape_shown_dup(s, n, false); /* the target "text" judges this one */

	expect(r, text, strlen(text));
	free(text);
}

static void
expect_time(struct reader *r, int64_t us)
{
	time_t seconds = (time_t)(us / SECOND);
	char date[32], all[64];

	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
	snprintf(all, sizeof all, "%s.%06dZ", date, (int)(us % SECOND));
	expect(r, all, strlen(all));
}

static void
expect_unix_time(struct reader *r, int64_t us)
{
	char all[64];

	snprintf(all, sizeof all, "%lld.%06d", (long long)(us / SECOND), (int)(us % SECOND));
	expect(r, all, strlen(all));
}

static void
expect_number(struct reader *r, size_t n)
{
	char digits[32];

	snprintf(digits, sizeof digits, "%zu", n);
	expect(r, digits, strlen(digits));
}

/* False for %j, which the target "json" judges: then the rest is not compared. */
static bool
expect_percent(struct reader *r, char letter, const struct sample *s)
{
	const struct record *record = &s->record;

	switch (letter) {
	case 'c':
		expect_text(r, s->channel, record->channel_length);
		break;
	case 'p':
		expect(r, s->payload, record->payload_length);
		break;
	case 'e':
		expect_text(r, s->payload, record->payload_length);
		break;
	case 'l':
		expect_number(r, record->payload_length);
		break;
	case 'i':
		expect_number(r, (size_t)record->pid);
		break;
	case 'd':
		expect_text(r, s->label, s->origin.label_length);
		break;
	case 'T':
		expect_time(r, record->time);
		break;
	case 's':
		expect_unix_time(r, record->time);
		break;
	case '%':
		expect(r, "%", 1);
		break;
	case 'j':
		return false;
	default:
		REQUIRE(!"a letter that should have been refused");
	}
	return true;
}

/* Returns how much of `spec` follows the backslash; *byte is what it stands for. */
static size_t
read_backslash(const char *spec, char *byte)
{
	switch (*spec) {
	case 'n':
		*byte = '\n';
		return 1;
	case 't':
		*byte = '\t';
		return 1;
	case '0':
		*byte = '\0';
		return 1;
	case '\\':
		*byte = '\\';
		return 1;
	case 'x':
		REQUIRE(strlen(spec) >= 3 && decode_hex(spec + 1, 2) >= 0);
		*byte = (char)decode_hex(spec + 1, 2);
		return 3;
	default:
		REQUIRE(!"an escape that should have been refused");
	}
	return 0;
}

/* In UTF-8, so that what is written needs no conversion. */
static void
check_written(struct reader *r, const char *spec, char end, const struct sample *s)
{
	int last = -1; /* the byte that FORMAT ends with, if it is a literal one */

	while (*spec) {
		char literal = *spec;

		if (*spec == '%') {
			if (!expect_percent(r, spec[1], s))
				return;
			last = spec[1] == '%' ? '%' : -1;
			spec += 2;
			continue;
		}
		spec += *spec == '\\' ? 1 + read_backslash(spec + 1, &literal) : 1;
		expect(r, &literal, 1);
		last = literal;
	}
	if (last != '\0' && !(end == '\n' && last == '\n'))
		expect(r, &end, 1);
	REQUIRE(r->left == 0);
}

/* "... at character N; ...": N lies in the text. */
static void
check_error(const char *spec, const char *error)
{
	const char *place =
	    strstr(error + strlen("invalid format \"") + strlen(spec), "at character ");
	unsigned long position = place ? strtoul(place + strlen("at character "), NULL, 10) : 0;

	REQUIRE(strncmp(error + strlen("invalid format \""), spec, strlen(spec)) == 0);
	REQUIRE(position >= 1 && position <= strlen(spec));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct sample s;
	struct buffer b = {0};
	bool nul = input_byte(&in) & 1;
	char *spec = input_string(&in), *error = NULL;
	struct format *f = format_compile(spec, nul ? FORMAT_END_NUL : FORMAT_END_LINE, &error);

	if (f) {
		sample_read(&in, &s);
		format_write(f, &s.record, &b);
		if (!s.charset)
			check_written(&(struct reader){b.data, b.end}, spec, nul ? '\0' : '\n', &s);
		buffer_free(&b);
		sample_free(&s);
		format_free(f);
	} else {
		check_error(spec, error);
	}
	free(error);
	free(spec);
	return 0;
}
