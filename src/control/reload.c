#include "config.h"

#include "control/reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/relisten.h"
#include "manager/manager.h"
#include "manager/source.h"
#include "settings/config_file.h"

/* Finds sources and connections of the file by their names. Numbers are places in the lists, from 1 on. */
struct names {
	struct string_map sources;            /* by their labels, without those that leave */
	struct string_map labels, identities; /* of the connections in the file */
};

static void
names_init(struct names *n, const struct sources *set, const struct subscriptions *file)
{
	*n = (struct names){0};
	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves)
			string_map_add(&n->sources, source_label(set->list[i]))->number = i + 1;
	for (size_t i = 0; i < file->count; i++) {
		const struct target *t = file->list[i].target;

		string_map_add(&n->labels, t->label)->number = i + 1;
		string_map_add(&n->identities, t->identity)->number = i + 1;
	}
}

static void
names_free(struct names *n)
{
	string_map_free(&n->sources);
	string_map_free(&n->labels);
	string_map_free(&n->identities);
}

/* Whether the file wanted the connection, or a channel of it, when it was read last. */
static bool
is_files(const struct source *s)
{
	return !s->leaves && subscription_all_origins(&s->subscription) & ORIGIN_FILE;
}

/* Compares with the parameters that the source got last, even if a full buffer still keeps it from connecting with them. */
static bool
same_parameters(const struct source *s, const struct subscription *wanted)
{
	return strcmp(source_next_target(s)->identity, wanted->target->identity) == 0;
}

/* Whether the connection was the file's, and the file has no connection of this name any more. */
static bool
is_unnamed(const struct names *n, const struct source *s)
{
	return is_files(s) && !string_map_find(&n->labels, source_label(s));
}

/* Renames a connection if the file has its parameters under another name, which no connection has. */
static void
give_new_name(struct names *n, struct source *s, const struct subscriptions *file)
{
	const struct string_map_entry *wanted =
	    string_map_find(&n->identities, source_next_target(s)->identity);
	struct string_map_entry *old = string_map_find(&n->sources, source_label(s));
	const char *label = wanted ? file->list[wanted->number - 1].target->label : NULL;

	if (!label || string_map_find(&n->sources, label))
		return;
	string_map_add(&n->sources, label)->number = old->number;
	string_map_remove(&n->sources, old);
	source_rename(s, label);
}

static void
on_adjusted(const char *refused, void *arg)
{
	(void)arg;
	if (refused)
		log_warning("%s", refused);
}

/* Has the connection listen on the channels that the file wants, and on no others of the file's; NULL: it wants none. */
static void
adjust(struct source *s, const struct subscription *wanted)
{
	struct subscription *have = &s->subscription;
	char **gone = xcalloc(have->count, sizeof *gone);
	struct relisten_channels less = {gone, 0, ORIGIN_FILE};

	for (size_t i = 0; i < have->count; i++)
		if (subscription_origins(have, have->channels[i]) & ORIGIN_FILE &&
		    !(wanted && subscription_has(wanted, have->channels[i])))
			gone[less.count++] = xstrdup(have->channels[i]);
	if (less.count)
		relisten_remove(s, &less, on_adjusted, NULL);
	for (size_t i = 0; i < less.count; i++)
		free(gone[i]);
	free(gone);
	if (wanted && wanted->count) {
		const struct relisten_channels more = {
		    wanted->channels, wanted->count, ORIGIN_FILE};

		relisten_add(s, &more, on_adjusted, NULL);
	}
}

/* The file does not name the connection any more: removes it, unless somebody else wants it. */
static void
let_go(struct source *s)
{
	struct subscription *have = &s->subscription;
	unsigned others = subscription_all_origins(have) & ~(unsigned)ORIGIN_FILE;

	have->origin &= ~(unsigned)ORIGIN_FILE;
	if (others)
		adjust(s, NULL);
	else
		source_leave(s, NULL, NULL);
}

/* Makes one connection of the file true. If a source takes over the target of `wanted`, that is NULL then. */
static void
make_true(const struct names *n, struct sources *set, struct subscription *wanted)
{
	const struct string_map_entry *named = string_map_find(&n->sources, wanted->target->label);
	struct source *s;

	if (!named) {
		(void)manager_add(set->manager, wanted, false);
		return;
	}
	s = set->list[named->number - 1];
	if (!same_parameters(s, wanted)) {
		if (s->subscription.origin & ~(unsigned)ORIGIN_FILE) {
			log_warning("the connection \"%s\" of the file is not opened: there is one "
				    "of that name already, with other parameters",
			    wanted->target->label);
			return;
		}
		source_retarget(
		    s, wanted->target, "the configuration file has other parameters for it");
		wanted->target = NULL;
	}
	s->subscription.origin |= ORIGIN_FILE;
	adjust(s, wanted);
}

void
reload(const char *path, const struct target_defaults *defaults, struct manager *m)
{
	struct sources *set = manager_sources(m);
	struct subscriptions file;
	struct names names;
	char *error = NULL;

	if (!config_file_read(path, defaults, &file, &error)) {
		log_error("%s", error);
		log_hint("nothing was changed");
		free(error);
		return;
	}
	names_init(&names, set, &file);
	for (size_t i = 0; i < set->count; i++)
		if (is_unnamed(&names, set->list[i]))
			give_new_name(&names, set->list[i], &file);
	for (size_t i = 0; i < set->count; i++)
		if (is_unnamed(&names, set->list[i]))
			let_go(set->list[i]);
	for (size_t i = 0; i < file.count; i++)
		make_true(&names, set, &file.list[i]);
	names_free(&names);
	log_info("read \"%s\" again", path);
	subscriptions_free(&file);
}
