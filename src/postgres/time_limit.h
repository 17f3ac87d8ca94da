/*
 * A time limit that stands still while somebody holds it.
 *
 * While pgwait does not read a connection, it cannot know how long the server takes. So the limits
 * of a connection stand still while pgwait does not read its socket, while the user types a
 * password, and while a catch-up runs.
 */
#ifndef PGWAIT_TIME_LIMIT_H
#define PGWAIT_TIME_LIMIT_H

#include "base/timer.h"
#include "base/util.h"

struct event_base;

/* Who holds a limit; a set of these. A holder that holds it twice has to let it go only once. */
enum time_limit_holder {
	LIMIT_UNREAD = 1,  /* pgwait does not read the connection's socket */
	LIMIT_PROMPT = 2,  /* the user types a password, or has to type another one first */
	LIMIT_CATCHUP = 4, /* a catch-up runs, which has no limit */
};

struct time_limit {
	struct event_base *base;
	struct timer *timer;
	unsigned holders;
	bool set;
	int64_t allowed; /* as time_limit_set() says; microseconds */
	int64_t left;    /* how much of it was left when it last began to run; microseconds */
	int64_t since;   /* when it last began to run; monotonic */
	void (*passed)(void *arg);
	void *arg;
};

/* The loop calls `passed` when the time has passed, once for each time_limit_set(). */
void time_limit_init(
    struct time_limit *l, struct event_base *base, void (*passed)(void *arg), void *arg);

/* Sets the limit, from now on; 0: no limit. Those who held the limit before hold the new one, too. */
void time_limit_set(struct time_limit *l, int64_t us);
void time_limit_clear(struct time_limit *l);

/* `holders`, a set of enum time_limit_holder, begin to hold the limit, or let it go. */
void time_limit_hold(struct time_limit *l, unsigned holders, bool held);

#endif
