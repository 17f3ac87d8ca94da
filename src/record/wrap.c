#include "config.h"

#include "record/wrap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
	c->column = c->mark_column = 0;
	c->swallowed = false;
	wrap_pad(c, indent);
	write_style(c);
}

void
wrap_end(struct wrap *c)
{
	wrap_style(c, NULL);
	add(c, "\n");
	c->column = c->mark_column = 0;
	c->swallowed = false;
}

void
wrap_pad(struct wrap *c, int column)
{
	for (; c->column < column; c->column++)
		buffer_add(c->out, " ", 1);
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

static bool
is_space(const struct unit *u)
{
	return u->length == 1 && *u->bytes == ' ';
}

/* Of a script that has no spaces, such as Chinese: a line can break before and after it. */
static bool
is_wide(const struct unit *u)
{
	return u->columns == 2 && u->used > 1 && u->length == u->used;
}

void
wrap_may_break(struct wrap *c)
{
	c->mark = buffer_length(c->out);
	c->mark_column = c->column;
	c->mark_style = c->style;
}

static void
put(struct wrap *c, const struct unit *u)
{
	/* A combining character stays with the one before it. */
	bool combines = u->columns == 0 && c->mark == buffer_length(c->out);

	buffer_add(c->out, u->bytes, u->length);
	c->column += u->columns;
	if (is_space(u) || is_wide(u) || combines)
		wrap_may_break(c);
}

/* The unit at the front of `n` bytes, 1 or more. */
typedef struct unit next_unit(const struct wrap *c, const char *s, size_t n);

/* Columns up to where the line can break again, or more than a line has. */
static int
word_columns(const struct wrap *c, const char *s, size_t n, next_unit *next)
{
	int columns = 0;

	while (n && columns <= c->width) {
		struct unit u = next(c, s, n);

		if (is_space(&u) || is_wide(&u))
			break;
		columns += u.columns;
		s += u.used, n -= u.used;
	}
	return columns;
}

/* What stands behind the mark goes to a line of its own. */
static void
move_word(struct wrap *c)
{
	size_t n = buffer_length(c->out) - c->mark;
	int columns = c->column - c->mark_column;
	const char *style = c->style;
	char *word = xstrndup(buffer_content(c->out) + c->mark, n);

	c->out->end -= n;
	c->style = c->mark_style;
	wrap_break(c, c->indent);
	c->style = style;
	buffer_add(c->out, word, n);
	c->column += columns;
	free(word);
}

/* A new line for a unit that does not fit, and for the word that it is in, unless the word is longer than a line. */
static void
break_line(struct wrap *c, const char *s, size_t n, next_unit *next)
{
	struct unit u = next(c, s, n);
	int word = c->column - c->mark_column;

	if (is_space(&u))
		c->swallowed = true;
	else if (c->mark_column > c->indent && !is_wide(&u) &&
		 word + word_columns(c, s, n, next) <= c->width - c->indent)
		move_word(c);
	else
		wrap_break(c, c->indent);
}

static void
write_units(struct wrap *c, const char *s, size_t n, next_unit *next)
{
	while (n) {
		struct unit u = next(c, s, n);

		/* A break stands for the space, if anything follows it. */
		if (c->swallowed)
			wrap_break(c, c->indent);
		if (c->width && c->column + u.columns > c->width && c->column > c->indent)
			break_line(c, s, n, next);
		if (!c->swallowed)
			put(c, &u);
		s += u.used, n -= u.used;
	}
}

void
wrap_plain(struct wrap *c, const char *s)
{
	write_units(c, s, strlen(s), text_unit);
}

void
wrap_text(struct wrap *c, const char *s, size_t n)
{
	write_units(c, s, n, text_unit);
}

void
wrap_json(struct wrap *c, const char *s, size_t n)
{
	write_units(c, s, n, json_unit);
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
