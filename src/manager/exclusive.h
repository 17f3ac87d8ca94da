/*
 * Decides for --exclusive whether this process is the active one of all with the same KEY, or
 * waits.
 *
 * The lock (advisory_lock.c) is at the server and in the database that the first connection is
 * connected to, and goes where that one goes. What comes while another process is active is kept
 * (undelivered.c) until that one is known to have delivered it (life_sign_sender.c); so is what
 * this one hands on while it is active, until it is delivered. In a drain, which does not wait,
 * nothing is kept.
 */
#ifndef PGWAIT_EXCLUSIVE_H
#define PGWAIT_EXCLUSIVE_H

#include "record/record.h"

struct event_base;
struct sinks;
struct source;
struct sources;
struct exclusive;

/* All of it outlives what is made of it. The sinks ask it whether they may deliver, until it is freed. */
struct exclusive_settings {
	struct event_base *base;
	const char *key;
	struct sources *sources;
	struct sinks *sinks;
	bool keeps;
};

/* In all of these NULL stands for a process without --exclusive, for which there is nothing to do. */

struct exclusive *exclusive_new(const struct exclusive_settings *settings);
void exclusive_free(struct exclusive *st);

/* A connection listens, again too, as this record says; was lost, for this reason; is out of the set. */
void exclusive_listens(struct exclusive *st, struct source *s, const struct record *r);
void exclusive_lost(struct exclusive *st, struct source *s, const char *reason);
void exclusive_parts(struct exclusive *st, struct source *s);

/* A notification came, which is no row. True: it is none to be delivered now, or at all. */
bool exclusive_keeps(struct exclusive *st, struct source *s, const struct record *r);

/* What changed: as advisory_lock_next(). The caller acts on it at once. */
const struct record *exclusive_next(struct exclusive *st);

/* The active one: what was kept before it was, in order; borrowed until the next call. NULL: there is nothing more. */
const struct record *exclusive_hand_on(struct exclusive *st);
bool exclusive_waits(const struct exclusive *st);

/* All that could be was given to the sinks; before their pass. */
void exclusive_fence(struct exclusive *st);

/* pgwait ends: whoever is not active does not become it any more. */
void exclusive_end(struct exclusive *st);

/* Whether nobody else gets to see that a connection listens on this channel. */
bool exclusive_hides(const struct source *s, const char *channel);

#endif
