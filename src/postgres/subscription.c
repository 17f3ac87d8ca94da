#include "config.h"

#include "postgres/subscription.h"

#include <stdlib.h>
#include <string.h>

/* The place of a channel, or `count`. */
static size_t
find(const struct subscription *s, const char *channel)
{
	size_t i = 0;

	while (i < s->count && strcmp(s->channels[i], channel) != 0)
		i++;
	return i;
}

bool
subscription_has(const struct subscription *s, const char *channel)
{
	return find(s, channel) < s->count;
}

bool
subscription_add(struct subscription *s, const char *channel, unsigned origin)
{
	size_t i = find(s, channel);

	if (i < s->count) {
		s->origins[i] |= origin;
		return false;
	}
	s->channels = xrealloc(s->channels, (s->count + 1) * sizeof *s->channels);
	s->origins = xrealloc(s->origins, (s->count + 1) * sizeof *s->origins);
	s->channels[s->count] = xstrdup(channel);
	s->origins[s->count++] = origin;
	return true;
}

bool
subscription_remove(struct subscription *s, const char *channel, unsigned origins)
{
	size_t i = find(s, channel);

	if (i == s->count || (s->origins[i] &= ~origins))
		return false;
	free(s->channels[i]);
	s->count--;
	memmove(s->channels + i, s->channels + i + 1, (s->count - i) * sizeof *s->channels);
	memmove(s->origins + i, s->origins + i + 1, (s->count - i) * sizeof *s->origins);
	return true;
}

bool
subscriptions_have(const struct subscriptions *set, const char *label)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->list[i].target->label, label) == 0)
			return true;
	return false;
}

void
subscriptions_remove(struct subscriptions *set, size_t index)
{
	subscription_free(&set->list[index]);
	set->count--;
	memmove(set->list + index, set->list + index + 1, (set->count - index) * sizeof *set->list);
}

void
subscription_free(struct subscription *s)
{
	target_free(s->target);
	for (size_t i = 0; i < s->count; i++)
		free(s->channels[i]);
	free(s->channels);
	free(s->origins);
	*s = (struct subscription){0};
}

void
subscriptions_free(struct subscriptions *s)
{
	for (size_t i = 0; i < s->count; i++)
		subscription_free(&s->list[i]);
	free(s->list);
	*s = (struct subscriptions){0};
}
