#include "config.h"

#include "reload.h"

#include <assert.h>
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

/* Channels that the file wants since now of a connection, until the server has answered. */
struct addition {
	struct subscriptions *last;
	struct subscription added;
	char *identity; /* of the connection, which may go meanwhile */
};

/* What was refused is not remembered, so that it is tried again. */
static void
forget(const struct addition *a)
{
	for (size_t i = 0; i < a->last->count; i++) {
		struct subscription *s = &a->last->list[i];

		for (size_t j = 0; j < a->added.count; j++)
			if (strcmp(s->target->identity, a->identity) == 0)
				(void)subscription_remove(s, a->added.channels[j], ORIGIN_FILE);
	}
}

static void
on_added(const char *error, void *arg)
{
	struct addition *a = arg;

	if (error) {
		log_warning("%s", error);
		forget(a);
	}
	subscription_free(&a->added);
	free(a->identity);
	free(a);
}

static void
add_channels(struct source *s, char *const *channels, size_t count, struct subscriptions *last)
{
	const struct adjust_channels more = {channels, count, ORIGIN_FILE};
	struct addition *a = xcalloc(1, sizeof *a);

	a->last = last;
	a->identity = xstrdup(s->subscription.target->identity);
	for (size_t i = 0; i < count; i++)
		(void)subscription_add(&a->added, channels[i], ORIGIN_FILE);
	adjust_listen(s, &more, on_added, a);
}

static void
on_removed(const char *error, void *arg)
{
	(void)arg;
	if (error)
		log_warning("%s", error);
}

static void
remove_channels(struct source *s, char *const *channels, size_t count)
{
	const struct adjust_channels less = {channels, count, ORIGIN_FILE};

	adjust_unlisten(s, &less, on_removed, NULL);
}

static void
adjust(struct source *s, const struct change *c, struct subscriptions *last)
{
	if (c->listen_count)
		add_channels(s, (char *const *)c->listen, c->listen_count, last);
	if (c->unlisten_count)
		remove_channels(s, (char *const *)c->unlisten, c->unlisten_count);
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

/* NULL: its name is taken. Where others opened the very same connection, it is the file's too. */
static struct source *
open_new(struct manager *m, struct subscription *part, struct subscriptions *last)
{
	const struct target *t;
	struct source *s;

	assert(part);
	t = part->target;
	s = sources_find(manager_sources(m), t->label);
	if (!s)
		return sources_add(manager_sources(m), part, false);
	/* One that a command waits for may be gone in a moment. */
	if (!s->outcome && strcmp(s->subscription.target->identity, t->identity) == 0) {
		s->subscription.origin |= ORIGIN_FILE;
		add_channels(s, part->channels, part->count, last);
		return s;
	}
	log_warning("the connection \"%s\" of the file is not opened: there is one of that name "
		    "already",
	    t->label);
	return NULL;
}

/* The one that is to be opened under this name, or NULL. */
static struct subscription *
heir_of(const char *label, const struct changes *changes, const struct subscriptions *parts)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];

		if (!c->before && c->after && strcmp(c->after->target->label, label) == 0)
			return part_of(parts, label);
	}
	return NULL;
}

/* The file no longer has it. The channels that others want of it stay, or go on with its name. */
static void
drop(struct manager *m, struct source *s, const struct subscription *before,
    struct subscription *heir)
{
	struct subscription *have = &s->subscription;
	unsigned others = have->origin & ~(unsigned)ORIGIN_FILE;

	if (others)
		heir = NULL;
	for (size_t i = 0; i < have->count; i++) {
		unsigned origins = have->origins[i] & ~(unsigned)ORIGIN_FILE;

		if (origins && heir)
			(void)subscription_add(heir, have->channels[i], origins);
		others |= origins;
	}
	if (heir || !others) {
		manager_disconnect(m, s);
		return;
	}
	have->origin = others;
	remove_channels(s, before->channels, before->count);
}

/* `last` is what the file wants now; of that, what could not be had is taken out. */
static void
apply(struct manager *m, const struct changes *changes, const struct subscriptions *parts,
    struct subscriptions *last)
{
	struct source **sources = xcalloc(changes->count, sizeof *sources);

	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i].before)
			sources[i] = find(m, changes->list[i].before);
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];

		if (sources[i] && c->before && !c->after)
			drop(m, sources[i], c->before,
			    heir_of(connection_label(sources[i]->connection), changes, parts));
	}
	give_names(changes, sources);
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];

		if (!c->before && c->after)
			sources[i] = open_new(m, part_of(parts, c->after->target->label), last);
		else if (sources[i] && c->after)
			adjust(sources[i], c, last);
	}
	for (size_t i = changes->count; i-- > 0;) /* backwards, as they are removed */
		if (!changes->list[i].before && !sources[i])
			subscriptions_remove(last, (size_t)(changes->list[i].after - last->list));
	free(sources);
}

void
reload(const char *path, const struct target_defaults *defaults, struct subscriptions *last,
    struct manager *m)
{
	struct subscriptions before = *last, wanted, parts;
	struct changes changes;
	char *error = NULL;

	if (!configfile_read(path, defaults, &wanted, &parts, &error)) {
		log_error("%s", error);
		log_hint("nothing was changed");
		free(error);
		return;
	}
	*last = wanted;
	changes_find(&before, last, &changes);
	apply(m, &changes, &parts, last);
	log_info("read \"%s\" again", path);
	changes_free(&changes);
	subscriptions_free(&before);
	subscriptions_free(&parts);
}
