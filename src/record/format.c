#include "config.h"

#include "record/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "record/encoding.h"
#include "record/record.h"
#include "record/template.h"

#define NUMBER_LENGTH 20 /* of 64 bits */

/*
 * The most that a value takes: bytes in any case, and for each byte of channel, payload and label. A
 * buffer is asked for all of it at once, and then a pointer does.
 */
struct room {
	size_t fixed, channel, payload, label;
};

static const struct room rooms[] = {
    [VALUE_CHANNEL] = {.channel = ESCAPE_TEXT_WORST},
    [VALUE_CHANNEL_RAW] = {.channel = 1},
    [VALUE_PAYLOAD] = {.payload = ESCAPE_TEXT_WORST},
    [VALUE_PAYLOAD_RAW] = {.payload = 1},
    [VALUE_LENGTH] = {.fixed = NUMBER_LENGTH},
    [VALUE_PID] = {.fixed = NUMBER_LENGTH},
    [VALUE_LABEL] = {.label = ESCAPE_TEXT_WORST},
    [VALUE_TIME] = {.fixed = FORMAT_TIME_LENGTH},
    [VALUE_UNIX_TIME] = {.fixed = NUMBER_LENGTH + 7},
    [VALUE_TEXT] = {.fixed = NUMBER_LENGTH + 3,
	.channel = ESCAPE_TEXT_WORST,
	.payload = ESCAPE_TEXT_WORST},
    [VALUE_NUL] = {.fixed = NUMBER_LENGTH + 3, .channel = 1, .payload = 1},
    /* 120: the keys. Base64 of a payload takes less than two bytes for each, and 4. */
    [VALUE_JSON] = {.fixed = 136 + NUMBER_LENGTH + FORMAT_TIME_LENGTH,
	.channel = ESCAPE_JSON_WORST,
	.payload = ESCAPE_JSON_WORST + 2,
	.label = ESCAPE_JSON_WORST},
};

struct format {
	struct template template;
	struct room room; /* for all of it */
	void (*write)(struct format *f, const struct record *r, struct buffer *out);
	/* The digits of one pid: most records have that of the last. */
	int pid;
	char pid_digits[NUMBER_LENGTH];
	size_t pid_length;
	/* The end of a JSON object from "connection" on, for one origin and time. */
	struct buffer tail;
	unsigned tail_serial;
	int64_t tail_time;
};

static void write_template(struct format *f, const struct record *r, struct buffer *out);
static void write_json(struct format *f, const struct record *r, struct buffer *out);
static void write_text(struct format *f, const struct record *r, struct buffer *out);

static struct format *
new_format(void)
{
	struct format *f = xcalloc(1, sizeof *f);

	f->write = write_template;
	return f;
}

/* A format of one value, without an end. */
static struct format *
new_format_of(enum template_value value)
{
	struct format *f = new_format();

	template_add_value(&f->template, value);
	return f;
}

/* Adds up the room once the template is complete. */
static struct format *
complete(struct format *f)
{
	const struct template *t = &f->template;

	f->room.fixed = buffer_length(&t->literals);
	for (size_t i = 0; i < t->count; i++) {
		const struct room *room = &rooms[t->parts[i].value];

		f->room.fixed += room->fixed;
		f->room.channel += room->channel;
		f->room.payload += room->payload;
		f->room.label += room->label;
	}
	return f;
}

static struct format *
complete_with_end(struct format *f, enum format_end end)
{
	int last = template_last_byte(&f->template);

	if (end == FORMAT_END_NUL && last != '\0')
		template_add_byte(&f->template, '\0');
	else if (end == FORMAT_END_LINE && last != '\0' && last != '\n')
		template_add_byte(&f->template, '\n');
	return complete(f);
}

struct format *
format_text(void)
{
	struct format *f = complete(new_format_of(VALUE_TEXT));

	f->write = write_text;
	return f;
}

struct format *
format_nul(void)
{
	return complete(new_format_of(VALUE_NUL));
}

struct format *
format_json(enum format_end end)
{
	struct format *f = complete_with_end(new_format_of(VALUE_JSON), end);

	f->write = write_json;
	(void)buffer_reserve(&f->tail, 1); /* before libpq holds anything: see output_new() */
	return f;
}

struct format *
format_compile(const char *spec, enum format_end end, char **error)
{
	struct format *f = new_format();

	if (template_add_spec(&f->template, spec, error))
		return complete_with_end(f, end);
	format_free(f);
	return NULL;
}

void
format_free(struct format *f)
{
	if (!f)
		return;
	template_free(&f->template);
	buffer_free(&f->tail);
	free(f);
}

typedef char *escape_function(char *out, const char *s, size_t n);

static char *
escape_none(char *out, const char *s, size_t n)
{
	memcpy(out, s, n);
	return out + n;
}

/* Writes `n` bytes that are in `e`; most servers have UTF-8. */
static RARELY char *
put_converted(char *out, struct encoding *e, const char *s, size_t n, escape_function *escape)
{
	struct segments converted = encoding_to_utf8(e, s, n);

	for (size_t i = 0; i < converted.count; i++)
		out = escape(out, converted.list[i].bytes, converted.list[i].length);
	return out;
}

static inline char *
put(char *out, struct encoding *e, const char *s, size_t n, escape_function *escape)
{
	return e ? put_converted(out, e, s, n, escape) : escape(out, s, n);
}

/* The length of a payload that is not UTF-8, as %p writes it. */
static RARELY size_t
converted_length(const struct record *r)
{
	struct segments converted =
	    encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length);
	size_t length = 0;

	for (size_t i = 0; i < converted.count; i++)
		length += converted.list[i].length;
	return length;
}

static char *
put_number(char *out, uint64_t n)
{
	char digits[NUMBER_LENGTH], *p = digits + sizeof digits;
	size_t length;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10));
	length = (size_t)(digits + sizeof digits - p);
	memcpy(out, p, length);
	return out + length;
}

static void
refresh_pid(struct format *f, int pid)
{
	f->pid = pid;
	f->pid_length = (size_t)(put_number(f->pid_digits, (uint64_t)pid) - f->pid_digits);
}

static inline char *
put_pid(struct format *f, char *out, int pid)
{
	if (pid != f->pid || f->pid_length == 0)
		refresh_pid(f, pid);
	memcpy(out, f->pid_digits, sizeof f->pid_digits);
	return out + f->pid_length;
}

static char *
put_digits(char *out, unsigned n, int width)
{
	for (int i = width - 1; i >= 0; i--, n /= 10)
		out[i] = (char)('0' + n % 10);
	return out + width;
}

char *
format_time(char *out, int64_t us)
{
	time_t seconds = us / SECOND;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	out = put_digits(out, (unsigned)tm.tm_year + 1900, 4);
	*out++ = '-';
	out = put_digits(out, (unsigned)tm.tm_mon + 1, 2);
	*out++ = '-';
	out = put_digits(out, (unsigned)tm.tm_mday, 2);
	*out++ = 'T';
	out = put_digits(out, (unsigned)tm.tm_hour, 2);
	*out++ = ':';
	out = put_digits(out, (unsigned)tm.tm_min, 2);
	*out++ = ':';
	out = put_digits(out, (unsigned)tm.tm_sec, 2);
	*out++ = '.';
	out = put_digits(out, (unsigned)(us % SECOND), 6);
	*out++ = 'Z';
	return out;
}

static char *
put_unix_time(char *out, int64_t us)
{
	out = put_number(out, (uint64_t)(us / SECOND));
	*out++ = '.';
	return put_digits(out, (unsigned)(us % SECOND), 6);
}

/* Channel, payload and pid, with `between` after the first two and `last` after the pid. */
static inline char *
put_fields(struct format *f, char *out, const struct record *r, escape_function *escape,
    char between, char last)
{
	struct encoding *e = r->origin->encoding;

	out = put(out, e, r->channel, r->channel_length, escape);
	*out++ = between;
	out = put(out, e, r->payload, r->payload_length, escape);
	*out++ = between;
	out = put_pid(f, out, r->pid);
	*out++ = last;
	return out;
}

#define PUT_STRING(out, literal)                                                                   \
	((char *)memcpy(out, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static RARELY void
make_tail(struct format *f, const struct record *r)
{
	const struct origin *o = r->origin;
	char *p;

	buffer_clear(&f->tail);
	p = buffer_reserve(&f->tail, rooms[VALUE_JSON].fixed + o->label_length * ESCAPE_JSON_WORST);
	p = PUT_STRING(p, ",\"connection\":\"");
	p = escape_json(p, o->label, o->label_length);
	p = PUT_STRING(p, "\",\"time\":\"");
	p = format_time(p, r->time);
	*p++ = '"';
	buffer_add_end(&f->tail, p);
	f->tail_serial = o->serial;
	f->tail_time = r->time;
}

/* Makes the tail anew if it is not the one of this record. */
static inline void
refresh_tail(struct format *f, const struct record *r)
{
	if (!f->tail.end || f->tail_serial != r->origin->serial || f->tail_time != r->time)
		make_tail(f, r);
}

static RARELY bool
converted_lossless(const struct record *r)
{
	return encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length).lossless;
}

/* `written` bytes in a JSON string stand for the payload: do they say all of it? */
static bool
payload_lossless(const struct record *r, size_t written)
{
	if (r->origin->encoding)
		return converted_lossless(r);
	/* What is replaced takes more bytes than it had; so no byte was, if there are no more. */
	return written == r->payload_length || utf8_valid(r->payload, r->payload_length);
}

static inline __attribute__((always_inline)) char *
put_json(struct format *f, char *out, const struct record *r)
{
	struct encoding *e = r->origin->encoding;
	char *payload;
	bool lossless;

	out = PUT_STRING(out, "{\"channel\":\"");
	out = put(out, e, r->channel, r->channel_length, escape_json);
	out = PUT_STRING(out, "\",\"payload\":\"");
	payload = out;
	out = put(out, e, r->payload, r->payload_length, escape_json);
	lossless = payload_lossless(r, (size_t)(out - payload));
	out = PUT_STRING(out, "\",\"pid\":");
	out = put_pid(f, out, r->pid);
	refresh_tail(f, r);
	memcpy(out, f->tail.data, f->tail.end);
	out += f->tail.end;
	if (!lossless) {
		out = PUT_STRING(out, ",\"payload_base64\":\"");
		out = base64(out, r->payload, r->payload_length);
		*out++ = '"';
	}
	if (r->takeover)
		out = PUT_STRING(out, ",\"takeover\":true");
	*out++ = '}';
	return out;
}

static inline char *
put_value(struct format *f, enum template_value value, char *out, const struct record *r)
{
	const struct origin *o = r->origin;
	struct encoding *e = o->encoding;

	switch (value) {
	case VALUE_NONE:
		break;
	case VALUE_CHANNEL:
		return put(out, e, r->channel, r->channel_length, escape_text);
	case VALUE_CHANNEL_RAW:
		return put(out, e, r->channel, r->channel_length, escape_none);
	case VALUE_PAYLOAD:
		return put(out, e, r->payload, r->payload_length, escape_text);
	case VALUE_PAYLOAD_RAW:
		return put(out, e, r->payload, r->payload_length, escape_none);
	case VALUE_LENGTH:
		return put_number(out, e ? converted_length(r) : r->payload_length);
	case VALUE_PID:
		return put_pid(f, out, r->pid);
	case VALUE_LABEL:
		return escape_text(out, o->label, o->label_length);
	case VALUE_TIME:
		return format_time(out, r->time);
	case VALUE_UNIX_TIME:
		return put_unix_time(out, r->time);
	case VALUE_TEXT:
		return put_fields(f, out, r, escape_text, '\t', '\n');
	case VALUE_NUL:
		return put_fields(f, out, r, escape_none, '\0', '\0');
	case VALUE_JSON:
		return put_json(f, out, r);
	}
	return out;
}

/* Where there is none, `literals` may be NULL. */
static inline char *
put_literal(char *out, const char *literals, const struct template_part *part)
{
	if (part->length == 1)
		*out = literals[part->start];
	else if (part->length)
		memcpy(out, literals + part->start, part->length);
	return out + part->length;
}

/* For the worst case. */
static inline char *
reserve(const struct room *room, const struct record *r, struct buffer *out)
{
	size_t worst = r->origin->encoding ? ENCODING_UTF8_WORST : 1;

	return buffer_reserve(out,
	    room->fixed + room->label * r->origin->label_length +
		worst * (room->channel * r->channel_length + room->payload * r->payload_length));
}

static void
write_template(struct format *f, const struct record *r, struct buffer *out)
{
	const struct template_part *part = f->template.parts, *end = part + f->template.count;
	const char *literals = f->template.literals.data;
	char *p = reserve(&f->room, r, out);

	for (; part < end; part++) {
		p = put_value(f, part->value, p, r);
		p = put_literal(p, literals, part);
	}
	buffer_add_end(out, p);
}

/* A template of one value is not gone through for each record. */
static void
write_text(struct format *f, const struct record *r, struct buffer *out)
{
	buffer_add_end(
	    out, put_fields(f, reserve(&rooms[VALUE_TEXT], r, out), r, escape_text, '\t', '\n'));
}

static void
write_json(struct format *f, const struct record *r, struct buffer *out)
{
	char *p = put_json(f, reserve(&f->room, r, out), r);

	buffer_add_end(out, put_literal(p, f->template.literals.data, f->template.parts));
}

void
format_write(struct format *f, const struct record *r, struct buffer *out)
{
	f->write(f, r, out);
}
