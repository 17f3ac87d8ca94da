/*
 * From an open connection to LISTEN in effect on every channel, with notifications that really come.
 *
 * One batch for all channels (fact F14) asks for the backend's pid, too. Where that is not the one
 * that libpq was told, a pooler is in between, and it is proven over a second connection that
 * notifications get through (fact F5).
 */
#ifndef PGWAIT_LISTENER_H
#define PGWAIT_LISTENER_H

#include "base/util.h"

struct encoding;
struct event_base;
struct link;
struct listener;
struct subscription;

/* Strings are the listener's, until the callback returns. */
struct listener_failure {
	const char *reason;
	const char *sqlstate; /* NULL: none */
	const char *hint;     /* what to do about it; static, or NULL */
	bool refused;         /* by the server or a pooler; false: the connection went */
};

/* LISTEN took effect (NULL), or not. Runs inside listener_start(), link_finish(), or from the loop. */
typedef void listener_done(const struct listener_failure *failure, void *arg);

/* All of these outlive the listener. `encoding` is the server's. */
struct listener *listener_start(struct event_base *base, struct link *link,
    const struct subscription *s, struct encoding *encoding, listener_done *done, void *arg);

/* True for a notification that is the proof's own, which nobody else gets to see. */
bool listener_takes(struct listener *l, const char *channel);

/* Where the name of the proof's channel stands once there is one: so nothing is asked for each notification. */
char *const *listener_private(const struct listener *l);

/* Whether a channel is the proof's. */
bool listener_hides(const struct listener *l, const char *channel);

/* Whether the answer to LISTEN is still to come. */
bool listener_waits(const struct listener *l);

/* Whether the link is read: what arrives, and when, is not known while it is not. */
void listener_pause(struct listener *l, bool paused);

/* To be called after the link was closed, which ends its requests. */
void listener_free(struct listener *l);

#endif
