/*
 * How long to wait before the next attempt to connect: exponential, with jitter, so that many
 * clients of one server do not all come back at the same moment.
 */
#ifndef PGWAIT_BACKOFF_H
#define PGWAIT_BACKOFF_H

#include "base/util.h"

#define BACKOFF_LEAST  (SECOND / 2)
#define BACKOFF_MOST   (30 * SECOND)
#define BACKOFF_STABLE (60 * SECOND) /* a connection that held this long starts anew */

/* Zeroed: nothing failed yet. */
struct backoff {
	int64_t bound; /* the longest that the last delay could have been; microseconds */
};

/*
 * Microseconds until the next attempt: from half of a bound, which doubles with each call, to the
 * bound. `lasted` is how long the connection that was lost had listened, in microseconds.
 */
int64_t backoff_next(struct backoff *b, int64_t lasted);

#endif
