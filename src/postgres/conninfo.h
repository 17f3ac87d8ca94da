/*
 * Connection parameters, and what libpq makes of them.
 */
#ifndef PGWAIT_CONNINFO_H
#define PGWAIT_CONNINFO_H

#include <libpq-fe.h>

#include "base/util.h"

/* Keywords and values, in one piece of memory. Zero is an empty list. */
struct conninfo {
	char *pairs; /* each keyword with its value behind it */
	size_t length, count;
};

void conninfo_add(struct conninfo *p, const char *keyword, const char *value);
void conninfo_free(struct conninfo *p);

/* The pair behind the one at *keyword, NULL for the first one. False: there is none. */
bool conninfo_next(const struct conninfo *p, const char **keyword, const char **value);

/* The value of a keyword; NULL: it is not there. */
const char *conninfo_get(const struct conninfo *p, const char *keyword);

/* Adds the keyword if it is not there, and `value` is not NULL. */
void conninfo_default(struct conninfo *p, const char *keyword, const char *value);

/*
 * All parameters of libpq with the values with which it would connect: with what the environment,
 * the service file and libpq's defaults add, except the default of "passfile". libpq opens nothing
 * but the service file, and writes nothing to stderr. NULL if libpq would refuse a value, now or
 * when it connects, or if a value seems to hold a password: *error, which the caller frees, is the
 * message. The caller frees the result with PQconninfoFree().
 */
MUST_CHECK PQconninfoOption *conninfo_complete(const struct conninfo *p, char **error);

/*
 * What libpq adds where a keyword has no value: what the environment says, and its own defaults. It is asked once. NULL
 * while PGSERVICE names a service, whose file may change.
 */
const PQconninfoOption *conninfo_defaults(void);

/* Whether it has no value, or that which libpq has where nobody says anything. */
bool conninfo_is_default(const PQconninfoOption *o);

/* The value of a keyword in such a list; NULL: it is not there, or empty. */
const char *conninfo_value(const PQconninfoOption *options, const char *keyword);

/* The first version of libpq that knows this keyword; 0: 15 or earlier knows it, or no version. */
int conninfo_since(const char *keyword, size_t length);

/* Reads a whole number as libpq does. False: it is none. */
MUST_CHECK bool conninfo_integer(const char *s, int *value);

/* The message that a password seems to stand at the place of `what`. The caller frees it. */
char *conninfo_misplaced(const char *what);

#endif
