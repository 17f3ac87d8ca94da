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

/* The connection that the file wanted under this name, if it is still there. */
static struct source *
find(struct manager *m, const struct subscription *s)
{
	struct source *source = sources_find(manager_sources(m), s->target->label);

	return source && (source->subscription.origin & ORIGIN_FILE) ? source : NULL;
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

	if (strcmp(connection_label(s->connection), change->after->target->label) != 0) {
		target_rename(s->subscription.target, change->after->target->label);
		connection_renamed(s->connection);
	}
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

	/* All of them by their old names first: names can move around in a circle. */
	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i].before)
			sources[i] = find(m, changes->list[i].before);
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *c = &changes->list[i];

		if (!c->before)
			open_new(m, parts, c->after->target->label);
		else if (sources[i] && c->after)
			adjust(c, sources[i]);
		else if (sources[i])
			manager_disconnect(m, sources[i]);
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
