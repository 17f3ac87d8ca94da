#include "config.h"

#include "control/reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/relisten.h"
#include "manager/manager.h"
#include "manager/source.h"
#include "settings/config_file.h"

/* Whether the file wanted it when it was read before, or a channel of it. */
static bool
is_files(const struct source *s)
{
	bool has = s->subscription.origin & ORIGIN_FILE;

	for (size_t i = 0; !has && i < s->subscription.count; i++)
		has = s->subscription.origins[i] & ORIGIN_FILE;
	return has && !s->leaves;
}

/* With those that it got last, also where it is still to be closed for them: a buffer that is full holds that up. */
static bool
same_parameters(const struct source *s, const struct subscription *wanted)
{
	return strcmp(source_next_target(s)->identity, wanted->target->identity) == 0;
}

static struct subscription *
find_name(const struct subscriptions *file, const struct source *s)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->list[i].target->label, source_label(s)) == 0)
			return &file->list[i];
	return NULL;
}

/* A connection whose name the file has no more, and which it calls by a name that nobody has. */
static void
give_new_name(struct source *s, const struct subscriptions *file)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct subscription *wanted = &file->list[i];

		if (!same_parameters(s, wanted) || sources_find(s->set, wanted->target->label))
			continue;
		source_rename(s, wanted->target->label);
		return;
	}
}

static void
on_adjusted(const char *refused, void *arg)
{
	(void)arg;
	if (refused)
		log_warning("%s", refused);
}

/* The channels that the file wants of it; NULL: none any more. */
static void
adjust(struct source *s, const struct subscription *wanted)
{
	struct subscription *have = &s->subscription;
	char **gone = xcalloc(have->count, sizeof *gone);
	struct relisten_channels less = {gone, 0, ORIGIN_FILE};

	for (size_t i = 0; i < have->count; i++)
		if (have->origins[i] & ORIGIN_FILE &&
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

/* The file does not name it any more. */
static void
let_go(struct source *s)
{
	struct subscription *have = &s->subscription;
	unsigned others = have->origin & ~(unsigned)ORIGIN_FILE;

	for (size_t i = 0; i < have->count; i++)
		others |= have->origins[i] & ~(unsigned)ORIGIN_FILE;
	have->origin &= ~(unsigned)ORIGIN_FILE;
	if (others)
		adjust(s, NULL);
	else
		source_leave(s, NULL, NULL);
}

/* What the file names: `wanted` loses its target where a connection takes it. */
static void
make_true(struct manager *m, struct subscription *wanted)
{
	struct source *s = sources_find(manager_sources(m), wanted->target->label);

	if (!s) {
		(void)sources_add(manager_sources(m), wanted, false);
		return;
	}
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
	char *error = NULL;

	if (!config_file_read(path, defaults, &file, &error)) {
		log_error("%s", error);
		log_hint("nothing was changed");
		free(error);
		return;
	}
	for (size_t i = 0; i < set->count; i++)
		if (is_files(set->list[i]) && !find_name(&file, set->list[i]))
			give_new_name(set->list[i], &file);
	for (size_t i = 0; i < set->count; i++)
		if (is_files(set->list[i]) && !find_name(&file, set->list[i]))
			let_go(set->list[i]);
	for (size_t i = 0; i < file.count; i++)
		make_true(m, &file.list[i]);
	log_info("read \"%s\" again", path);
	subscriptions_free(&file);
}
