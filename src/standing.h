/*
 * Which of all with one KEY this process is (--exclusive): the active one, or one that waits.
 *
 * The lock (exclusive.c) is at the server and in the database that the first connection is connected to, and goes
 * where that one goes.
 */
#ifndef PGWAIT_STANDING_H
#define PGWAIT_STANDING_H

#include "record.h"

struct event_base;
struct source;
struct sources;
struct standing;

/* `key` and `sources` outlive it. */
struct standing *standing_new(struct event_base *base, const char *key, struct sources *sources);
void standing_free(struct standing *st);

/* A connection listens, again too; was lost, for this reason; is out of the set. For all of them `st` may be NULL. */
void standing_listens(struct standing *st, struct source *s);
void standing_lost(struct standing *st, struct source *s, const char *reason);
void standing_parts(struct standing *st, struct source *s);

/* What changed: as exclusive_next(). The caller acts on it at once. */
const struct record *standing_next(struct standing *st);

/*
 * Whether it may deliver what it was active for, and start commands for it: to be asked right before. It is also true
 * while it waits, when there is nothing of that kind. For struct sinks.
 */
bool standing_may_deliver(void *st);

#endif
