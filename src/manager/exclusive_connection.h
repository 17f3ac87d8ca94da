/*
 * What becomes of one connection of a process with --exclusive: the lock follows the first one, signs of life come over
 * each, and what each receives is kept. NULL stands for a process without --exclusive.
 */
#ifndef PGWAIT_EXCLUSIVE_CONNECTION_H
#define PGWAIT_EXCLUSIVE_CONNECTION_H

#include "record/record.h"

struct advisory_lock_place;
struct exclusive;
struct source;

/* A connection received a notification, perhaps before it listens; not without --exclusive. */
void exclusive_connection_receives(struct source *s);

/*
 * The manager calls these when there is a new connection, when it listens (`r` is its RECORD_LISTENING; at the first time and after a loss), when
 * it listens to more channels, when it was lost, and when it goes: it was removed, and has received what was sent before.
 */
void exclusive_connection_add(struct exclusive *st, struct source *s);
void exclusive_connection_listens(struct exclusive *st, struct source *s, const struct record *r);
void exclusive_connection_listens_to_more(struct exclusive *st, struct source *s);
void exclusive_connection_lost(struct exclusive *st, struct source *s, const char *reason);
void exclusive_connection_goes(struct exclusive *st, struct source *s);

/* The connection goes, or pgwait ends. If a request is not answered yet, its answer frees what is known of it. */
void exclusive_connection_remove(struct source *s);

/* The lock is where the last connection was, until what it has received is delivered, or another one is there. */
bool exclusive_connection_is_last(const struct exclusive *st);

/* An advisory_lock_where. */
bool exclusive_connection_where(struct advisory_lock_place *place, void *arg);

#endif
