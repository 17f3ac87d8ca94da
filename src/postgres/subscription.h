/*
 * One connection that is wanted: its target, and the channels to listen on, each name once.
 *
 * For each channel it is known who asked for it. A configuration file that no longer has a channel
 * removes it only if nobody else has asked for it.
 */
#ifndef PGWAIT_SUBSCRIPTION_H
#define PGWAIT_SUBSCRIPTION_H

#include "base/string_map.h"
#include "base/util.h"
#include "postgres/target.h"

/* Where a connection or a channel was asked for; a set of these. */
enum origin_bit {
	ORIGIN_COMMAND_LINE = 1,
	ORIGIN_FILE = 2,
	ORIGIN_CONTROL = 4,
	ORIGIN_ALL = 7,
};

/* Everything in it is owned. */
struct subscription {
	struct target *target;
	char **channels; /* in the order in which they were added; the strings of `names` */
	size_t count;
	struct string_map names; /* the number of each: its origins */
	unsigned origin;         /* of the connection itself */
};

struct subscriptions {
	struct subscription *list;
	size_t count;
};

bool subscription_has(const struct subscription *s, const char *channel);

/* Who asked for it; 0: nobody. */
unsigned subscription_origins(const struct subscription *s, const char *channel);

/* Of the connection, and of any of its channels. */
unsigned subscription_all_origins(const struct subscription *s);

/* True if the channel was not there. */
bool subscription_add(struct subscription *s, const char *channel, unsigned origin);

/* Takes these origins away. True if none is left, and the channel is gone. */
bool subscription_remove(struct subscription *s, const char *channel, unsigned origins);

/* Takes the target. Valid until the next one is added. */
struct subscription *subscriptions_add(struct subscriptions *to, struct target *t, unsigned origin);

/*
 * What to know about the first channel that SQL takes for another one when its name is written there as it is here. The
 * caller frees it. NULL: there is none.
 */
char *subscription_hint(const struct subscription *s);

void subscription_free(struct subscription *s);
void subscriptions_free(struct subscriptions *s);

#endif
