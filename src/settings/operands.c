#include "config.h"

#include "settings/operands.h"

#include <stdlib.h>
#include <string.h>

#include "base/string_map.h"
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

/* What makes connections of them. */
struct maker {
	struct subscriptions *to;
	struct string_map labels; /* of them; its number: the least N so that LABEL#N may be free */
	struct string_map
	    identities; /* of their targets; its number: of the subscription, from 1 on */
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

/* The first of LABEL, LABEL#2, LABEL#3 ... that no other connection has. */
static void
make_label_unique(struct maker *m, struct target *t)
{
	struct string_map_entry *label = string_map_add(&m->labels, t->label);
	size_t number = label->number;

	/* No label is ever free again: so the next search begins where this one ends. */
	label->number = 2;
	while (number) {
		char *numbered = xasprintf("%s#%zu", t->label, number);

		label->number = number + 1;
		number = string_map_find(&m->labels, numbered) ? number + 1 : 0;
		if (!number) {
			string_map_add(&m->labels, numbered)->number = 2;
			target_rename(t, numbered);
		}
		free(numbered);
	}
}

/* The subscription of this target: one for all that come to the same parameters (fact F15). */
static struct subscription *
subscribe(struct maker *m, struct target *t)
{
	size_t count = m->to->count;
	struct string_map_entry *e = string_map_add(&m->identities, t->identity);

	if (e->number) {
		target_free(t);
		return &m->to->list[e->number - 1];
	}
	e->number = count + 1;
	make_label_unique(m, t);
	return subscriptions_add(m->to, t, ORIGIN_COMMAND_LINE);
}

/* One connection of a group: a connection string, or NULL for the default one. */
static bool
add_connection(struct maker *m, const struct group *g, const char *conninfo,
    const struct target_defaults *defaults, char **error)
{
	struct target *t = target_parse(conninfo, defaults, error);
	struct subscription *s;

	if (!t)
		return false;
	s = subscribe(m, t);
	for (size_t i = 0; i < g->channel_count; i++)
		subscription_add(s, g->channels[i], ORIGIN_COMMAND_LINE);
	return true;
}

static bool
add_group(
    struct maker *m, const struct group *g, const struct operands *o, bool first, char **error)
{
	size_t dbnames = first ? o->dbname_count : 0;

	if (g->channel_count == 0 && !o->optional) {
		*error = xasprintf("no channel given%s; accepted is [CONNINFO]... CHANNEL...",
		    m->to->count ? " after the last connection string" : "");
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
		if (!add_connection(m, g, plain ? NULL : o->dbnames[i], &defaults, error))
			return false;
	}
	for (size_t i = 0; i < g->conninfo_count; i++)
		if (!add_connection(m, g, g->conninfos[i], &o->defaults, error))
			return false;
	if (dbnames == 0 && g->conninfo_count == 0 &&
	    (g->channel_count > 0 || (o->fallback && m->to->count == 0)))
		return add_connection(m, g, NULL, &o->defaults, error);
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
	struct maker m = {.to = to};
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
			ok = add_group(&m, &g, &o, first, error);
			g.channel_count = g.conninfo_count = 0;
			first = channel_seen = false;
		}
		append(&g.conninfos, &g.conninfo_count, o.words[i]);
	}
	ok = ok && add_group(&m, &g, &o, first, error);
	free(g.conninfos);
	free(g.channels);
	string_map_free(&m.labels);
	string_map_free(&m.identities);
	if (!ok)
		subscriptions_free(to);
	return ok;
}
