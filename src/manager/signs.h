/*
 * The signs of life that this process sends (sign.h): while it is active, what it has delivered; while it waits,
 * whether anybody is.
 *
 * All sessions of a database see its notifications in one order, whoever sent them. So a sign that the active process
 * has received itself, on each of its connections to a database, divides what was sent there into what it has received
 * by then, and what not. Once that is delivered, the next sign says so. There is nothing to say where nothing came.
 */
#ifndef PGWAIT_SIGNS_H
#define PGWAIT_SIGNS_H

#include "base/util.h"

struct connection;
struct event_base;
struct kept;
struct member;
struct sign;
struct signs;
struct store;

/* `channel` and `store` outlive it. */
struct signs *signs_open(struct event_base *base, const char *channel, struct store *store);
void signs_close(struct signs *s);

/* Where the lock is, as all say it who share it. */
void signs_lock_at(struct signs *s, const char *place);

/* This process is active from now on, as another one than ever before; or it waits, as it does in the beginning. */
void signs_begin(struct signs *s);
void signs_end(struct signs *s);

/* It says no more. */
void signs_stop(struct signs *s);

/* A connection, which outlives it, and what is kept of it. */
struct member *signs_add(struct signs *s, struct connection *c, struct kept *k);
void signs_remove(struct member *m);

/* It listens, and may receive something. Nothing is said of any until it is known where it is, and hears signs. */
void signs_expect(struct member *m);
void signs_join(struct member *m, const char *place);
/* It is lost. */
void signs_leave(struct member *m);

/* A notification came, which was added to what is kept. */
void signs_dirty(struct member *m);

/* A sign came that asks who is active; or one that may be our own: true if so. */
void signs_asked(struct member *m);
bool signs_hear(struct member *m, const struct sign *sign);

/* What was kept before this number is delivered, also what the signs divide; and whether that is waited for. */
void signs_delivered(struct signs *s, uint64_t number);
bool signs_wait(const struct signs *s);

#endif
