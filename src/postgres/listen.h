/*
 * Executes LISTEN for every channel on an open connection, and makes sure that notifications really
 * arrive.
 *
 * One batch for all channels (fact F14) also asks for the backend's pid. If libpq was told another
 * pid, there is a pooler in between; then a second connection sends a notification, to see whether
 * it gets through (fact F5).
 */
#ifndef PGWAIT_LISTEN_H
#define PGWAIT_LISTEN_H

#include "base/util.h"

struct encoding;
struct event_base;
struct session;
struct listen;
struct subscription;

/* The strings belong to struct listen, until the callback returns. */
struct listen_failure {
	const char *reason;
	const char *sqlstate; /* NULL: none */
	const char *hint;     /* what to do about it; static, or NULL */
	bool refused;         /* by the server or a pooler; false: the connection went */
};

/* LISTEN took effect (NULL), or not. Runs inside listen_start(), session_finish(), or from the loop. */
typedef void listen_done(const struct listen_failure *failure, void *arg);

/* All of these outlive struct listen. `encoding` is the server's. */
struct listen *listen_start(struct event_base *base, struct session *session,
    const struct subscription *s, struct encoding *encoding, listen_done *done, void *arg);

/* True for a notification of the probe itself, which is not delivered. */
bool listen_takes(struct listen *l, const char *channel);

/* Where the name of the probe's channel stands once there is one: so nothing is asked for each notification. */
char *const *listen_private(const struct listen *l);

/* Whether a channel is the probe's. */
bool listen_hides(const struct listen *l, const char *channel);

/* Whether the answer to LISTEN is still to come. */
bool listen_waits(const struct listen *l);

/* Whether the session is read: what arrives, and when, is not known while it is not. */
void listen_pause(struct listen *l, bool paused);

/* To be called after the session was closed, which ends its requests. */
void listen_free(struct listen *l);

#endif
