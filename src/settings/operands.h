/*
 * The operands: groups of connection strings and channels (man page, SYNOPSIS).
 */
#ifndef PGWAIT_OPERANDS_H
#define PGWAIT_OPERANDS_H

#include "base/util.h"
#include "postgres/channel.h"
#include "postgres/subscription.h"
#include "postgres/target.h"

/* As the command line has them; the strings are the caller's. */
struct operands {
	struct target_defaults defaults;
	const char **dbnames; /* every -d */
	size_t dbname_count;
	const char **listens; /* every -l */
	size_t listen_count;
	const char **words; /* the operands */
	size_t word_count;
	bool
	    optional; /* no connection and no channel are needed: commands or a file will name some later */
	bool fallback; /* if there is no connection, use the default one */
};

/*
 * One subscription for each connection that the operands come to, in their order. False with
 * *error, which the caller frees, where they are invalid; `to` is empty then.
 */
MUST_CHECK bool operands_parse(
    const struct operands *operands, struct subscriptions *to, char **error);

#endif
