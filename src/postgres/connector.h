/*
 * Opens a connection to a target, as a PGconn, without blocking the loop.
 *
 * Tries each host's addresses in turn, as libpq does, but resolves names in a thread (fact F19),
 * gives each attempt a deadline of its own (fact F10), and asks for a password where the server
 * wants one.
 */
#ifndef PGWAIT_CONNECTOR_H
#define PGWAIT_CONNECTOR_H

#include <libpq-fe.h>

#include "base/util.h"

struct connector;
struct event_base;
struct target;

/* The time that an attempt has where connect_timeout is not set. */
#define CONNECTOR_TIMEOUT (10 * SECOND)

/* Strings are the connector's, until the callback returns. */
struct connector_failure {
	const char *reason;   /* one line */
	const char *sqlstate; /* NULL: none */
	bool permanent;       /* no retry can mend it */
};

/*
 * Exactly one of `conn` (then the callback's; in non-blocking mode) and `failure` is there. The
 * connector is gone after it.
 */
typedef void connector_done(PGconn *conn, const struct connector_failure *failure, void *arg);

/*
 * pgwait asks for a password, or has stopped doing so. Meanwhile the owner may stop its own time
 * limits.
 */
typedef void connector_prompting(bool prompting, void *arg);

struct connector_policy {
	bool never_prompt, force_prompt;
	connector_prompting *prompting; /* with the `arg` of `done`; or NULL */
	const PGconn *beside; /* only the host and address that this one reached; NULL: any */
};

/*
 * `target` outlives the connector, and gets a typed password. `done` is called from the loop, never
 * from here.
 */
struct connector *connector_start(struct event_base *base, struct target *target,
    const struct connector_policy *policy, connector_done *done, void *arg);
void connector_cancel(struct connector *c);

#endif
