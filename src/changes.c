#include "config.h"

#include "changes.h"

#include <stdlib.h>
#include <string.h>

static const struct subscription *
find(const struct subscriptions *in, const struct subscription *s)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->list[i].target->identity, s->target->identity) == 0)
			return &in->list[i];
	return NULL;
}

/* The channels of `s` that `other` does not have. */
static const char **
missing(const struct subscription *s, const struct subscription *other, size_t *count)
{
	const char **list = NULL;

	*count = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (subscription_has(other, s->channels[i]))
			continue;
		list = xrealloc(list, (*count + 1) * sizeof *list);
		list[(*count)++] = s->channels[i];
	}
	return list;
}

static void
append(struct changes *changes, struct change change)
{
	changes->list = xrealloc(changes->list, (changes->count + 1) * sizeof *changes->list);
	changes->list[changes->count++] = change;
}

/* What one that stays open needs, if anything. */
static void
compare(
    const struct subscription *before, const struct subscription *after, struct changes *changes)
{
	struct change c = {.before = before, .after = after};

	c.listen = missing(after, before, &c.listen_count);
	c.unlisten = missing(before, after, &c.unlisten_count);
	if (c.listen_count || c.unlisten_count ||
	    strcmp(before->target->label, after->target->label) != 0)
		append(changes, c);
}

void
changes_find(
    const struct subscriptions *before, const struct subscriptions *after, struct changes *changes)
{
	*changes = (struct changes){0};
	for (size_t i = 0; i < before->count; i++)
		if (!find(after, &before->list[i]))
			append(changes, (struct change){.before = &before->list[i]});
	for (size_t i = 0; i < before->count; i++) {
		const struct subscription *other = find(after, &before->list[i]);

		if (other)
			compare(&before->list[i], other, changes);
	}
	for (size_t i = 0; i < after->count; i++)
		if (!find(before, &after->list[i]))
			append(changes, (struct change){.after = &after->list[i]});
}

void
changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->list[i].listen);
		free(changes->list[i].unlisten);
	}
	free(changes->list);
	*changes = (struct changes){0};
}
