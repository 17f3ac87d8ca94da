/*
 * Keeps the notifications that were received and are not known to be delivered (--exclusive), of each connection in
 * order.
 *
 * A process that waits keeps what it receives. The active process keeps what it has handed on ("handed") until every
 * sink is done with it, so that nothing is lost if it loses the lock. What is kept counts towards --buffer. If there is
 * no room, the oldest notification is dropped, and its connection has a gap.
 *
 * Each notification has a number, in the order in which all of them came. A mark is a place between two notifications
 * of a connection: a sign of life came there. When the active process says that it has delivered everything up to that
 * sign, what stands before the mark is dropped.
 */
#ifndef PGWAIT_UNDELIVERED_H
#define PGWAIT_UNDELIVERED_H

#include "base/util.h"
#include "record/record.h"

struct undelivered; /* of one connection */
struct sinks;
struct store; /* of all connections */

struct store *undelivered_open(struct sinks *sinks);
void undelivered_close(struct store *store);

struct undelivered *undelivered_add_connection(struct store *store);
/* The connection was opened again, perhaps to another database than before. */
void undelivered_connected(struct undelivered *k);
/* The connection was removed. `wanted`: what was not handed on yet stays. Otherwise all of it is dropped. */
void undelivered_remove_connection(struct undelivered *k, bool wanted);

/*
 * Copies a notification, with its `since`. `handed`: the sinks get it at once; only if no other notification waits to
 * be handed on.
 */
void undelivered_add(struct undelivered *k, const struct record *r, bool handed);

/* The number that the next notification will get. */
uint64_t undelivered_next_number(const struct store *store);

/* Hands on the oldest notification that waits, of all connections; borrowed until the next call. NULL: none waits. */
const struct record *undelivered_hand_on(struct store *store);
/* Whether a notification waits to be handed on. */
bool undelivered_waits(const struct store *store);

/* Everything with a lower number was handed on, or dropped. */
uint64_t undelivered_handed_to(const struct store *store);
/* Whether something was handed on that is not known to be delivered. */
bool undelivered_has_handed(const struct store *store);

/* The sinks are done with everything that was handed on and has a lower number: drops it. */
void undelivered_delivered(struct store *store, uint64_t number);

/* The sinks have lost what they had: it waits to be handed on again. */
void undelivered_put_back(struct store *store);

/*
 * This process became active: another process may have delivered what came until now (`takeover` of the records), but
 * not what comes from now on.
 */
void undelivered_own(struct store *store);

/* Drops the oldest notification of all connections. False: nothing is kept. */
bool undelivered_drop(struct store *store);

/* The oldest notification was not sent before this time; -1: nothing is kept. */
int64_t undelivered_oldest(const struct undelivered *k);

/* Sets a mark behind what the connection has: the sign of life `n` of `process`. */
void undelivered_mark(struct undelivered *k, uint64_t process, uint64_t n);
/* `process` has delivered what stands before that mark: drops it. Does nothing if there is no such mark. */
void undelivered_delivered_to(struct undelivered *k, uint64_t process, uint64_t n);

/* We may not have received all that was sent between `since` and now: a gap, until somebody has delivered it. */
void undelivered_gap(struct undelivered *k, int64_t since);
/* From when on notifications of this connection may be missing; -1: none is. */
int64_t undelivered_missing(const struct undelivered *k);
/* The same of all connections, also of those that were removed. */
int64_t undelivered_missing_of_all(const struct store *store);
/* The gaps were reported: forgets them. */
void undelivered_forget_gaps(struct store *store);

#endif
