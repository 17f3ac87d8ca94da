/*
 * The lock of --exclusive: an advisory lock of a session, which one process at a time has.
 *
 * The lock has a session of its own. While another process has the lock, pgwait asks for it once a
 * second; while this process has it, the session gets a heartbeat, even if a slow reader keeps
 * pgwait from reading the connections that listen. The server ends the session of a host that
 * vanished after some 10 s; the heartbeat gives up sooner.
 *
 * Each answer renews a lease, which is over before the server can have ended the session. So a
 * process that was stopped or suspended, or whose host was, has to hear from the server before it
 * goes on.
 */
#ifndef PGWAIT_ADVISORY_LOCK_H
#define PGWAIT_ADVISORY_LOCK_H

#include <libpq-fe.h>

#include "record/record.h"

struct event_base;
struct advisory_lock;
struct target;

/* A server and a database: where the first connection is, and so the lock. All of it outlives the callback only. */
struct advisory_lock_place {
	struct target *target;
	const PGconn *beside;
	const char *name; /* the answer to SQL_PLACE */
	const struct origin
	    *origin; /* of the records: it outlives the next advisory_lock_renamed() */
};

/* Fills it in. False: the first connection does not listen now; advisory_lock_go() says when it does. */
typedef bool advisory_lock_where(struct advisory_lock_place *place, void *arg);

/* `key` (UTF-8) is the lock's number, or is hashed by the server. It outlives what is made here. */
struct advisory_lock *advisory_lock_new(
    struct event_base *base, const char *key, advisory_lock_where *where, void *arg);
void advisory_lock_free(struct advisory_lock *x);

/* Where it has no session, it connects now. */
void advisory_lock_go(struct advisory_lock *x);

/* The name of the place where its session is, or will be; NULL: it has none. */
const char *advisory_lock_place(const struct advisory_lock *x);

/* Gives up its session, for this reason: a RECORD_WAITING says so. It asks again after advisory_lock_go(). */
void advisory_lock_rest(struct advisory_lock *x, const struct origin *origin, const char *reason);

/* The first connection is lost. A session that is there stays; an attempt to connect ends. */
void advisory_lock_unreachable(struct advisory_lock *x);

/* There is no connection any more, and nobody to be told. */
void advisory_lock_forget(struct advisory_lock *x);

/* Another connection is the first one now, with the lock at the same place. */
void advisory_lock_renamed(struct advisory_lock *x, const struct origin *origin);

/* Whether the lock is its own at this moment, for all that can be known without asking. */
bool advisory_lock_holds(const struct advisory_lock *x);

/*
 * What changed, borrowed until the next call: RECORD_ACTIVE; or RECORD_WAITING, with a reason where the
 * session was lost, and none where another process has the lock. NULL: nothing new.
 */
const struct record *advisory_lock_next(struct advisory_lock *x);

#endif
