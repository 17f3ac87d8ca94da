#include "config.h"

#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

struct encoding {
	iconv_t to_utf8, from_utf8;
	struct buffer text; /* where converted text goes */
};

/* Segments of the last call: one thread converts, so one array serves every encoding. */
static struct segment *list;
static size_t list_size;

/* PostgreSQL's names (its documentation, Character Set Support) where iconv's differ. */
static const struct {
	const char *server, *iconv;
} names[] = {
    {"EUC_JP", "EUC-JP"},
    {"EUC_JIS_2004", "EUC-JISX0213"},
    {"EUC_CN", "EUC-CN"},
    {"EUC_KR", "EUC-KR"},
    {"EUC_TW", "EUC-TW"},
    {"LATIN1", "ISO-8859-1"},
    {"LATIN2", "ISO-8859-2"},
    {"LATIN3", "ISO-8859-3"},
    {"LATIN4", "ISO-8859-4"},
    {"LATIN5", "ISO-8859-9"},
    {"LATIN6", "ISO-8859-10"},
    {"LATIN7", "ISO-8859-13"},
    {"LATIN8", "ISO-8859-14"},
    {"LATIN9", "ISO-8859-15"},
    {"LATIN10", "ISO-8859-16"},
    {"ISO_8859_5", "ISO-8859-5"},
    {"ISO_8859_6", "ISO-8859-6"},
    {"ISO_8859_7", "ISO-8859-7"},
    {"ISO_8859_8", "ISO-8859-8"},
    {"WIN866", "CP866"},
    {"WIN874", "CP874"},
    {"WIN1250", "CP1250"},
    {"WIN1251", "CP1251"},
    {"WIN1252", "CP1252"},
    {"WIN1253", "CP1253"},
    {"WIN1254", "CP1254"},
    {"WIN1255", "CP1255"},
    {"WIN1256", "CP1256"},
    {"WIN1257", "CP1257"},
    {"WIN1258", "CP1258"},
    {"KOI8R", "KOI8-R"},
    {"KOI8U", "KOI8-U"},
};

static const char *
iconv_name(const char *server)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i].server, server) == 0)
			return names[i].iconv;
	return NULL;
}

struct encoding *
encoding_open(const char *server_encoding)
{
	const char *name = iconv_name(server_encoding);
	iconv_t to, from;
	struct encoding *e;

	if (!name)
		return NULL;
	to = iconv_open("UTF-8", name);
	if (to == (iconv_t)-1)
		return NULL;
	from = iconv_open(name, "UTF-8");
	if (from == (iconv_t)-1) {
		iconv_close(to);
		return NULL;
	}
	e = xcalloc(1, sizeof *e);
	e->to_utf8 = to;
	e->from_utf8 = from;
	return e;
}

void
encoding_close(struct encoding *e)
{
	if (!e)
		return;
	iconv_close(e->to_utf8);
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

struct segments
encoding_to_utf8(struct encoding *e, const char *s, size_t n)
{
	struct segments result = {.lossless = true};
	char *in = (char *)(uintptr_t)s;

	buffer_clear(&e->text);
	buffer_reserve(&e->text, n * ENCODING_UTF8_WORST + 16);
	for (;;) {
		char *from = e->text.data + e->text.end, *out = from;
		size_t room = e->text.size - e->text.end;
		size_t ended = iconv(e->to_utf8, &in, &n, &out, &room);

		/* Flush: some encodings hold a character back to see if an accent follows. */
		iconv(e->to_utf8, NULL, NULL, &out, &room);
		buffer_add_end(&e->text, out);
		add(&result, from, (size_t)(out - from));
		if (ended != (size_t)-1 || n == 0)
			break;
		/* One byte has no meaning, or a sequence is cut short: it passes alone. */
		add(&result, in, 1);
		result.lossless = false;
		in++, n--;
	}
	result.list = list;
	return result;
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
	to = buffer_reserve(out, room);
	result = iconv(e->from_utf8, &in, &n, &to, &room);
	buffer_add_end(out, to);
	iconv(e->from_utf8, NULL, NULL, NULL, NULL);
	/* A positive result counts characters that were replaced by something like them. */
	return result == 0;
}
