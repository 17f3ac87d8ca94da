/*
 * A time limit that stands still while somebody holds it.
 *
 * While pgwait does not read a connection, it cannot know how long the server takes. So the limits
 * of a connection stand still while its socket is not read, while a password is typed, and while a
 * catch-up runs.
 */
#ifndef PGWAIT_TIME_LIMIT_H
#define PGWAIT_TIME_LIMIT_H

#include <event2/event_struct.h>

#include "base/util.h"

struct event_base;

/* Who holds a limit; a set of these. Each may hold it once, however often it says so. */
enum time_limit_holder {
	LIMIT_UNREAD = 1,  /* the connection's socket is not read */
	LIMIT_PROMPT = 2,  /* a password is typed, or another one has to be typed first */
	LIMIT_CATCHUP = 4, /* a catch-up goes on, which has no limit */
};

struct time_limit {
	struct event timer;
	unsigned holders;
	bool set;
	int64_t allowed; /* by time_limit_set(); microseconds */
	int64_t left;    /* of it, when it stood still last */
	int64_t since;   /* from when on it runs; monotonic */
	void (*passed)(void *arg);
	void *arg;
};

/* `passed` is called from the loop, once for each time_limit_set(), if the time has passed. */
void time_limit_init(
    struct time_limit *l, struct event_base *base, void (*passed)(void *arg), void *arg);

/* From now on; 0: without a limit. Who holds it already holds this one, too. */
void time_limit_set(struct time_limit *l, int64_t us);
void time_limit_clear(struct time_limit *l);

/* `holders` is a set of enum time_limit_holder. */
void time_limit_hold(struct time_limit *l, unsigned holders, bool held);

#endif
