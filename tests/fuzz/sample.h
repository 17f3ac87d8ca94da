/*
 * A notification made of an input: encoding, pid, time, channel, payload, label.
 */
#ifndef PGWAIT_SAMPLE_H
#define PGWAIT_SAMPLE_H

#include <iconv.h>
#include <string.h>

#include "fuzz.h"
#include "record/encoding.h"
#include "record/record.h"

struct sample {
	struct origin origin;
	struct record record;
	const char *charset; /* iconv's name for its encoding; NULL: UTF-8 as it is */
	char *channel, *payload, *label;
};

static const struct {
	const char *server, *charset;
} sample_encodings[] = {{NULL, NULL}, {"LATIN1", "ISO-8859-1"}, {"LATIN9", "ISO-8859-15"},
    {"WIN1252", "CP1252"}, {"WIN1258", "CP1258"}, {"EUC_JP", "EUC-JP-MS"}, {"EUC_KR", "EUC-KR"},
    {"EUC_JIS_2004", "EUC-JISX0213"}};

#define SAMPLE_ENCODINGS (sizeof sample_encodings / sizeof sample_encodings[0])

static inline void
sample_read(struct input *in, struct sample *s)
{
	static struct encoding *encodings[SAMPLE_ENCODINGS];
	static unsigned serial;
	size_t which = input_byte(in) % SAMPLE_ENCODINGS;

	if (which > 0 && !encodings[which])
		encodings[which] = encoding_open(sample_encodings[which].server);
	*s = (struct sample){.charset = sample_encodings[which].charset};
	s->record.kind = RECORD_NOTIFICATION;
	s->record.origin = &s->origin;
	for (int i = 0; i < 3; i++)
		s->record.pid = s->record.pid << 8 | input_byte(in);
	for (int i = 0; i < 6; i++)
		s->record.time = s->record.time << 8 | input_byte(in);
	s->record.channel = s->channel = input_until(in, '\0', &s->record.channel_length);
	s->record.payload = s->payload = input_until(in, '\0', &s->record.payload_length);
	s->origin.label = s->label = input_until(in, '\0', &s->origin.label_length);
	s->origin.encoding = encodings[which];
	s->origin.serial = ++serial;
}

static inline void
sample_free(struct sample *s)
{
	free(s->channel);
	free(s->payload);
	free(s->label);
}

/*
 * Converts all of it, at `out`, which has room for 4 bytes for each and 16 more. -1 where it is not
 * wholly of the sample's encoding. Of an encoding of single bytes one after another: iconv would make
 * one character of a letter and its accent, and the server does not.
 */
static inline ssize_t
sample_convert(const struct sample *s, const char *bytes, size_t n, char *out)
{
	iconv_t cd = iconv_open("UTF-8", s->charset ? s->charset : "UTF-8");
	char *in = (char *)(uintptr_t)bytes, *to = out;
	size_t room = n * 4 + 16;
	bool ok;

	REQUIRE(cd != (iconv_t)-1);
	ok = true;
	while (ok && n) {
		size_t part = s->charset && strncmp(s->charset, "CP", 2) == 0 ? 1 : n;

		n -= part;
		ok = iconv(cd, &in, &part, &to, &room) != (size_t)-1 &&
		     iconv(cd, NULL, NULL, &to, &room) != (size_t)-1;
	}
	iconv_close(cd);
	return ok ? to - out : -1;
}

#endif
