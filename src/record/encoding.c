#include "config.h"

#include "record/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define NONE ((iconv_t)-1)

struct encoding {
	const char *name; /* the server's */
	iconv_t to_utf8;
	iconv_t
	    from_utf8; /* NONE: iconv knows the one way only (musl), and nothing but ASCII goes back */
	size_t ss2_length;  /* of a character that starts with 0x8E; 0: one byte is one */
	bool composes;      /* iconv makes one character of a letter and an accent */
	struct buffer text; /* where converted text goes */
};

/* Segments of the last call: one thread converts, so one array serves every encoding. */
static struct segment *list;
static size_t list_size;

/*
 * PostgreSQL's names (its documentation, Character Set Support) and iconv's. Where iconv has
 * variants, the one is listed that agrees with the server in every character: its EUC-JP differs in
 * a few, such as U+FF5E, and is used where there is no other. (In EUC-JISX0213 two differ, the overline and
 * the yen sign.)
 */
static const struct {
	const char *server, *iconv, *other;
} names[] = {
    {"EUC_JP", "EUC-JP-MS", "EUC-JP"},
    {"EUC_JIS_2004", "EUC-JISX0213", NULL},
    {"EUC_CN", "EUC-CN", NULL},
    {"EUC_KR", "EUC-KR", NULL},
    {"EUC_TW", "EUC-TW", NULL},
    {"LATIN1", "ISO-8859-1", NULL},
    {"LATIN2", "ISO-8859-2", NULL},
    {"LATIN3", "ISO-8859-3", NULL},
    {"LATIN4", "ISO-8859-4", NULL},
    {"LATIN5", "ISO-8859-9", NULL},
    {"LATIN6", "ISO-8859-10", NULL},
    {"LATIN7", "ISO-8859-13", NULL},
    {"LATIN8", "ISO-8859-14", NULL},
    {"LATIN9", "ISO-8859-15", NULL},
    {"LATIN10", "ISO-8859-16", NULL},
    {"ISO_8859_5", "ISO-8859-5", NULL},
    {"ISO_8859_6", "ISO-8859-6", NULL},
    {"ISO_8859_7", "ISO-8859-7", NULL},
    {"ISO_8859_8", "ISO-8859-8", NULL},
    {"WIN866", "CP866", NULL},
    {"WIN874", "CP874", NULL},
    {"WIN1250", "CP1250", NULL},
    {"WIN1251", "CP1251", NULL},
    {"WIN1252", "CP1252", NULL},
    {"WIN1253", "CP1253", NULL},
    {"WIN1254", "CP1254", NULL},
    {"WIN1255", "CP1255", NULL},
    {"WIN1256", "CP1256", NULL},
    {"WIN1257", "CP1257", NULL},
    {"WIN1258", "CP1258", NULL},
    {"KOI8R", "KOI8-R", NULL},
    {"KOI8U", "KOI8-U", NULL},
};

/* Its place in `names`; -1: none. */
static int
find_name(const char *server, size_t n)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i].server) == n && memcmp(names[i].server, server, n) == 0)
			return (int)i;
	return -1;
}

const char *
encoding_find(const char *name, size_t n)
{
	int place = find_name(name, n);

	return place < 0 ? NULL : names[place].server;
}

struct encoding *
encoding_open(const char *server_encoding)
{
	int place = server_encoding ? find_name(server_encoding, strlen(server_encoding)) : -1;
	const char *name;
	iconv_t to;
	struct encoding *e;

	if (place < 0)
		return NULL;
	name = names[place].iconv;
	to = iconv_open("UTF-8", name);
	if (to == NONE && names[place].other) {
		name = names[place].other;
		to = iconv_open("UTF-8", name);
	}
	if (to == NONE)
		return NULL;
	e = xcalloc(1, sizeof *e);
	e->name = names[place].server;
	e->to_utf8 = to;
	e->from_utf8 = iconv_open(name, "UTF-8");
	if (strncmp(server_encoding, "EUC_", 4) == 0)
		e->ss2_length = strcmp(server_encoding, "EUC_TW") == 0 ? 4 : 2;
	e->composes =
	    strcmp(server_encoding, "WIN1255") == 0 || strcmp(server_encoding, "WIN1258") == 0;
	return e;
}

const char *
encoding_name(const struct encoding *e)
{
	return e ? e->name : NULL;
}

void
encoding_close(struct encoding *e)
{
	if (!e)
		return;
	iconv_close(e->to_utf8);
	if (e->from_utf8 != NONE)
		iconv_close(e->from_utf8);
	buffer_free(&e->text);
	free(e);
}

static void
add(struct segments *to, const char *bytes, size_t length)
{
	if (length == 0)
		return;
	if (to->count == list_size) {
		list_size = list_size ? list_size * 2 : 16;
		list = xrealloc(list, list_size * sizeof *list);
	}
	list[to->count++] = (struct segment){bytes, length};
}

/*
 * How many of the bytes at `s`, of which the first means nothing to iconv, are one character for
 * the server (pg_encoding_mblen()): the bytes of that character must not be read as other
 * characters. A byte of ASCII never belongs to it.
 */
static size_t
odd_length(const struct encoding *e, const unsigned char *s, size_t n)
{
	size_t length = 2, i = 1;

	if (e->ss2_length == 0)
		return 1;
	if (s[0] == 0x8e)
		length = e->ss2_length;
	else if (s[0] == 0x8f)
		length = 3;
	while (i < length && i < n && s[i] >= 0x80)
		i++;
	return i;
}

struct segments
encoding_to_utf8(struct encoding *e, const char *s, size_t n)
{
	struct segments result = {.lossless = true};
	size_t room = n * ENCODING_UTF8_WORST + 16, length;
	char *in = (char *)(uintptr_t)s, *out, *run;

	buffer_clear(&e->text);
	run = out = buffer_reserve(&e->text, room);
	while (n) {
		bool odd;

		length = e->composes ? 1 : n;
		n -= length;
		odd = iconv(e->to_utf8, &in, &length, &out, &room) == (size_t)-1;
		n += length;
		/* Flush: a letter is held back to see if an accent follows. */
		iconv(e->to_utf8, NULL, NULL, &out, &room);
		if (!odd)
			continue;
		add(&result, run, (size_t)(out - run));
		run = out;
		for (length = odd_length(e, (unsigned char *)in, n); length; length--, in++, n--)
			add(&result, in, 1);
		result.lossless = false;
	}
	add(&result, run, (size_t)(out - run));
	result.list = list;
	return result;
}

static bool
is_ascii(const char *s, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)s[i];
	return all < 0x80;
}

bool
encoding_from_utf8(struct encoding *e, const char *s, size_t n, struct buffer *out)
{
	char *in = (char *)(uintptr_t)s, *to;
	size_t room = n * 4 + 16, result;

	if (!e) {
		buffer_add(out, s, n);
		return true;
	}
	if (e->from_utf8 == NONE) {
		buffer_add(out, s, n);
		return is_ascii(s, n);
	}
	to = buffer_reserve(out, room);
	result = iconv(e->from_utf8, &in, &n, &to, &room);
	buffer_add_end(out, to);
	iconv(e->from_utf8, NULL, NULL, NULL, NULL);
	/* If the result is positive, iconv replaced that many characters by similar ones. */
	return result == 0;
}
