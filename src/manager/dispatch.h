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
 * Whether the sinks have room for what comes. A process without the lock of --exclusive needs no room, since its sinks get
 * nothing: so it goes on reading, and notices if a connection is lost, even while the sinks are full.
 */
bool dispatch_room(struct manager *m);

/* This process became active: gives what it kept to the sinks; with `need_room`, only while they have room. */
void dispatch_hand_on(struct manager *m, bool need_room);

/* Everything that a source has now; with `need_room`, while there is room for it. */
void dispatch_pull(struct manager *m, struct source *s, bool need_room);

/* The rows of its catch-up, while there is room for them, and how that ended. */
void dispatch_pull_rows(struct manager *m, struct source *s);

/* What changed about the lock of --exclusive. */
void dispatch_exclusive(struct manager *m);

/* So many notifications are not known to be delivered at the end, since the lock is lost: it is an error if there are any. */
void dispatch_undelivered(struct manager *m, uint64_t left);

/*
 * The callbacks of sources_part(). dispatch_parts(): a source is out of the set, and stays until it has received what was
 * sent before; `good`: it listens. dispatch_goes(): pulls what a source has, and stops its catch-ups, before it is freed.
 */
void dispatch_parts(struct source *s, bool good);
void dispatch_goes(struct source *s);

#endif
