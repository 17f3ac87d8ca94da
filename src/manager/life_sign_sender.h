/*
 * The signs of life that this process sends (life_sign.h): while it is active, what it has delivered; while it waits,
 * whether anybody is.
 *
 * All sessions of a database see its notifications in one order, whoever sent them. So a sign that the active process
 * has received itself, on each of its connections to a database, divides what was sent there into what it has received
 * by then, and what not. Once that is delivered, the next sign says so. There is nothing to say where nothing came.
 */
#ifndef PGWAIT_LIFE_SIGN_SENDER_H
#define PGWAIT_LIFE_SIGN_SENDER_H

#include "base/util.h"

struct connection;
struct event_base;
struct undelivered;
struct member;
struct life_sign;
struct life_sign_sender;
struct store;

/* `channel` and `store` outlive it. */
struct life_sign_sender *life_sign_sender_open(
    struct event_base *base, const char *channel, struct store *store);
void life_sign_sender_close(struct life_sign_sender *s);

/* Where the lock is, as all say it who share it. */
void life_sign_sender_lock_at(struct life_sign_sender *s, const char *place);

/* This process is active from now on, as another one than ever before; or it waits, as it does in the beginning. */
void life_sign_sender_begin(struct life_sign_sender *s);
void life_sign_sender_end(struct life_sign_sender *s);

/* It says no more. */
void life_sign_sender_stop(struct life_sign_sender *s);

/* A connection, which outlives it, and what is kept of it. */
struct member *life_sign_sender_add(
    struct life_sign_sender *s, struct connection *c, struct undelivered *k);
void life_sign_sender_remove(struct member *m);

/* It listens, and may receive something. Nothing is said of any until it is known where it is, and hears signs. */
void life_sign_sender_expect(struct member *m);
void life_sign_sender_join(struct member *m, const char *place);
/* It is lost. */
void life_sign_sender_leave(struct member *m);

/* A notification came, which was added to what is kept. */
void life_sign_sender_dirty(struct member *m);

/* A sign came that asks who is active; or one that may be our own: true if so. */
void life_sign_sender_asked(struct member *m);
bool life_sign_sender_hear(struct member *m, const struct life_sign *sign);

/* What was kept before this number is delivered, also what the signs divide; and whether that is waited for. */
void life_sign_sender_delivered(struct life_sign_sender *s, uint64_t number);
bool life_sign_sender_wait(const struct life_sign_sender *s);

#endif
