/*
 * Operands and connection strings: what they come to keeps the rules, and no password gets out.
 *
 * A password in a seed holds "hunter2".
 */
#include "config.h"

#include <libpq-fe.h>

#include "base/escape.h"
#include "fuzz.h"
#include "postgres/channel.h"
#include "postgres/redact.h"
#include "postgres/target.h"
#include "settings/operands.h"

#define SECRET "hunter2"
#define MOST   64

/* Only the password holds the secret; or what libpq cannot read, which may be anything. */
static bool
is_secret(const char *word)
{
	PQconninfoOption *options;
	bool password = false, elsewhere = false;

	if (!strstr(word, SECRET))
		return false;
	/* As user:SECRET@host it is no operand. */
	if (!target_is_conninfo(word))
		return !target_is_socket(word) && strcspn(word, ":/") < strcspn(word, "@") &&
		       strstr(word, SECRET) - word > (ssize_t)strcspn(word, ":/") &&
		       strchr(strstr(word, SECRET), '@');
	options = PQconninfoParse(word, NULL);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (!o->val || !strstr(o->val, SECRET))
			continue;
		if (strcmp(o->keyword, "password") == 0)
			password = true;
		else
			elsewhere = true;
	}
	PQconninfoFree(options);
	/* What may be a keyword, in front, is shown. */
	return options ? password && !elsewhere
		       : strstr(word, SECRET) - word >= (ssize_t)strcspn(word, "= \t\n");
}

static void
check_subscription(const struct subscriptions *all, size_t i)
{
	const struct subscription *s = &all->list[i];
	char *error;

	REQUIRE(*s->target->label && *s->target->identity);
	REQUIRE(s->target->host_count > 0 && s->count > 0);
	for (size_t j = 0; j < i; j++) {
		REQUIRE(strcmp(all->list[j].target->label, s->target->label) != 0);
		REQUIRE(strcmp(all->list[j].target->identity, s->target->identity) != 0);
	}
	for (size_t j = 0; j < s->count; j++) {
		REQUIRE(channel_check(s->channels[j], &error));
		for (size_t k = 0; k < j; k++)
			REQUIRE(strcmp(s->channels[j], s->channels[k]) != 0);
	}
}

/* After it, ps shows nothing; the length stays. */
static void
check_hidden(const char *word)
{
	char *copy = xstrdup(word);

	if (target_is_conninfo(copy)) {
		redact_overwrite(copy);
		REQUIRE(strlen(copy) == strlen(word));
		REQUIRE(!is_secret(word) || !strstr(copy, SECRET));
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct subscriptions s;
	char *words[MOST], *error = NULL;
	size_t count = 0;
	uint8_t flags = input_byte(&in);
	struct operands o = {.words = (const char **)words};
	bool secret = true;

	forget_environment();
	while (in.left && count < MOST)
		words[count++] = input_string(&in);
	o.word_count = count;
	/* Some of them come by -d, -l and -h. */
	for (o.dbnames = o.words; o.dbname_count < (flags & 3) && o.word_count; o.dbname_count++)
		o.words++, o.word_count--;
	for (o.listens = o.words; o.listen_count < (flags >> 2 & 3) && o.word_count;
	     o.listen_count++)
		o.words++, o.word_count--;
	if ((flags & 16) && o.word_count) {
		secret = !strstr(*o.words, SECRET); /* a host is shown */
		o.defaults.host = *o.words++;
		o.word_count--;
	}
	for (size_t i = 0; i < count; i++) {
		check_hidden(words[i]);
		secret = secret && (is_secret(words[i]) || !strstr(words[i], SECRET));
	}
	if (operands_parse(&o, &s, &error)) {
		for (size_t i = 0; i < s.count; i++) {
			check_subscription(&s, i);
			REQUIRE(!secret || !strstr(s.list[i].target->label, SECRET));
		}
	} else {
		REQUIRE(error && *error && s.count == 0);
		REQUIRE(!secret || !strstr(error, SECRET));
	}
	subscriptions_free(&s);
	free(error);
	for (size_t i = 0; i < count; i++)
		free(words[i]);
	return 0;
}
