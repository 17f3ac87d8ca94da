#include "config.h"

#include "postgres/subscription.h"

#include <stdlib.h>
#include <string.h>

#include "postgres/channel.h"

unsigned
subscription_origins(const struct subscription *s, const char *channel)
{
	const struct string_map_entry *e = string_map_find(&s->names, channel);

	return e ? (unsigned)e->number : 0;
}

bool
subscription_has(const struct subscription *s, const char *channel)
{
	return subscription_origins(s, channel) != 0;
}

unsigned
subscription_all_origins(const struct subscription *s)
{
	unsigned all = s->origin;

	for (size_t i = 0; i < s->count; i++)
		all |= subscription_origins(s, s->channels[i]);
	return all;
}

bool
subscription_add(struct subscription *s, const char *channel, unsigned origin)
{
	struct string_map_entry *e = string_map_add(&s->names, channel);
	bool is_new = e->number == 0;

	e->number |= origin;
	if (!is_new)
		return false;
	s->channels = xrealloc(s->channels, (s->count + 1) * sizeof *s->channels);
	s->channels[s->count++] = e->string;
	return true;
}

bool
subscription_remove(struct subscription *s, const char *channel, unsigned origins)
{
	struct string_map_entry *e = string_map_find(&s->names, channel);
	size_t i = 0;

	if (!e || (e->number &= ~(size_t)origins))
		return false;
	while (s->channels[i] != e->string)
		i++;
	string_map_remove(&s->names, e);
	s->count--;
	memmove(s->channels + i, s->channels + i + 1, (s->count - i) * sizeof *s->channels);
	return true;
}

char *
subscription_hint(const struct subscription *s)
{
	char *hint = NULL;

	for (size_t i = 0; i < s->count && !hint; i++) {
		char *other = channel_in_sql(s->channels[i]);

		/* Whoever listens on both knows the difference. */
		if (other && !subscription_has(s, other))
			hint = channel_hint(s->channels[i], other);
		free(other);
	}
	return hint;
}

void
subscription_free(struct subscription *s)
{
	target_free(s->target);
	free(s->channels);
	string_map_free(&s->names);
	*s = (struct subscription){0};
}

struct subscription *
subscriptions_add(struct subscriptions *to, struct target *t, unsigned origin)
{
	to->list = xrealloc(to->list, (to->count + 1) * sizeof *to->list);
	to->list[to->count] = (struct subscription){.target = t, .origin = origin};
	return &to->list[to->count++];
}

void
subscriptions_free(struct subscriptions *s)
{
	for (size_t i = 0; i < s->count; i++)
		subscription_free(&s->list[i]);
	free(s->list);
	*s = (struct subscriptions){0};
}
