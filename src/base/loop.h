/*
 * The event loop. libevent's memory is never refused either (util.h), so that what needs memory only,
 * as a timer does, cannot fail.
 */
#ifndef PGWAIT_LOOP_H
#define PGWAIT_LOOP_H

#include <stdbool.h>

#include "base/util.h"

struct event_base;

/* A new one, in which what waits for standard error is written. NULL after an error message. */
MUST_CHECK struct event_base *loop_new(void);
void loop_free(struct event_base *base);

/*
 * Waits for events, unless there is `more` to do anyway, and calls their callbacks. Without its loop
 * pgwait can do nothing: where waiting fails, it ends the process with status 1 after an error message.
 */
void loop_turn(struct event_base *base, bool more);

#endif
