/*
 * The lock of --exclusive: an advisory lock of a session, which one process at a time has.
 *
 * The session is one of its own. It is asked once a second while another process has the lock, and gets a
 * heartbeat while this one does: also when the reader is slow and connections that listen are not read.
 * The server ends the session of a host that vanished after some 10 s; the heartbeat gives up sooner.
 *
 * Each answer renews a lease, which is over before the server can have ended the session. So a process that was
 * stopped or suspended, or whose host was, has to hear from the server before it goes on.
 */
#ifndef PGWAIT_EXCLUSIVE_H
#define PGWAIT_EXCLUSIVE_H

#include <libpq-fe.h>

#include "record/record.h"

struct event_base;
struct exclusive;
struct target;

/* A server and a database: where the first connection is, and so the lock. All of it outlives the callback only. */
struct exclusive_place {
	struct target *target;
	const PGconn *beside;
	const char *name;            /* the answer to SQL_PLACE */
	const struct origin *origin; /* of the records: it outlives the next exclusive_renamed() */
};

/* Fills it in. False: the first connection does not listen now; exclusive_go() says when it does. */
typedef bool exclusive_where(struct exclusive_place *place, void *arg);

/* `key` (UTF-8) is the lock's number, or is hashed by the server. It outlives what is made here. */
struct exclusive *exclusive_new(
    struct event_base *base, const char *key, exclusive_where *where, void *arg);
void exclusive_free(struct exclusive *x);

/* Where it has no session, it connects now. */
void exclusive_go(struct exclusive *x);

/* The name of the place where its session is, or will be; NULL: it has none. */
const char *exclusive_place(const struct exclusive *x);

/* Gives up its session, for this reason: a RECORD_WAITING says so. It asks again after exclusive_go(). */
void exclusive_rest(struct exclusive *x, const struct origin *origin, const char *reason);

/* The first connection is lost. A session that is there stays; an attempt to connect ends. */
void exclusive_unreachable(struct exclusive *x);

/* There is no connection any more, and nobody to be told. */
void exclusive_forget(struct exclusive *x);

/* Another connection is the first one now, with the lock at the same place. */
void exclusive_renamed(struct exclusive *x, const struct origin *origin);

/* Whether the lock is its own at this moment, for all that can be known without asking. */
bool exclusive_holds(const struct exclusive *x);

/*
 * What changed, borrowed until the next call: RECORD_ACTIVE; or RECORD_WAITING, with a reason where the
 * session was lost, and none where another process has the lock. NULL: nothing new.
 */
const struct record *exclusive_next(struct exclusive *x);

#endif
