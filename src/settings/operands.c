#include "config.h"

#include "settings/operands.h"

#include <stdlib.h>
#include <string.h>

#include "postgres/redact.h"

/* Bytes of a word in an error. */
#define SHOWN_MOST 100

/* Operands up to the next group: connection strings, then channels. */
struct group {
	const char **conninfos;
	size_t conninfo_count;
	const char **channels;
	size_t channel_count;
};

static void
append(const char ***list, size_t *count, const char *s)
{
	*list = xrealloc(*list, (*count + 1) * sizeof **list);
	(*list)[(*count)++] = s;
}

static bool
is_connection(const char *word)
{
	return target_is_conninfo(word) || target_is_socket(word);
}

/* No word becomes a channel or a database by mistake: it would show a password, or wait in vain. */
static bool
check_word(const char *word, const char *what, const char *advice, char **error)
{
	int length;

	if (is_connection(word) || !redact_suspected(word))
		return true;
	length = redact_suspected_length(word);
	if (length > SHOWN_MOST)
		length = SHOWN_MOST;
	*error =
	    xasprintf("invalid %s \"%.*s%s\": it looks like a connection and is none; accepted "
		      "are postgresql://[USER@]HOST[:PORT]/DBNAME, KEYWORD=VALUE ... and the "
		      "absolute path of a socket (%s)",
		what, length, word, word[length] ? "..." : "", advice);
	return false;
}

/* What stands after LABEL# in a label, from 2 to `most`; 1 for LABEL itself, 0 for all others. */
static size_t
label_number(const char *label, const char *of, size_t most)
{
	size_t length = strlen(of);
	int64_t number;

	if (strncmp(label, of, length) != 0)
		return 0;
	if (label[length] == '\0')
		return 1;
	/* A number that begins with 0 is another name. */
	if (label[length] != '#' || label[length + 1] == '0' ||
	    !parse_integer(label + length + 1, 2, (int64_t)most, &number))
		return 0;
	return (size_t)number;
}

/* The first of LABEL, LABEL#2, LABEL#3 ... that no other connection has. */
static void
make_label_unique(const struct subscriptions *in, struct target *t)
{
	/* One of the first count + 1 is free. */
	bool *taken = xcalloc(in->count + 2, sizeof *taken);
	size_t number = 1;

	for (size_t i = 0; i < in->count; i++)
		taken[label_number(in->list[i].target->label, t->label, in->count + 1)] = true;
	while (taken[number])
		number++;
	if (number > 1)
		target_number(t, (int)number);
	free(taken);
}

/* The subscription of this target: one for all that come to the same parameters (fact F15). */
static struct subscription *
subscribe(struct subscriptions *to, struct target *t)
{
	for (size_t i = 0; i < to->count; i++) {
		if (strcmp(to->list[i].target->identity, t->identity) == 0) {
			target_free(t);
			return &to->list[i];
		}
	}
	make_label_unique(to, t);
	to->list = xrealloc(to->list, (to->count + 1) * sizeof *to->list);
	to->list[to->count] = (struct subscription){.target = t, .origin = ORIGIN_COMMAND_LINE};
	return &to->list[to->count++];
}

/* One connection of a group: a connection string, or NULL for the default one. */
static bool
add_connection(struct subscriptions *to, const struct group *g, const char *conninfo,
    const struct target_defaults *defaults, char **error)
{
	struct target *t = target_parse(conninfo, defaults, error);
	struct subscription *s;

	if (!t)
		return false;
	s = subscribe(to, t);
	for (size_t i = 0; i < g->channel_count; i++)
		subscription_add(s, g->channels[i], ORIGIN_COMMAND_LINE);
	return true;
}

static bool
add_group(struct subscriptions *to, const struct group *g, const struct operands *o, bool first,
    char **error)
{
	size_t dbnames = first ? o->dbname_count : 0;

	if (g->channel_count == 0 && !o->optional) {
		*error = xasprintf("no channel given%s; accepted is [CONNINFO]... CHANNEL...",
		    to->count ? " after the last connection string" : "");
		return false;
	}
	for (size_t i = 0; i < g->channel_count; i++)
		if (!channel_check(g->channels[i], error))
			return false;
	for (size_t i = 0; i < dbnames; i++) {
		struct target_defaults defaults = o->defaults;
		bool plain = !target_is_conninfo(o->dbnames[i]);

		if (plain)
			defaults.dbname = o->dbnames[i];
		if (!add_connection(to, g, plain ? NULL : o->dbnames[i], &defaults, error))
			return false;
	}
	for (size_t i = 0; i < g->conninfo_count; i++)
		if (!add_connection(to, g, g->conninfos[i], &o->defaults, error))
			return false;
	if (dbnames == 0 && g->conninfo_count == 0 &&
	    (g->channel_count > 0 || (o->fallback && to->count == 0)))
		return add_connection(to, g, NULL, &o->defaults, error);
	return true;
}

/* Each word in its place, but for the channels that -l names. */
static bool
check_words(const struct operands *o, char **error)
{
	bool ok = true;

	for (size_t i = 0; ok && i < o->word_count; i++)
		ok = check_word(o->words[i], "operand", "for a channel of this name use -l", error);
	for (size_t i = 0; ok && i < o->dbname_count; i++)
		ok = check_word(o->dbnames[i], "--dbname",
		    "for a database of this name write dbname=NAME", error);
	return ok;
}

bool
operands_parse(const struct operands *operands, struct subscriptions *to, char **error)
{
	struct operands o = *operands;
	struct group g = {0};
	bool first = true, channel_seen = false, ok = check_words(operands, error);

	*to = (struct subscriptions){0};
	for (size_t i = 0; i < o.dbname_count && !o.defaults.dbname; i++)
		if (!target_is_conninfo(o.dbnames[i]))
			o.defaults.dbname = o.dbnames[i];
	for (size_t i = 0; i < o.listen_count; i++)
		append(&g.channels, &g.channel_count, o.listens[i]);
	for (size_t i = 0; ok && i < o.word_count; i++) {
		if (!is_connection(o.words[i])) {
			append(&g.channels, &g.channel_count, o.words[i]);
			channel_seen = true;
			continue;
		}
		if (channel_seen) {
			ok = add_group(to, &g, &o, first, error);
			g.channel_count = g.conninfo_count = 0;
			first = channel_seen = false;
		}
		append(&g.conninfos, &g.conninfo_count, o.words[i]);
	}
	ok = ok && add_group(to, &g, &o, first, error);
	free(g.conninfos);
	free(g.channels);
	if (!ok)
		subscriptions_free(to);
	return ok;
}
