#include "config.h"

#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "encoding.h"
#include "escape.h"
#include "record.h"

enum op_kind {
	OP_NONE,
	OP_CHANNEL,
	OP_CHANNEL_RAW,
	OP_PAYLOAD,
	OP_PAYLOAD_RAW,
	OP_LENGTH,
	OP_PID,
	OP_LABEL,
	OP_TIME,
	OP_UNIX_TIME,
	OP_JSON,
};

#define NUMBER_LENGTH 20 /* of 64 bits */

/*
 * The most that a value takes: bytes in any case, and for each byte of channel, payload and label. The
 * least that a buffer is asked for at once: a record is written with a pointer, not with a call for
 * each of its parts.
 */
struct room {
	size_t fixed, channel, payload, label;
};

static const struct room rooms[] = {
    [OP_CHANNEL] = {.channel = ESCAPE_TEXT_WORST},
    [OP_CHANNEL_RAW] = {.channel = 1},
    [OP_PAYLOAD] = {.payload = ESCAPE_TEXT_WORST},
    [OP_PAYLOAD_RAW] = {.payload = 1},
    [OP_LENGTH] = {.fixed = NUMBER_LENGTH},
    [OP_PID] = {.fixed = NUMBER_LENGTH},
    [OP_LABEL] = {.label = ESCAPE_TEXT_WORST},
    [OP_TIME] = {.fixed = FORMAT_TIME_LENGTH},
    [OP_UNIX_TIME] = {.fixed = NUMBER_LENGTH + 7},
    /* 120: the keys. Base64 of a payload takes less than two bytes for each, and 4. */
    [OP_JSON] = {.fixed = 120 + NUMBER_LENGTH + FORMAT_TIME_LENGTH,
	.channel = ESCAPE_JSON_WORST,
	.payload = ESCAPE_JSON_WORST + 2,
	.label = ESCAPE_JSON_WORST},
};

/* A value and what follows it, which stands in struct format's literals. */
struct op {
	enum op_kind kind;
	size_t start, length;
};

struct format {
	struct op *ops;
	size_t count;
	struct buffer literals;
	struct room room; /* for all of it */
	/* The digits of one pid: most records have that of the last. */
	int pid;
	char pid_digits[NUMBER_LENGTH];
	size_t pid_length;
	/* The end of a JSON object from "connection" on, for one origin and time. */
	struct buffer tail;
	unsigned tail_serial;
	int64_t tail_time;
};

static void
add_op(struct format *f, enum op_kind kind)
{
	f->ops = xrealloc(f->ops, (f->count + 1) * sizeof *f->ops);
	f->ops[f->count++] = (struct op){.kind = kind, .start = f->literals.end};
	f->room.fixed += rooms[kind].fixed;
	f->room.channel += rooms[kind].channel;
	f->room.payload += rooms[kind].payload;
	f->room.label += rooms[kind].label;
}

static void
add_literal(struct format *f, char c)
{
	if (f->count == 0)
		add_op(f, OP_NONE);
	f->ops[f->count - 1].length++;
	f->room.fixed++;
	buffer_add(&f->literals, &c, 1);
}

/* The byte that every record ends with, or -1 where that differs. */
static int
last_byte(const struct format *f)
{
	if (f->count == 0 || f->ops[f->count - 1].length == 0)
		return -1;
	return f->literals.data[f->literals.end - 1];
}

static void
add_end(struct format *f, enum format_end end)
{
	int last = last_byte(f);

	if (end == FORMAT_END_NUL && last != '\0')
		add_literal(f, '\0');
	else if (end == FORMAT_END_LINE && last != '\0' && last != '\n')
		add_literal(f, '\n');
}

struct format *
format_text(void)
{
	struct format *f = xcalloc(1, sizeof *f);

	add_op(f, OP_CHANNEL);
	add_literal(f, '\t');
	add_op(f, OP_PAYLOAD);
	add_literal(f, '\t');
	add_op(f, OP_PID);
	add_literal(f, '\n');
	return f;
}

struct format *
format_nul(void)
{
	struct format *f = xcalloc(1, sizeof *f);

	add_op(f, OP_CHANNEL_RAW);
	add_literal(f, '\0');
	add_op(f, OP_PAYLOAD_RAW);
	add_literal(f, '\0');
	add_op(f, OP_PID);
	add_literal(f, '\0');
	return f;
}

struct format *
format_json(enum format_end end)
{
	struct format *f = xcalloc(1, sizeof *f);

	add_op(f, OP_JSON);
	add_end(f, end);
	return f;
}

static bool
compile_percent(struct format *f, char c)
{
	static const char letters[] = "cpelidTsj";
	static const enum op_kind kinds[] = {OP_CHANNEL, OP_PAYLOAD_RAW, OP_PAYLOAD, OP_LENGTH,
	    OP_PID, OP_LABEL, OP_TIME, OP_UNIX_TIME, OP_JSON};
	const char *found = c ? strchr(letters, c) : NULL;

	if (c == '%')
		add_literal(f, '%');
	else if (found)
		add_op(f, kinds[found - letters]);
	else
		return false;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* `s` is what follows a backslash: how much of it belongs to the escape, 0 for none. */
static size_t
compile_backslash(struct format *f, const char *s)
{
	int high, low;

	switch (*s) {
	case 'n':
		add_literal(f, '\n');
		return 1;
	case 't':
		add_literal(f, '\t');
		return 1;
	case '0':
		add_literal(f, '\0');
		return 1;
	case '\\':
		add_literal(f, '\\');
		return 1;
	case 'x':
		high = hex_value(s[1]);
		low = high < 0 ? -1 : hex_value(s[2]);
		if (low < 0)
			return 0;
		add_literal(f, (char)(high << 4 | low));
		return 3;
	default:
		return 0;
	}
}

static char *
compile_error(const char *spec, const char *at)
{
	size_t length = strlen(at) < 2 ? 1 : 2, position = 1;

	if (length == 2 && utf8_sequence(at + 1, strlen(at + 1)) > 1)
		length = 1 + utf8_sequence(at + 1, strlen(at + 1));
	/* In characters: a byte that continues one does not count. */
	for (const char *s = spec; s < at; s++)
		position += ((unsigned char)*s & 0xc0) != 0x80;
	return xasprintf(
	    "invalid format \"%s\": \"%.*s\" at character %zu; accepted are c p e l i d T s j %% "
	    "after a percent sign, and n t 0 xHH or another backslash after a backslash",
	    spec, (int)length, at, position);
}

struct format *
format_compile(const char *spec, enum format_end end, char **error)
{
	struct format *f = xcalloc(1, sizeof *f);
	const char *s = spec;

	while (*s) {
		size_t used;

		if (*s == '%') {
			used = compile_percent(f, s[1]) ? 2 : 0;
		} else if (*s == '\\') {
			used = compile_backslash(f, s + 1);
			used += used > 0;
		} else {
			add_literal(f, *s);
			used = 1;
		}
		if (used == 0) {
			*error = compile_error(spec, s);
			format_free(f);
			return NULL;
		}
		s += used;
	}
	add_end(f, end);
	return f;
}

void
format_free(struct format *f)
{
	if (!f)
		return;
	free(f->ops);
	buffer_free(&f->literals);
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

/* Writes `n` bytes that are in `e`. */
static char *
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

/* The length of the payload as %p writes it. */
static size_t
payload_length(const struct record *r)
{
	struct segments converted;
	size_t length = 0;

	if (!r->origin->encoding)
		return r->payload_length;
	converted = encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length);
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

static char *
put_pid(struct format *f, char *out, int pid)
{
	if (pid != f->pid || f->pid_length == 0) {
		f->pid = pid;
		f->pid_length = (size_t)(put_number(f->pid_digits, (uint64_t)pid) - f->pid_digits);
	}
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

#define PUT_STRING(out, literal)                                                                   \
	((char *)memcpy(out, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

/* Makes the tail anew if it is not the one of this record. */
static void
refresh_tail(struct format *f, const struct record *r)
{
	const struct origin *o = r->origin;
	char *p;

	if (f->tail.end && f->tail_serial == o->serial && f->tail_time == r->time)
		return;
	buffer_clear(&f->tail);
	p = buffer_reserve(&f->tail, rooms[OP_JSON].fixed + o->label_length * ESCAPE_JSON_WORST);
	p = PUT_STRING(p, ",\"connection\":\"");
	p = escape_json(p, o->label, o->label_length);
	p = PUT_STRING(p, "\",\"time\":\"");
	p = format_time(p, r->time);
	*p++ = '"';
	buffer_add_end(&f->tail, p);
	f->tail_serial = o->serial;
	f->tail_time = r->time;
}

/* `written` bytes in a JSON string stand for the payload: do they say all of it? */
static bool
payload_lossless(const struct record *r, size_t written)
{
	if (r->origin->encoding)
		return encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length)
		    .lossless;
	/* What is replaced takes more bytes than it had; so no byte was, if there are no more. */
	return written == r->payload_length || utf8_valid(r->payload, r->payload_length);
}

static char *
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
	*out++ = '}';
	return out;
}

static inline char *
put_value(struct format *f, enum op_kind kind, char *out, const struct record *r)
{
	const struct origin *o = r->origin;
	struct encoding *e = o->encoding;

	switch (kind) {
	case OP_NONE:
		break;
	case OP_CHANNEL:
		return put(out, e, r->channel, r->channel_length, escape_text);
	case OP_CHANNEL_RAW:
		return put(out, e, r->channel, r->channel_length, escape_none);
	case OP_PAYLOAD:
		return put(out, e, r->payload, r->payload_length, escape_text);
	case OP_PAYLOAD_RAW:
		return put(out, e, r->payload, r->payload_length, escape_none);
	case OP_LENGTH:
		return put_number(out, payload_length(r));
	case OP_PID:
		return put_pid(f, out, r->pid);
	case OP_LABEL:
		return escape_text(out, o->label, o->label_length);
	case OP_TIME:
		return format_time(out, r->time);
	case OP_UNIX_TIME:
		return put_unix_time(out, r->time);
	case OP_JSON:
		return put_json(f, out, r);
	}
	return out;
}

static inline char *
put_literal(char *out, const char *literal, size_t length)
{
	if (length == 1)
		*out = *literal;
	else
		memcpy(out, literal, length);
	return out + length;
}

void
format_write(struct format *f, const struct record *r, struct buffer *out)
{
	const struct op *op = f->ops, *end = op + f->count;
	const char *literals = f->literals.data;
	size_t worst = r->origin->encoding ? ENCODING_UTF8_WORST : 1;
	size_t room =
	    f->room.fixed + f->room.label * r->origin->label_length +
	    worst * (f->room.channel * r->channel_length + f->room.payload * r->payload_length);
	char *p = buffer_reserve(out, room);

	for (; op < end; op++) {
		p = put_value(f, op->kind, p, r);
		p = put_literal(p, literals + op->start, op->length);
	}
	buffer_add_end(out, p);
}
