/*
 * Decides for --exclusive whether this process is active, or waits while another process with the
 * same KEY is active.
 *
 * The lock (advisory_lock.c) is in the same database of the same server as the first connection,
 * and moves with it. While another process is active, this one keeps the notifications that it
 * receives (undelivered.c) until it knows that the other one has delivered them
 * (life_sign_sender.c). While this process is active, it keeps what it hands on until the sinks
 * have delivered it. A drain does not wait, and keeps nothing.
 */
#ifndef PGWAIT_EXCLUSIVE_H
#define PGWAIT_EXCLUSIVE_H

#include "record/record.h"

struct event_base;
struct sinks;
struct source;
struct sources;
struct exclusive;

/* All of it must outlive the object that exclusive_new() makes. Until that is freed, the sinks ask it whether they may deliver. */
struct exclusive_settings {
	struct event_base *base;
	const char *key;
	struct sources *sources;
	struct sinks *sinks;
	bool keeps; /* notifications that are not known to be delivered; false in a drain */
};

/* All of these accept NULL, for a process without --exclusive, and do nothing then. */

struct exclusive *exclusive_new(const struct exclusive_settings *settings);
void exclusive_free(struct exclusive *st);

/*
 * A connection received a notification (not a row of a catch-up). True: the caller must not deliver it: this process
 * keeps it, or it is a sign of life. Without `room` this process is not to deliver it, and keeps it for others.
 */
bool exclusive_keeps(struct exclusive *st, struct source *s, const struct record *r, bool room);

/*
 * Returns what changed, like advisory_lock_next(). The caller acts on it at once. *put_back: how many notifications the
 * sinks were given that exclusive_hand_on() will return again.
 */
const struct record *exclusive_next(struct exclusive *st, uint64_t *put_back);

/*
 * There is no connection any more, and everything that was received is delivered: the lock is given up. True: it was, now.
 */
bool exclusive_rests(struct exclusive *st, uint64_t *put_back);

/*
 * In the active process: returns the next notification that it kept while it waited, in the order of arrival, borrowed
 * until the next call. NULL: it has delivered all of them.
 */
const struct record *exclusive_hand_on(struct exclusive *st);
/* Whether exclusive_hand_on() has something to return; and whether the sinks have room for it. */
bool exclusive_waits(const struct exclusive *st);
bool exclusive_hands_on(const struct exclusive *st);

/* The manager calls this in each pass, when it has given to the sinks what they had room for, and before their pass. */
void exclusive_fence(struct exclusive *st);

/*
 * pgwait ends: a process that is not active does not become active any more. Returns how many notifications are not known
 * to be delivered, and no other process is known to deliver. Those behind the last fence that passed are among them, also
 * if a sink was done with them.
 */
uint64_t exclusive_end(struct exclusive *st);

/* Whether this is the channel of the signs of life, which pgwait shows to nobody. */
bool exclusive_hides(const struct source *s, const char *channel);

#endif
