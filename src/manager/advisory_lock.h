/*
 * The lock of --exclusive: a session-level advisory lock, which one process at a time has.
 *
 * The lock has a session of its own. While another process has the lock, pgwait asks for it once a
 * second; while this process has it, the session gets a heartbeat, even if a slow reader keeps
 * pgwait from reading the connections that listen. The server ends the session of a host that
 * vanished after some 10 s; the heartbeat gives up sooner.
 *
 * Of several processes that wait, lock_rank.h says which one gets the lock. A process that comes before others may hang:
 * after 9 s they do not leave the lock to it any more.
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

/* The server and database of the first connection, where the lock has to be. Valid until the callback returns. */
struct advisory_lock_place {
	struct target *target;
	const PGconn *beside; /* the first connection: connect to the same address */
	const char *name;     /* the answer to SQL_PLACE */
	const char *label;    /* of that connection, for the records */
};

/*
 * The owner's callback, which fills in `place`. False: the first connection does not listen now; the owner calls
 * advisory_lock_connect() when it does.
 */
typedef bool advisory_lock_where(struct advisory_lock_place *place, void *arg);

/*
 * `key` (UTF-8) is the lock's number, or is hashed by the server. It outlives what is made here. `is_complete` says
 * whether this process has all that is not delivered.
 */
struct advisory_lock *advisory_lock_new(struct event_base *base, const char *key,
    advisory_lock_where *where, bool (*is_complete)(void *arg), void *arg);
void advisory_lock_free(struct advisory_lock *x);

/* Opens the lock's session at once, unless there is one or one is being opened. */
void advisory_lock_connect(struct advisory_lock *x);

/* The name of the place where the session is, or will be; NULL: there is none. */
const char *advisory_lock_place(const struct advisory_lock *x);

/* Closes the session for this reason, and makes a RECORD_WAITING with it. advisory_lock_connect() opens it again. */
void advisory_lock_give_up(struct advisory_lock *x, const char *label, const char *reason);

/* The first connection is lost. The lock's session stays open; an attempt to open it ends. */
void advisory_lock_unreachable(struct advisory_lock *x);

/* Closes the session without a record: there is no connection any more, or pgwait ends. */
void advisory_lock_close(struct advisory_lock *x);

/* Another connection is the first one now, and the lock stays at the same place. */
void advisory_lock_renamed(struct advisory_lock *x, const char *label);

/* Whether this process has the lock at this moment, as far as it can know without asking the server. */
bool advisory_lock_holds(const struct advisory_lock *x);

/*
 * Returns what changed, borrowed until the next call: RECORD_ACTIVE; or RECORD_WAITING, with a reason if the
 * session was lost, and without one if another process has the lock. NULL: nothing changed.
 */
const struct record *advisory_lock_next(struct advisory_lock *x);

#endif
