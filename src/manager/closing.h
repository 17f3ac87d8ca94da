/*
 * The end of delivery: what was received is handed on while there is progress.
 *
 * It is over when everything was delivered and no sink works any more, when PROGRESS_TIMEOUT brought
 * nothing further, or when there is no patience left.
 */
#ifndef PGWAIT_CLOSING_H
#define PGWAIT_CLOSING_H

#include <event2/event_struct.h>

#include "base/util.h"
#include "sinks/sink.h"

/* Without any progress for this long, it is over; microseconds. */
#define PROGRESS_TIMEOUT (5 * SECOND)

/* Zeroed: not begun. */
struct closing {
	struct sinks *sinks;
	struct fence fence;
	struct event timer;
	uint64_t progress; /* sinks_progress() when the timer was set */
	size_t waiting;    /* for what: the fence, and each closing_hold() */
	bool begun, delivered;
	bool over; /* whatever is left */
	bool cut;  /* over, with something undelivered */
};

/* All that is to be delivered has been taken. */
void closing_begin(struct closing *c, struct event_base *base, struct sinks *sinks);

/* Something else, which delivery brings about, must come before it is over; and it has. */
void closing_hold(struct closing *c);
void closing_release(struct closing *c);

/* At once, whatever is left; before closing_begin(), too. */
void closing_cut(struct closing *c);

bool closing_is_over(const struct closing *c);

#endif
