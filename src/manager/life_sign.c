#include "config.h"

#include "manager/life_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hash {
	uint64_t high, low;
};

/* Multiplies by the prime of FNV with 128 bits, 2^88 + 0x13b. */
static struct hash
multiply(struct hash h)
{
	const uint64_t factor = 0x13b;
	uint64_t first = (h.low & 0xffffffff) * factor;
	uint64_t second = (h.low >> 32) * factor + (first >> 32);

	return (struct hash){
	    h.high * factor + (second >> 32) + (h.low << 24), second << 32 | (first & 0xffffffff)};
}

/* FNV-1a with 128 bits. */
static struct hash
hash(const char *s)
{
	struct hash h = {0x6c62272e07bb0142, 0x62b821756295c58d};

	for (; *s; s++) {
		h.low ^= (unsigned char)*s;
		h = multiply(h);
	}
	return h;
}

/* The same number in other digits (007 and 7) is the same lock, so it has the same channel. */
char *
life_sign_channel(const char *key)
{
	int64_t number;
	char *text = parse_integer(key, INT64_MIN, INT64_MAX, &number)
			 ? xasprintf("%" PRId64, number)
			 : xstrdup(key);
	struct hash h = hash(text);

	free(text);
	return xasprintf("pgwait_key_%016" PRIx64 "%016" PRIx64, h.high, h.low);
}

char *
life_sign_write(const struct life_sign *s)
{
	if (s->asks)
		return xasprintf("who %s", s->place);
	return xasprintf("alive %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, s->place,
	    s->process, s->number, s->delivered, s->behind);
}

/* The next word, without the space behind it; NULL: there is none. */
static const char *
take_word(char **rest)
{
	return *rest ? strsep(rest, " ") : NULL;
}

static bool
take_number(char **rest, int64_t least, int64_t *n)
{
	const char *word = take_word(rest);

	return word && parse_integer(word, least, INT64_MAX, n);
}

bool
life_sign_read(const char *payload, struct life_sign *s)
{
	char *text = xstrdup(payload), *rest = text;
	const char *word = take_word(&rest), *place = take_word(&rest);
	bool ok;

	*s = (struct life_sign){.asks = word && strcmp(word, "who") == 0};
	ok = place && *place && strlen(place) < sizeof s->place &&
	     (s->asks || strcmp(word, "alive") == 0);
	if (ok)
		snprintf(s->place, sizeof s->place, "%s", place);
	if (ok && !s->asks)
		ok = take_number(&rest, 1, &s->process) && take_number(&rest, 0, &s->number) &&
		     take_number(&rest, 0, &s->delivered) && take_number(&rest, 0, &s->behind);
	free(text);
	return ok && !rest;
}
