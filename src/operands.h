/*
 * The operands: groups of connection strings and channels (man page, SYNOPSIS).
 */
#ifndef PGWAIT_OPERANDS_H
#define PGWAIT_OPERANDS_H

#include "channel.h"
#include "target.h"
#include "util.h"

/* One connection and its channels, each name once; everything in it is owned. */
struct subscription {
	struct target *target;
	char **channels;
	size_t count;
};

struct subscriptions {
	struct subscription *list;
	size_t count;
};

/* As the command line has them; the strings are the caller's. */
struct operands {
	struct target_defaults defaults;
	const char **dbnames; /* every -d */
	size_t dbname_count;
	const char **listens; /* every -l */
	size_t listen_count;
	const char **words; /* the operands */
	size_t word_count;
};

/*
 * One subscription for each connection that the operands come to, in their order. False with
 * *error, which the caller frees, where they are invalid; `to` is empty then.
 */
MUST_CHECK bool operands_parse(
    const struct operands *operands, struct subscriptions *to, char **error);

bool subscription_has(const struct subscription *s, const char *channel);

/* A channel that is there already counts once. */
void subscription_add(struct subscription *s, const char *channel);
void subscriptions_free(struct subscriptions *s);

#endif
