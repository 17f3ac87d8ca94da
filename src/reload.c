#include "config.h"

#include "reload.h"

#include <stdlib.h>
#include <string.h>

#include "adjust.h"
#include "changes.h"
#include "configfile.h"
#include "log.h"
#include "manager.h"
#include "source.h"

/* The connection that the file wanted, if it is still there. */
static struct source *
find(struct manager *m, const struct subscription *wanted)
{
	const struct sources *set = manager_sources(m);

	for (size_t i = 0; i < set->count; i++) {
		const struct subscription *s = &set->list[i]->subscription;

		if ((s->origin & ORIGIN_FILE) &&
		    strcmp(s->target->identity, wanted->target->identity) == 0)
			return set->list[i];
	}
	return NULL;
}

static void
give_name(struct source *s, const char *label)
{
	target_rename(s->subscription.target, label);
	connection_renamed(s->connection);
}

static bool
is_renamed(const struct change *c)
{
	return c->before && c->after &&
	       strcmp(c->before->target->label, c->after->target->label) != 0;
}

/* Whether another connection has its name, too. */
static bool
shares_name(const struct source *s)
{
	for (size_t i = 0; i < s->set->count; i++)
		if (s->set->list[i] != s && strcmp(connection_label(s->set->list[i]->connection),
						connection_label(s->connection)) == 0)
			return true;
	return false;
}

/* Gives one its old name back that has another's now. True: that name may have a new owner. */
static bool
restore_name(const struct changes *changes, struct source **sources)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];
		const char *old = is_renamed(c) ? c->before->target->label : NULL;

		if (!old || !sources[i] || !shares_name(sources[i]))
			continue;
		log_warning("the connection \"%s\" keeps its name: there is a connection \"%s\" "
			    "already",
		    old, c->after->target->label);
		give_name(sources[i], old);
		target_rename(c->after->target, old); /* to be tried again */
		return true;
	}
	return false;
}

/* All of them first: names can move around in a circle. */
static void
give_names(const struct changes *changes, struct source **sources)
{
	for (size_t i = 0; i < changes->count; i++)
		if (sources[i] && is_renamed(&changes->list[i]))
			give_name(sources[i], changes->list[i].after->target->label);
	while (restore_name(changes, sources))
		;
}

static void
on_adjusted(const char *error, void *arg)
{
	(void)arg;
	if (error)
		log_warning("%s", error);
}

static void
adjust(const struct change *change, struct source *s)
{
	struct adjust_channels more = {
	    (char *const *)change->listen, change->listen_count, ORIGIN_FILE};
	struct adjust_channels less = {
	    (char *const *)change->unlisten, change->unlisten_count, ORIGIN_FILE};

	if (more.count)
		adjust_listen(s, &more, on_adjusted, NULL);
	if (less.count)
		adjust_unlisten(s, &less, on_adjusted, NULL);
}

/* The part of this name, to be owned by a connection. */
static struct subscription *
part_of(const struct subscriptions *parts, const char *label)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->list[i].target && strcmp(parts->list[i].target->label, label) == 0)
			return &parts->list[i];
	return NULL;
}

static void
open_new(struct manager *m, const struct subscriptions *parts, const char *label)
{
	if (sources_find(manager_sources(m), label))
		log_warning("the connection \"%s\" is there already, and not from the file", label);
	else
		(void)sources_add(manager_sources(m), part_of(parts, label), false);
}

static void
apply(struct manager *m, const struct changes *changes, const struct subscriptions *parts)
{
	struct source **sources = xcalloc(changes->count, sizeof *sources);

	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i].before)
			sources[i] = find(m, changes->list[i].before);
	for (size_t i = 0; i < changes->count; i++)
		if (sources[i] && !changes->list[i].after)
			manager_disconnect(m, sources[i]);
	give_names(changes, sources);
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];

		if (!c->before)
			open_new(m, parts, c->after->target->label);
		else if (sources[i] && c->after)
			adjust(c, sources[i]);
	}
	free(sources);
}

void
reload(const char *path, const struct target_defaults *defaults, struct subscriptions *last,
    struct manager *m)
{
	struct subscriptions wanted, parts;
	struct changes changes;
	char *error = NULL;

	if (!configfile_read(path, defaults, &wanted, &parts, &error)) {
		log_error("%s", error);
		log_hint("nothing was changed");
		free(error);
		return;
	}
	changes_find(last, &wanted, &changes);
	apply(m, &changes, &parts);
	log_info("read \"%s\" again", path);
	changes_free(&changes);
	subscriptions_free(last);
	subscriptions_free(&parts);
	*last = wanted;
}
