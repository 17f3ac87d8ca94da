/*
 * Says how much of a connection string may be shown. A password may be in it, at its proper place
 * or elsewhere.
 *
 * libpq quotes bad connection strings whole, and takes a password for a host, a port or a database
 * where a delimiter is missing or wrong (fact F21).
 */
#ifndef PGWAIT_REDACT_H
#define PGWAIT_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the scheme that makes a connection string a URI for libpq, with "://"; else 0. */
size_t redact_scheme_length(const char *s);

/*
 * How many bytes of a connection string can be shown: its scheme, or its first keyword and "="
 * where libpq knows that keyword. For printf's precision.
 */
int redact_public_length(const char *conninfo);

/*
 * The keyword for which libpq refuses a connection string, and its length. NULL where it refuses
 * something else, or where the keyword could be a part of a password: only one of letters and "_",
 * which has a value, and no password before it, can be shown.
 */
const char *redact_unknown_keyword(const char *conninfo, size_t *length);

/* True if a password seems to stand in it: "password=", or a colon and later an at sign. */
bool redact_finds_password(const char *s);

/*
 * True for a word that is no connection string, but looks like one or like a part of one, so that
 * it is no channel or database by mistake. The manual page has the rule (Operands).
 */
bool redact_suspected(const char *word);

/*
 * How many bytes of such a word can be shown: all if it has no place for a password, else its scheme.
 */
int redact_suspected_length(const char *word);

/* True if the value of a connection parameter that is no password seems to hold one. */
bool redact_finds_misplaced(const char *keyword, const char *value);

/* Overwrites in place what may be a password, so that ps does not show it. */
void redact_overwrite(char *conninfo);

#endif
