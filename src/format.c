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
	OP_LITERAL,
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

struct op {
	enum op_kind kind;
	size_t start, length; /* OP_LITERAL: in struct format's literals */
};

struct format {
	struct op *ops;
	size_t count;
	struct buffer literals;
	/* The end of a JSON object from "connection" on, for one origin and time. */
	struct buffer tail;
	unsigned tail_serial;
	int64_t tail_time;
};

static void
add_op(struct format *f, enum op_kind kind)
{
	f->ops = xrealloc(f->ops, (f->count + 1) * sizeof *f->ops);
	f->ops[f->count++] = (struct op){.kind = kind};
}

static void
add_literal(struct format *f, char c)
{
	if (f->count == 0 || f->ops[f->count - 1].kind != OP_LITERAL) {
		add_op(f, OP_LITERAL);
		f->ops[f->count - 1].start = buffer_length(&f->literals);
	}
	f->ops[f->count - 1].length++;
	buffer_add(&f->literals, &c, 1);
}

/* The byte that every record ends with, or -1 where that differs. */
static int
last_byte(const struct format *f)
{
	if (f->count == 0 || f->ops[f->count - 1].kind != OP_LITERAL)
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

/* Appends `n` bytes in `e`; `worst` is what `escape` may make of one byte. */
static void
add_converted(struct buffer *out, struct encoding *e, const char *s, size_t n,
    escape_function *escape, size_t worst)
{
	struct segments converted;

	if (!e) {
		buffer_add_end(out, escape(buffer_reserve(out, n * worst), s, n));
		return;
	}
	converted = encoding_to_utf8(e, s, n);
	for (size_t i = 0; i < converted.count; i++) {
		const struct segment *segment = &converted.list[i];
		char *to = buffer_reserve(out, segment->length * worst);

		buffer_add_end(out, escape(to, segment->bytes, segment->length));
	}
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

static void
add_number(struct buffer *out, uint64_t n)
{
	char digits[20], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10));
	buffer_add(out, p, (size_t)(digits + sizeof digits - p));
}

static char *
add_digits(char *out, unsigned n, int width)
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
	out = add_digits(out, (unsigned)tm.tm_year + 1900, 4);
	*out++ = '-';
	out = add_digits(out, (unsigned)tm.tm_mon + 1, 2);
	*out++ = '-';
	out = add_digits(out, (unsigned)tm.tm_mday, 2);
	*out++ = 'T';
	out = add_digits(out, (unsigned)tm.tm_hour, 2);
	*out++ = ':';
	out = add_digits(out, (unsigned)tm.tm_min, 2);
	*out++ = ':';
	out = add_digits(out, (unsigned)tm.tm_sec, 2);
	*out++ = '.';
	out = add_digits(out, (unsigned)(us % SECOND), 6);
	*out++ = 'Z';
	return out;
}

static void
add_time(struct buffer *out, int64_t us)
{
	buffer_add_end(out, format_time(buffer_reserve(out, FORMAT_TIME_LENGTH), us));
}

static void
add_unix_time(struct buffer *out, int64_t us)
{
	char *p;

	add_number(out, (uint64_t)(us / SECOND));
	p = buffer_reserve(out, 7);
	*p++ = '.';
	buffer_add_end(out, add_digits(p, (unsigned)(us % SECOND), 6));
}

#define ADD_STRING(out, literal) buffer_add(out, literal, sizeof(literal) - 1)

static void
add_json_tail(struct format *f, const struct record *r, struct buffer *out)
{
	const struct origin *o = r->origin;

	if (f->tail.end == 0 || f->tail_serial != o->serial || f->tail_time != r->time) {
		buffer_clear(&f->tail);
		ADD_STRING(&f->tail, ",\"connection\":\"");
		add_converted(
		    &f->tail, NULL, o->label, o->label_length, escape_json, ESCAPE_JSON_WORST);
		ADD_STRING(&f->tail, "\",\"time\":\"");
		add_time(&f->tail, r->time);
		ADD_STRING(&f->tail, "\"");
		f->tail_serial = o->serial;
		f->tail_time = r->time;
	}
	buffer_add(out, f->tail.data, f->tail.end);
}

static bool
payload_lossless(const struct record *r)
{
	if (!r->origin->encoding)
		return utf8_valid(r->payload, r->payload_length);
	return encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length).lossless;
}

static void
add_json(struct format *f, const struct record *r, struct buffer *out)
{
	struct encoding *e = r->origin->encoding;

	ADD_STRING(out, "{\"channel\":\"");
	add_converted(out, e, r->channel, r->channel_length, escape_json, ESCAPE_JSON_WORST);
	ADD_STRING(out, "\",\"payload\":\"");
	add_converted(out, e, r->payload, r->payload_length, escape_json, ESCAPE_JSON_WORST);
	ADD_STRING(out, "\",\"pid\":");
	add_number(out, (uint64_t)r->pid);
	add_json_tail(f, r, out);
	if (!payload_lossless(r)) {
		ADD_STRING(out, ",\"payload_base64\":\"");
		buffer_add_end(out, base64(buffer_reserve(out, BASE64_LENGTH(r->payload_length)),
					r->payload, r->payload_length));
		ADD_STRING(out, "\"");
	}
	ADD_STRING(out, "}");
}

static void
run(struct format *f, const struct op *op, const struct record *r, struct buffer *out)
{
	const struct origin *o = r->origin;
	struct encoding *e = o->encoding;

	switch (op->kind) {
	case OP_LITERAL:
		buffer_add(out, f->literals.data + op->start, op->length);
		break;
	case OP_CHANNEL:
		add_converted(
		    out, e, r->channel, r->channel_length, escape_text, ESCAPE_TEXT_WORST);
		break;
	case OP_CHANNEL_RAW:
		add_converted(out, e, r->channel, r->channel_length, escape_none, 1);
		break;
	case OP_PAYLOAD:
		add_converted(
		    out, e, r->payload, r->payload_length, escape_text, ESCAPE_TEXT_WORST);
		break;
	case OP_PAYLOAD_RAW:
		add_converted(out, e, r->payload, r->payload_length, escape_none, 1);
		break;
	case OP_LENGTH:
		add_number(out, payload_length(r));
		break;
	case OP_PID:
		add_number(out, (uint64_t)r->pid);
		break;
	case OP_LABEL:
		add_converted(out, NULL, o->label, o->label_length, escape_text, ESCAPE_TEXT_WORST);
		break;
	case OP_TIME:
		add_time(out, r->time);
		break;
	case OP_UNIX_TIME:
		add_unix_time(out, r->time);
		break;
	case OP_JSON:
		add_json(f, r, out);
		break;
	}
}

void
format_write(struct format *f, const struct record *r, struct buffer *out)
{
	for (size_t i = 0; i < f->count; i++)
		run(f, &f->ops[i], r, out);
}
