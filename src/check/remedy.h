/*
 * Finds the advice for an error, for --check: what the user can do about it. An error of the server
 * is told by its SQLSTATE; libpq and pgwait have none, but words that do not depend on the locale
 * (LC_MESSAGES is never set).
 */
#ifndef PGWAIT_REMEDY_H
#define PGWAIT_REMEDY_H

/* Static. `code` is for programs, and stays what it is; `advice` is one line. */
struct remedy {
	const char *code, *advice;
};

/*
 * A connection could not be made, or was lost, for this `reason`. `sqlstate` is the server's, or "".
 */
const struct remedy *remedy_unreached(const char *sqlstate, const char *reason);

/* LISTEN was refused, or a channel cannot be. */
const struct remedy *remedy_refused(const char *sqlstate);

/* NOTIFY failed, or what was sent did not arrive. */
const struct remedy *remedy_undelivered(const char *sqlstate);

#endif
