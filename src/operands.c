#include "config.h"

#include "operands.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"

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

/* The length of "scheme://" where a URI with a user part starts so; else 0. */
static size_t
foreign_uri(const char *word)
{
	const char *rest = strstr(word, "://");
	const char *colon = rest ? strchr(rest + 3, ':') : NULL;

	return colon && strchr(colon, '@') ? (size_t)(rest + 3 - word) : 0;
}

static bool
is_connection(const char *word)
{
	return target_is_conninfo(word) || target_is_socket(word);
}

/* A password would be shown as part of a channel's name. */
static bool
check_word(const char *word, char **error)
{
	size_t scheme = is_connection(word) ? 0 : foreign_uri(word);

	if (scheme == 0)
		return true;
	*error = xasprintf("invalid operand \"%.*s...\": libpq's URIs start with postgresql:// or "
			   "postgres:// (for a channel of this name use -l)",
	    (int)scheme, word);
	return false;
}

/* The first of LABEL, LABEL#2, LABEL#3 ... that no other connection has. */
static void
make_label_unique(const struct subscriptions *in, struct target *t)
{
	bool taken = subscriptions_have(in, t->label);

	for (int number = 2; taken; number++) {
		char *label = xasprintf("%s#%d", t->label, number);

		taken = subscriptions_have(in, label);
		if (!taken)
			target_number(t, number);
		free(label);
	}
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

bool
operands_parse(const struct operands *operands, struct subscriptions *to, char **error)
{
	struct operands o = *operands;
	struct group g = {0};
	bool first = true, ok, channel_seen = false;

	*to = (struct subscriptions){0};
	for (size_t i = 0; i < o.dbname_count && !o.defaults.dbname; i++)
		if (!target_is_conninfo(o.dbnames[i]))
			o.defaults.dbname = o.dbnames[i];
	for (size_t i = 0; i < o.listen_count; i++)
		append(&g.channels, &g.channel_count, o.listens[i]);
	ok = true;
	for (size_t i = 0; ok && i < o.word_count; i++)
		ok = check_word(o.words[i], error);
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
