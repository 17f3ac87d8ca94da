/*
 * What the manager does with each record. It counts it and gives it to the sinks. Then it acts on
 * it: starts idle events, puts a connection into the garbage, goes on with a drain, or ends pgwait.
 */
#ifndef PGWAIT_DISPATCH_H
#define PGWAIT_DISPATCH_H

#include "manager/exit_status.h"

struct manager;
struct source;

/* As manager_set_interval(). */
void dispatch_set_interval(struct manager *m, int64_t us);

bool dispatch_is_drain(const struct manager *m);
bool dispatch_count_reached(const struct manager *m);

/*
 * Begins the end, for this cause, if it has not begun: pgwait reads nothing more, pulls what it has
 * read, and delivers it.
 */
void dispatch_end(struct manager *m, enum cause cause);

/*
 * To be called at the start if there is no connection to wait for: then every first attempt has
 * ended.
 */
void dispatch_started(struct manager *m);

/*
 * Whether what comes has room. Without the lock of --exclusive it needs none: it is left to the process that has it.
 * So it is noticed what became of a connection where the lock may be, also while what the sinks hold waits for it.
 */
bool dispatch_room(struct manager *m);

/* What was kept for a process that is active now; with `need_room`, while there is room for it. */
void dispatch_hand_on(struct manager *m, bool need_room);

/* Everything that a source has now; with `need_room`, while there is room for it. */
void dispatch_pull(struct manager *m, struct source *s, bool need_room);

/* The rows of its catch-up, while there is room for them, and how that ended. */
void dispatch_pull_rows(struct manager *m, struct source *s);

/* What changed about the lock of --exclusive. */
void dispatch_exclusive(struct manager *m);

/*
 * For sources_part(). A connection is out of the set, and goes once what was sent before has come; `good`: it
 * listens. And one goes: what it has is pulled, and its catch-ups stop.
 */
void dispatch_parts(struct source *s, bool good);
void dispatch_goes(struct source *s);

/* How far each connection got whose first attempt did not end in time; and in a drain, each that is not drained. */
void dispatch_tell_unsettled(struct manager *m);

#endif
