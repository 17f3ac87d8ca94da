/*
 * The event loop. libevent allocates with xmalloc() (util.h), so that calls that need nothing but
 * memory, such as adding a timer, cannot fail.
 */
#ifndef PGWAIT_LOOP_H
#define PGWAIT_LOOP_H

#include <stdbool.h>

#include "base/util.h"

struct event_base;

/* A new one, in which what waits for standard error is written. NULL after an error message. */
MUST_CHECK struct event_base *loop_new(void);
/* Does what is left in the work queue first. */
void loop_free(struct event_base *base);

/*
 * Waits for events, unless there is `more` to do anyway, and calls their callbacks. If waiting
 * fails, pgwait can do nothing: it writes an error message and ends the process with status 1.
 */
void loop_turn(struct event_base *base, bool more);

#endif
