/*
 * What was received and is not known to be delivered (--exclusive): the notifications of each connection, in order.
 *
 * The process that waits keeps what it receives; the active one keeps what it has handed on until every sink is done
 * with it, so that it is not lost with the lock. What is kept is part of --buffer, and gives way: if there is no room,
 * the oldest is dropped, and its connection has a gap.
 *
 * Each notification has a number, in the order in which all of them came. A mark is a place between two, which others
 * know by a name: what stands before it on its connection is dropped when somebody has delivered it.
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
/* It is connected, perhaps to another database than before. */
void undelivered_connected(struct undelivered *k);
/* The connection goes: what was not handed on yet is kept all the same if it is `wanted`. */
void undelivered_remove_connection(struct undelivered *k, bool wanted);

/*
 * Copies a notification, with its `since`. `handed`: the sinks have it, too; only where nothing waits to be handed on.
 */
void undelivered_add(struct undelivered *k, const struct record *r, bool handed);

/* The number of the next that comes. */
uint64_t undelivered_next_number(const struct store *store);

/* What waits to be handed on: the oldest of all, borrowed until the next call. NULL: nothing does. */
const struct record *undelivered_hand_on(struct store *store);
bool undelivered_waits(const struct store *store);

/* The number up to which all was handed on, or dropped; and whether something was that is not known to be delivered. */
uint64_t undelivered_handed_to(const struct store *store);
bool undelivered_has_handed(const struct store *store);

/* The sinks are done with all that was handed on before this number. */
void undelivered_delivered(struct store *store, uint64_t number);

/* The sinks have nothing any more: what they had waits to be handed on again. */
void undelivered_put_back(struct store *store);

/* This process is the active one: what came before may have been delivered by another one, what comes is its own. */
void undelivered_own(struct store *store);

/* Drops the oldest of all. False where nothing is kept. */
bool undelivered_drop(struct store *store);

/* A moment before which the oldest was not sent; -1: nothing is kept. */
int64_t undelivered_oldest(const struct undelivered *k);

/* A mark stands here, `n` of `process`. */
void undelivered_mark(struct undelivered *k, uint64_t process, uint64_t n);
/* What stands before that mark was delivered. A mark that is not known changes nothing. */
void undelivered_delivered_to(struct undelivered *k, uint64_t process, uint64_t n);

/* What was sent between `since` and now is not all here, unless somebody has delivered it. */
void undelivered_gap(struct undelivered *k, int64_t since);
/* From when on something is missing; -1: nothing is. Of one connection; and of all, also of those that went. */
int64_t undelivered_missing(const struct undelivered *k);
int64_t undelivered_missing_of_all(const struct store *store);
/* It was told. */
void undelivered_forget_gaps(struct store *store);

#endif
