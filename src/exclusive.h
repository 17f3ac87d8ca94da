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

/*
 * Starts to connect, and asks until exclusive_free(). `key` (UTF-8) is the lock's number, or is hashed
 * by the server. All that is given outlives it.
 */
struct exclusive *exclusive_start(
    struct event_base *base, struct target *target, const struct origin *origin, const char *key);
void exclusive_free(struct exclusive *x);

/*
 * What changed, borrowed until the next call: RECORD_ACTIVE; or RECORD_WAITING, with a reason where the
 * session was lost, and none where another process has the lock. NULL: nothing new.
 */
const struct record *exclusive_next(struct exclusive *x);

#endif
