/*
 * What the status line says, and when it is drawn: not more often than people can read, and never while nothing changes.
 */
#ifndef PGWAIT_ACTIVITY_H
#define PGWAIT_ACTIVITY_H

#include "base/util.h"

struct event_base;
struct activity;

struct activity_facts {
	size_t connecting, good, failed; /* connections */
	uint64_t received;               /* notifications */
	int64_t last;                    /* of the last one; of the monotonic clock */
};

/* NULL: there is no terminal to show it on. From here on stopping, resizing and the like are seen to. */
struct activity *activity_new(struct event_base *base);
/* Erases the line. `s` may be NULL here. */
void activity_free(struct activity *s);

/* At the end of every pass of the loop, once all that it had to say was written. */
void activity_show(struct activity *s, const struct activity_facts *f);

#endif
