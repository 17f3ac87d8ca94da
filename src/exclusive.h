/*
 * The lock of --exclusive: an advisory lock of a session, which one process at a time has.
 *
 * The session is one of its own. It is asked once a second while another process has the lock, and gets a
 * heartbeat while this one does: also when the reader is slow and connections that listen are not read.
 * The server ends the session of a host that vanished after some 10 s; the heartbeat gives up sooner.
 */
#ifndef PGWAIT_EXCLUSIVE_H
#define PGWAIT_EXCLUSIVE_H

#include "record.h"

struct event_base;
struct exclusive;
struct target;

/* `key` (UTF-8) is the lock's number, or is hashed by the server. It outlives what is made here. */
struct exclusive *exclusive_new(struct event_base *base, const char *key);
void exclusive_free(struct exclusive *x);

/*
 * Connects to this target, and asks from now on. Both outlive it, up to the next of these calls. From
 * another one it is called at rest.
 */
void exclusive_move(struct exclusive *x, struct target *target, const struct origin *origin);

/* Asks no more, for this reason: a RECORD_WAITING says so, and the lock is let go. */
void exclusive_rest(struct exclusive *x, const struct origin *origin, const char *reason);

/* Whether it asks, or has the lock. */
bool exclusive_asks(const struct exclusive *x);

/*
 * What changed, borrowed until the next call: RECORD_ACTIVE; or RECORD_WAITING, with a reason where the
 * session was lost, and none where another process has the lock. NULL: nothing new.
 */
const struct record *exclusive_next(struct exclusive *x);

#endif
