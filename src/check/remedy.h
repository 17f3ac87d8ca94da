/*
 * Finds the advice for an error, for --check: what the user can do about it. It knows an error of
 * the server by its SQLSTATE, and an error of libpq or pgwait, which has none, by words of its text,
 * which does not depend on the locale (pgwait never sets LC_MESSAGES).
 */
#ifndef PGWAIT_REMEDY_H
#define PGWAIT_REMEDY_H

/* Static. `code` is for programs, and never changes its meaning; `advice` is one line. */
struct remedy {
	const char *code, *advice;
};

/* pgwait could not connect, or lost the connection, for this `reason`. `sqlstate` is the server's, or "". */
const struct remedy *remedy_unreached(const char *sqlstate, const char *reason);

/* The server refused LISTEN, or its encoding has no such channel name. */
const struct remedy *remedy_refused(const char *sqlstate);

/* NOTIFY failed, or the notification did not arrive. */
const struct remedy *remedy_undelivered(const char *sqlstate);

#endif
