#include "config.h"

#include "record/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/tty.h"
#include "record/encoding.h"
#include "record/json_lexer.h"
#include "record/record.h"
#include "record/wrap.h"

/* Values up to a part of the line are lined up, or up to so many columns. */
#define ALIGN_PART 4
#define ALIGN_MAX  24
/* Where the payload would start further right than in the middle, its further lines start here. */
#define INDENT_MIN 4
#define STEP       2 /* columns for each depth of JSON */

/*
 * Colours of the 256 that have a contrast of more than 4 to both black and white, so that they can be
 * read on either.
 */
static const char *const palette[] = {
    "38;5;28", "38;5;63", "38;5;130", "38;5;163", "38;5;30", "38;5;98", "38;5;131", "38;5;64"};

#define COLORS (sizeof palette / sizeof palette[0])

static const char style_faint[] = "2";

static const char *const json_styles[] = {
    [JSON_LEXER_KEY] = "38;5;63",
    [JSON_LEXER_STRING] = "38;5;28",
    [JSON_LEXER_NUMBER] = "38;5;130",
    [JSON_LEXER_WORD] = "38;5;163",
};

struct terminal {
	struct terminal_settings settings;
	bool is_terminal;
	struct wrap wrap;
	struct buffer scratch; /* what was converted, or is to be painted */
	int align_max;         /* columns up to which values are lined up */
	int label_width, channel_width,
	    pid_width; /* the most of those that were expected or came */
};

static bool
wants_colour(enum color color)
{
	const char *no = getenv("NO_COLOR");

	if (color != COLOR_AUTO)
		return color == COLOR_ALWAYS;
	return tty_is_capable(STDOUT_FILENO) && !(no && *no);
}

struct terminal *
terminal_new(const struct terminal_settings *settings)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	bool colour = wants_colour(settings->color), ascii;
	struct terminal *t;

	if (settings->layout == LAYOUT_EXACT || (!is_terminal && !colour))
		return NULL;
	ascii = !tty_reads_utf8() && is_terminal;
	if (settings->layout == LAYOUT_JSON && !colour && !ascii)
		return NULL;
	t = xcalloc(1, sizeof *t);
	t->settings = *settings;
	t->is_terminal = is_terminal;
	t->wrap.colour = colour;
	t->wrap.ascii = ascii;
	return t;
}

void
terminal_free(struct terminal *t)
{
	if (!t)
		return;
	buffer_free(&t->scratch);
	free(t);
}

/* The same for a name wherever it comes: FNV-1a. */
static const char *
name_style(const char *name, size_t n)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return palette[hash % COLORS];
}

/* The width of the line, now. */
static int
measure(struct terminal *t)
{
	int width = t->is_terminal ? tty_width(STDOUT_FILENO) : 0;

	t->align_max = width / ALIGN_PART > ALIGN_MAX ? width / ALIGN_PART : ALIGN_MAX;
	return width;
}

/* Makes room for a value, unless it is too long to be lined up with others. */
static void
widen(const struct terminal *t, const char *s, size_t n, int *widest)
{
	int columns = wrap_columns(&t->wrap, s, n);

	if (columns > *widest && columns <= t->align_max)
		*widest = columns;
}

/* Then a space, after as much room as the widest takes. */
static void
write_field(struct terminal *t, const char *style, const char *s, size_t n, int *widest)
{
	struct wrap *c = &t->wrap;
	int start = c->column;

	widen(t, s, n, widest);
	wrap_style(c, style);
	wrap_text(c, s, n);
	wrap_style(c, NULL);
	/* A line may have become shorter meanwhile. */
	wrap_pad(c, start + (*widest < t->align_max ? *widest : t->align_max));
	wrap_plain(c, " ");
}

void
terminal_expect(struct terminal *t, const char *label, const char *const *channels, size_t count)
{
	(void)measure(t);
	widen(t, label, strlen(label), &t->label_width);
	for (size_t i = 0; i < count; i++)
		widen(t, channels[i], strlen(channels[i]), &t->channel_width);
}

static int
print_pid(char text[16], int pid)
{
	return snprintf(text, 16, "%d", pid);
}

void
terminal_expect_listener(struct terminal *t, const struct record *listening)
{
	char text[16];
	int n = print_pid(text, listening->backend_pid);

	terminal_expect(t, listening->origin->label, listening->channels, listening->channel_count);
	widen(t, text, (size_t)n, &t->pid_width);
}

static void
write_time(struct wrap *c, int64_t us)
{
	time_t seconds = us / SECOND;
	struct tm tm;
	char text[32];

	localtime_r(&seconds, &tm);
	snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
	    (int)(us % SECOND / 1000));
	wrap_style(c, style_faint);
	wrap_plain(c, text);
	wrap_style(c, NULL);
	wrap_plain(c, " ");
}

static void
write_pid(struct terminal *t, int pid)
{
	char text[16];
	int n = print_pid(text, pid);

	write_field(t, style_faint, text, (size_t)n, &t->pid_width);
}

/* Depth by depth as far as there is room for it. */
static void
break_json(struct wrap *c, int indent, size_t depth)
{
	int deepest = c->width ? (c->width - indent) / 2 : 80;
	int columns = depth < 1000 ? STEP * (int)depth : deepest;

	wrap_break(c, indent + (columns < deepest ? columns : deepest));
}

/* What stands before a token, where JSON goes over several lines. */
static void
write_pretty_space(struct wrap *c, const struct json_lexer *v, enum json_lexer_token token,
    enum json_lexer_token before, int indent)
{
	if (before == JSON_LEXER_COLON)
		wrap_plain(c, " ");
	else if (before == JSON_LEXER_OPEN && token != JSON_LEXER_CLOSE)
		break_json(c, indent, v->depth - (token == JSON_LEXER_OPEN));
	else if (token == JSON_LEXER_CLOSE && before != JSON_LEXER_OPEN)
		break_json(c, indent, v->depth);
	else if (before == JSON_LEXER_COMMA)
		break_json(c, indent, v->depth - (token == JSON_LEXER_OPEN));
}

/* `n` bytes that are a document of JSON. On one line, a space stands wherever there was some. */
static void
write_json(struct wrap *c, const char *s, size_t n, bool pretty)
{
	struct json_lexer v;
	enum json_lexer_token token, before = JSON_LEXER_END;
	const char *end = s;
	int indent = c->indent;

	json_lexer_start(&v, s, n);
	while ((token = json_lexer_next(&v)) > JSON_LEXER_ERROR) {
		if (pretty)
			write_pretty_space(c, &v, token, before, indent);
		else if (v.token > end && before != JSON_LEXER_END)
			wrap_plain(c, " ");
		wrap_style(c, token >= JSON_LEXER_KEY ? json_styles[token] : NULL);
		wrap_json(c, v.token, v.length);
		if (token == JSON_LEXER_COMMA)
			wrap_may_break(c);
		end = v.token + v.length;
		before = token;
	}
	wrap_style(c, NULL);
}

/* As text, where an odd byte stays apart from its neighbours. */
static void
write_segments(struct wrap *c, const struct segments *segments)
{
	for (size_t i = 0; i < segments->count; i++)
		wrap_text(c, segments->list[i].bytes, segments->list[i].length);
}

/* Where the payload would start far to the right, and does not fit there, it gets lines of its own. */
static void
place(struct wrap *c, const char *s, size_t n)
{
	c->indent = c->column;
	if (c->width == 0 || c->column <= c->width / 2)
		return;
	c->indent = INDENT_MIN;
	if (wrap_columns(c, s, n) > c->width - c->column)
		wrap_break(c, c->indent);
}

static void
write_utf8(struct terminal *t, const char *s, size_t n)
{
	place(&t->wrap, s, n);
	if (json_lexer_is_document(s, n))
		write_json(&t->wrap, s, n, t->settings.pretty);
	else
		wrap_text(&t->wrap, s, n);
}

static void
write_payload(struct terminal *t, const struct record *r)
{
	struct segments converted;

	if (!r->origin->encoding) {
		write_utf8(t, r->payload, r->payload_length);
		return;
	}
	converted = encoding_to_utf8(r->origin->encoding, r->payload, r->payload_length);
	if (!converted.lossless) {
		place(&t->wrap, r->payload, r->payload_length);
		write_segments(&t->wrap, &converted);
		return;
	}
	buffer_clear(&t->scratch);
	for (size_t i = 0; i < converted.count; i++)
		buffer_add(&t->scratch, converted.list[i].bytes, converted.list[i].length);
	write_utf8(t, buffer_content(&t->scratch), buffer_length(&t->scratch));
}

/* A channel that is not valid in its encoding gets its bytes as they are: they are escaped. */
static void
write_channel(struct terminal *t, const struct record *r)
{
	struct segments converted;
	const char *s = r->channel;
	size_t n = r->channel_length;

	if (r->origin->encoding) {
		converted = encoding_to_utf8(r->origin->encoding, s, n);
		buffer_clear(&t->scratch);
		for (size_t i = 0; i < converted.count; i++)
			buffer_add(&t->scratch, converted.list[i].bytes, converted.list[i].length);
		s = buffer_content(&t->scratch);
		n = buffer_length(&t->scratch);
	}
	write_field(t, name_style(s, n), s, n, &t->channel_width);
}

bool
terminal_write(struct terminal *t, const struct record *r, struct buffer *out)
{
	struct wrap *c = &t->wrap;
	int width;

	if (t->settings.layout != LAYOUT_LINES)
		return false;
	width = measure(t);
	c->out = out;
	c->width = 0; /* what stands before the payload does not wrap */
	write_time(c, r->time);
	if (t->settings.labels)
		write_field(t, NULL, r->origin->label, r->origin->label_length, &t->label_width);
	write_channel(t, r);
	write_pid(t, r->pid);
	c->width = width;
	write_payload(t, r);
	wrap_end(c);
	return true;
}

void
terminal_paint(struct terminal *t, struct buffer *out, size_t start)
{
	size_t n = out->end - out->start - start;

	buffer_clear(&t->scratch);
	buffer_add(&t->scratch, out->data + out->start + start, n);
	out->end -= n;
	t->wrap.out = out;
	write_json(&t->wrap, buffer_content(&t->scratch), n, false);
	/* The newline or NUL that ends it is no part of the document. */
	buffer_add(out, t->scratch.data + t->scratch.end - 1, 1);
	t->wrap.column = 0;
}
