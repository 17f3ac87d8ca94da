/*
 * How standard output shows notifications to people: as a line with the time, colours and a payload
 * that wraps, or as coloured JSON.
 *
 * It has all that text output has, but programs cannot read it back.
 */
#ifndef PGWAIT_TERMINAL_H
#define PGWAIT_TERMINAL_H

#include "base/util.h"

struct buffer;
struct record;
struct terminal;

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* What was asked for. */
enum layout {
	LAYOUT_LINES, /* nothing in particular */
	LAYOUT_JSON,
	LAYOUT_EXACT, /* --format or --null */
};

struct terminal_settings {
	enum layout layout;
	enum color color;
	bool labels; /* there may be several connections */
	bool pretty; /* JSON over several lines */
};

/* NULL: standard output gets what a pipe would get. */
struct terminal *terminal_new(const struct terminal_settings *settings);
void terminal_free(struct terminal *t);

/* Lines will have this label, and these channels, in UTF-8: they get their room from the first line on. */
void terminal_expect(
    struct terminal *t, const char *label, const char *const *channels, size_t count);

/* The same for a RECORD_LISTENING: other server processes have numbers of about as many digits. */
void terminal_expect_listener(struct terminal *t, const struct record *listening);

/* LAYOUT_LINES: appends a notification. False: the caller formats as ever, and then calls terminal_paint(). */
MUST_CHECK bool terminal_write(struct terminal *t, const struct record *r, struct buffer *out);

/* What stands in `out` from `start` on is a line of JSON: gets its colours. */
void terminal_paint(struct terminal *t, struct buffer *out, size_t start);

#endif
