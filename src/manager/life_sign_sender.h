/*
 * Sends the signs of life of this process (life_sign.h). While the process is active, they say what it has delivered;
 * while it waits, they ask the active process for a sign.
 *
 * All sessions of a database see its notifications in one order, whoever sent them. So a sign that the active process
 * has received itself, on each of its connections to a database, divides what was sent there into what it has received
 * by then, and what not. Once that is delivered, a later sign says so. There is nothing to say where nothing came. While
 * one of those connections is lost, nothing more is said to be delivered there.
 */
#ifndef PGWAIT_LIFE_SIGN_SENDER_H
#define PGWAIT_LIFE_SIGN_SENDER_H

#include "base/util.h"
#include "record/record.h"

struct connection;
struct event_base;
struct undelivered;
struct member;
struct life_sign_sender;
struct store;

/* `channel` and `store` must outlive the object. */
struct life_sign_sender *life_sign_sender_open(
    struct event_base *base, const char *channel, struct store *store);
void life_sign_sender_close(struct life_sign_sender *s);

/* The lock is at this place, which each sign names (SQL_PLACE). */
void life_sign_sender_lock_at(struct life_sign_sender *s, const char *place);

/* This process is active from now on, with a new number (`process` of its signs). */
void life_sign_sender_begin(struct life_sign_sender *s);
/* This process waits, as it does in the beginning. */
void life_sign_sender_end(struct life_sign_sender *s);

/* It only says what is delivered, at once, and asks nobody. */
void life_sign_sender_stop(struct life_sign_sender *s);

/* Adds a connection, and what is kept of it. Both must outlive the member. */
struct member *life_sign_sender_add(
    struct life_sign_sender *s, struct connection *c, struct undelivered *k);
void life_sign_sender_remove(struct member *m);

/*
 * The connection listens or has received a notification, but we do not know its place yet. The active process sends no
 * signs at all until life_sign_sender_join() or life_sign_sender_leave(), as it sends none while LISTEN is on its way:
 * that may have taken effect.
 */
void life_sign_sender_expect(struct member *m);
/* The connection is at this place, and listens on the channel of the signs. */
void life_sign_sender_join(struct member *m, const char *place);
/* Whether all connections are that far. */
bool life_sign_sender_is_whole(const struct life_sign_sender *s);
/* Something is missing again: whoever is active is asked at once. */
void life_sign_sender_ask(struct member *m);
/* It is lost. */
void life_sign_sender_leave(struct member *m);

/* A notification came over the connection, and was added to what is kept. */
void life_sign_sender_dirty(struct member *m);

/* A sign came, also one of our own. It concerns us if its lock is at this place. */
void life_sign_sender_hear(struct member *m, const struct record *r, const char *lock_at);

/* Everything is delivered that was kept and has a lower number (undelivered.h). */
void life_sign_sender_delivered(struct life_sign_sender *s, uint64_t number);
/* Whether one of our signs came, and what came before it is not delivered yet. */
bool life_sign_sender_waits(const struct life_sign_sender *s);

#endif
