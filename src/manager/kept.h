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
#ifndef PGWAIT_KEPT_H
#define PGWAIT_KEPT_H

#include "base/util.h"
#include "record/record.h"

struct kept; /* of one connection */
struct sinks;
struct store; /* of all connections */

struct store *kept_open(struct sinks *sinks);
void kept_close(struct store *store);

struct kept *kept_add_connection(struct store *store);
/* It is connected, perhaps to another database than before. */
void kept_connected(struct kept *k);
/* The connection goes: what was not handed on yet is kept all the same if it is `wanted`. */
void kept_remove_connection(struct kept *k, bool wanted);

/*
 * Copies a notification, with its `since`. `handed`: the sinks have it, too; only where nothing waits to be handed on.
 */
void kept_add(struct kept *k, const struct record *r, bool handed);

/* The number of the next that comes. */
uint64_t kept_next_number(const struct store *store);

/* What waits to be handed on: the oldest of all, borrowed until the next call. NULL: nothing does. */
const struct record *kept_hand_on(struct store *store);
bool kept_waits(const struct store *store);

/* The number up to which all was handed on, or dropped; and whether something was that is not known to be delivered. */
uint64_t kept_handed_to(const struct store *store);
bool kept_has_handed(const struct store *store);

/* The sinks are done with all that was handed on before this number. */
void kept_delivered(struct store *store, uint64_t number);

/* The sinks have nothing any more: what they had waits to be handed on again. */
void kept_put_back(struct store *store);

/* This process is the active one: what came before may have been delivered by another one, what comes is its own. */
void kept_own(struct store *store);

/* Drops the oldest of all. False where nothing is kept. */
bool kept_drop(struct store *store);

/* A moment before which the oldest was not sent; -1: nothing is kept. */
int64_t kept_oldest(const struct kept *k);

/* A mark stands here, `n` of `process`. */
void kept_mark(struct kept *k, uint64_t process, uint64_t n);
/* What stands before that mark was delivered. A mark that is not known changes nothing. */
void kept_delivered_to(struct kept *k, uint64_t process, uint64_t n);

/* What was sent between `since` and now is not all here, unless somebody has delivered it. */
void kept_gap(struct kept *k, int64_t since);
/* From when on something is missing; -1: nothing is. Of one connection; and of all, also of those that went. */
int64_t kept_missing(const struct kept *k);
int64_t kept_missing_of_all(const struct store *store);
/* It was told. */
void kept_forget_gaps(struct store *store);

#endif
