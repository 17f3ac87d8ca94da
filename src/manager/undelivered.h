/*
 * What was received and is not known to be delivered (--exclusive): the notifications of each connection, in order.
 *
 * The process that waits keeps what it receives; the active one keeps what it has handed on until every sink is done
 * with it, so that it is not lost with the lock. What is kept is part of --buffer, and gives way: if there is no room,
 * the oldest is dropped, and its connection has a gap.
 *
 * Each notification has a number, in the order in which all of them came. A mark is a place between two, which others
 * know by a name: what stands before it on its connection is dropped when somebody has delivered it. A connection that
 * went hears no marks any more: those that another one hears at the same place stand for it.
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
/* It is connected, perhaps to another database than before: it is not known where. */
void undelivered_connected(struct undelivered *k);
/* It is known where: on which server, and in which database. */
void undelivered_at(struct undelivered *k, const char *place);
/* The connection goes. What is kept of it stays. */
void undelivered_remove_connection(struct undelivered *k);

/*
 * Copies a notification, with its `since`. `handed`: the sinks have it, too; only where nothing waits to be handed on.
 */
void undelivered_add(struct undelivered *k, const struct record *r, bool handed);

/* The number of the next that comes. */
uint64_t undelivered_next_number(const struct store *store);

/* What waits to be handed on: the oldest of all, borrowed until the next call. NULL: nothing does. */
const struct record *undelivered_hand_on(struct store *store);
bool undelivered_waits(const struct store *store);
uint64_t undelivered_waiting(const struct store *store);

/* The number up to which all was handed on, or dropped; and whether something was that is not known to be delivered. */
uint64_t undelivered_handed_to(const struct store *store);
bool undelivered_has_handed(const struct store *store);

/* The sinks are done with all that was handed on before this number. */
void undelivered_delivered(struct store *store, uint64_t number);

/* The sinks have nothing any more: what they had waits to be handed on again. Returns how many notifications. */
uint64_t undelivered_put_back(struct store *store);

/*
 * This process is the active one, until undelivered_put_back(): it hands on all that waits. Another process may have
 * delivered what has come already; if `twice`, also what comes on a connection before undelivered_own() is called for it.
 */
void undelivered_take_over(struct store *store, bool twice);
void undelivered_own(struct undelivered *k);
bool undelivered_is_own(const struct undelivered *k);

/* Drops the oldest of all; the active process drops only copies of what was handed on. False: there is nothing. */
bool undelivered_drop(struct store *store);

/* A moment before which the oldest was not sent; -1: nothing is kept. */
int64_t undelivered_oldest(const struct undelivered *k);

/* A mark stands here, `n` of `process`: at one place, a later one has a greater `n`. */
void undelivered_mark(struct undelivered *k, uint64_t process, uint64_t n);
/* What stands before that mark was delivered, also of connections that went. A mark that is not known changes nothing. */
void undelivered_delivered_to(struct undelivered *k, uint64_t process, uint64_t n);

/* What was sent between `since` and now is not all here, unless somebody has delivered it. */
void undelivered_gap(struct undelivered *k, int64_t since);
/* There is a gap already, and it begins no later than at `since`. */
void undelivered_gap_from(struct undelivered *k, int64_t since);
/* From when on something is missing; -1: nothing is. Of one connection; and of all, also of those that went. */
int64_t undelivered_missing(const struct undelivered *k);
int64_t undelivered_missing_of_all(const struct store *store);
/* It was told. */
void undelivered_forget_gaps(struct store *store);

#endif
