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

/* NULL: it is not there. */
const char *conninfo_get(const struct conninfo *p, const char *keyword);

/* Adds it where it is not there, and `value` is not NULL. */
void conninfo_default(struct conninfo *p, const char *keyword, const char *value);

/*
 * All parameters of libpq with their values as it would connect with them: what the environment,
 * the service file and its defaults add, but for the default of "passfile". Nothing is opened but
 * the service file, and libpq writes nothing to stderr. NULL where libpq would refuse a value, now
 * or when it connects, or where one seems to hold a password: *error, which the caller frees, is the
 * message. Freed with PQconninfoFree().
 */
MUST_CHECK PQconninfoOption *conninfo_complete(const struct conninfo *p, char **error);

/* Whether it has no value, or that which libpq has where nobody says anything. */
bool conninfo_is_default(const PQconninfoOption *o);

/* The value in such a list, NULL where it is not there or empty. */
const char *conninfo_value(const PQconninfoOption *options, const char *keyword);

/* The version of libpq that brought a keyword of its connection strings; 0: 15 or earlier, or none. */
int conninfo_since(const char *keyword, size_t length);

/* A whole number as libpq reads it. */
MUST_CHECK bool conninfo_integer(const char *s, int *value);

/* That a password seems to stand at the place of `what`. Freed by the caller. */
char *conninfo_misplaced(const char *what);

#endif
