/* Checks names of channels. */
#ifndef PGWAIT_CHANNEL_H
#define PGWAIT_CHANNEL_H

#include "base/util.h"

/* The longest name: NAMEDATALEN - 1 bytes, beyond which LISTEN truncates (fact F11). */
#define CHANNEL_MAX 63

/* False with *error, which the caller frees, if `name` is empty, too long, or not UTF-8. */
MUST_CHECK bool channel_check(const char *name, char **error);

/*
 * The channel that SQL takes such a name for: "jobs" for "Jobs", which NOTIFY folds, and for a name that has quotes of its
 * own around it. NULL if it is the same, if SQL refuses the name without quotes, or if the name may not be shown. The
 * caller frees it.
 */
char *channel_in_sql(const char *name);

/* What to know about a channel that SQL takes for the `other` one. The caller frees it. */
char *channel_hint(const char *name, const char *other);

#endif
