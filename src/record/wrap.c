#include "config.h"

#include "record/wrap.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/buffer.h"
#include "base/escape.h"

/* What cannot be split: a character, or what stands for it. */
struct unit {
	char bytes[20]; /* four bytes as \xHH, and a zero byte */
	size_t length;
	int columns;
	size_t used; /* bytes of the text that it is */
};

static void
add(struct wrap *c, const char *s)
{
	buffer_add(c->out, s, strlen(s));
}

static void
write_style(struct wrap *c)
{
	if (c->style)
		buffer_addf(c->out, "\033[%sm", c->style);
}

static void
clear_style(struct wrap *c)
{
	if (c->style)
		add(c, "\033[0m");
}

void
wrap_style(struct wrap *c, const char *style)
{
	if (!c->colour)
		return;
	clear_style(c);
	c->style = style;
	write_style(c);
}

void
wrap_break(struct wrap *c, int indent)
{
	clear_style(c);
	add(c, "\n");
	c->column = 0;
	wrap_pad(c, indent);
	write_style(c);
}

void
wrap_end(struct wrap *c)
{
	wrap_style(c, NULL);
	add(c, "\n");
	c->column = 0;
}

void
wrap_pad(struct wrap *c, int column)
{
	for (; c->column < column; c->column++)
		buffer_add(c->out, " ", 1);
}

static void
put(struct wrap *c, const struct unit *u)
{
	if (c->width && c->column + u->columns > c->width && c->column > c->indent)
		wrap_break(c, c->indent);
	buffer_add(c->out, u->bytes, u->length);
	c->column += u->columns;
}

/* The code point of a valid sequence. */
static uint32_t
code_point(const char *s, size_t length)
{
	/* A lead byte has as many ones as the sequence has bytes, and a zero; ASCII only the zero. */
	uint32_t code = (unsigned char)s[0] & (0xffu >> (length == 1 ? 1 : length + 1));

	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

/* Where the C library knows none, the most that it can be: a line that is too short does no harm. */
static int
code_columns(uint32_t code)
{
	int columns = wcwidth((wchar_t)code);

	return columns < 0 ? 2 : columns;
}

static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static void
escape_bytes(struct unit *u, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(u->bytes + 4 * i, 5, "\\x%02x", (unsigned char)s[i]);
	u->length = 4 * n;
}

/* The unit at the front of `n` bytes of text, 1 or more. */
static struct unit
text_unit(const struct wrap *c, const char *s, size_t n)
{
	struct unit u = {.used = utf8_sequence(s, n)};

	if (u.used == 0)
		u.used = 1;
	if (u.used > 1 && c->ascii)
		escape_bytes(&u, s, u.used);
	else
		u.length = (size_t)(escape_text(u.bytes, s, u.used) - u.bytes);
	if (u.used > 1 && u.length == u.used)
		u.columns = code_columns(code_point(s, u.used));
	else
		u.columns = (int)u.length;
	return u;
}

/* As \uHHHH; two of them above U+FFFF. */
static void
escape_code(struct unit *u, uint32_t code)
{
	int n;

	if (code > 0xffff)
		n = snprintf(u->bytes, sizeof u->bytes, "\\u%04x\\u%04x",
		    0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
	else
		n = snprintf(u->bytes, sizeof u->bytes, "\\u%04x", code);
	u->length = (size_t)n;
	u->columns = n;
}

static struct unit
json_unit(const struct wrap *c, const char *s, size_t n)
{
	struct unit u = {.used = utf8_sequence(s, n)};
	uint32_t code = code_point(s, u.used);

	if (*s == '\\')
		u.used = s[1] == 'u' ? 6 : 2;
	if (is_control(code) || (code > 0x7f && c->ascii)) {
		escape_code(&u, code);
		return u;
	}
	memcpy(u.bytes, s, u.used);
	u.length = u.used;
	u.columns = code > 0x7f ? code_columns(code) : (int)u.length;
	return u;
}

void
wrap_plain(struct wrap *c, const char *s)
{
	for (; *s; s++)
		put(c, &(struct unit){{*s}, 1, 1, 1});
}

void
wrap_text(struct wrap *c, const char *s, size_t n)
{
	while (n) {
		struct unit u = text_unit(c, s, n);

		put(c, &u);
		s += u.used, n -= u.used;
	}
}

void
wrap_json(struct wrap *c, const char *s, size_t n)
{
	while (n) {
		struct unit u = json_unit(c, s, n);

		put(c, &u);
		s += u.used, n -= u.used;
	}
}

int
wrap_columns(const struct wrap *c, const char *s, size_t n)
{
	int columns = 0;

	while (n) {
		struct unit u = text_unit(c, s, n);

		columns += u.columns;
		s += u.used, n -= u.used;
	}
	return columns;
}
