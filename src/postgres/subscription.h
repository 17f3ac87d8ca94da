/*
 * One connection that is wanted: its target, and the channels to listen on, each name once.
 *
 * For each channel it is known who asked for it. A configuration file that no longer has a channel
 * removes it only if nobody else has asked for it.
 */
#ifndef PGWAIT_SUBSCRIPTION_H
#define PGWAIT_SUBSCRIPTION_H

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
	char **channels;
	unsigned *origins; /* of each channel */
	size_t count;
	unsigned origin; /* of the connection itself */
};

struct subscriptions {
	struct subscription *list;
	size_t count;
};

bool subscription_has(const struct subscription *s, const char *channel);

/* True if the channel was not there. */
bool subscription_add(struct subscription *s, const char *channel, unsigned origin);

/* Takes these origins away. True if none is left, and the channel is gone. */
bool subscription_remove(struct subscription *s, const char *channel, unsigned origins);

/* Whether one of them has this label. */
bool subscriptions_have(const struct subscriptions *set, const char *label);

void subscriptions_remove(struct subscriptions *set, size_t index);

void subscription_free(struct subscription *s);
void subscriptions_free(struct subscriptions *s);

#endif
