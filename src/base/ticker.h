/* A periodic timer whose ticks do not drift. A tick that was missed is not made up for. */
#ifndef PGWAIT_TICKER_H
#define PGWAIT_TICKER_H

#include <event2/event_struct.h>

#include "base/util.h"

/* Zeroed: never ticks. */
struct ticker {
	struct event timer;
	int64_t interval, next; /* microseconds; `next` of the monotonic clock */
	bool due;               /* the timer fired: ticker_ticks() decides */
};

/* The first tick comes `interval` after `now`. */
void ticker_start(struct ticker *t, struct event_base *base, int64_t interval, int64_t now);

/*
 * True once for each tick. No tick comes sooner than the interval after `restarted` (a time of the
 * monotonic clock; 0: does not matter).
 */
MUST_CHECK bool ticker_ticks(struct ticker *t, int64_t restarted);
void ticker_stop(struct ticker *t);

#endif
