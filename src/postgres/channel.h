/* Checks names of channels. */
#ifndef PGWAIT_CHANNEL_H
#define PGWAIT_CHANNEL_H

#include "base/util.h"

/* The longest name: NAMEDATALEN - 1 bytes, beyond which LISTEN truncates (fact F11). */
#define CHANNEL_MAX 63

/* False with *error, which the caller frees, if `name` is empty, too long, or not UTF-8. */
MUST_CHECK bool channel_check(const char *name, char **error);

#endif
