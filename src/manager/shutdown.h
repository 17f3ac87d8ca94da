/*
 * The end of pgwait: it goes on delivering what was received, as long as there is progress.
 *
 * It is over when everything was delivered and no sink is busy, when PROGRESS_TIMEOUT passed
 * without progress, or when shutdown_cut() was called.
 */
#ifndef PGWAIT_SHUTDOWN_H
#define PGWAIT_SHUTDOWN_H

#include <event2/event_struct.h>

#include "base/util.h"
#include "sinks/sink.h"

/* Without any progress for this long, it is over; microseconds. */
#define PROGRESS_TIMEOUT (5 * SECOND)

/* Zeroed: not begun. */
struct shutdown {
	struct sinks *sinks;
	struct fence fence;
	struct event timer;
	uint64_t progress; /* sinks_progress() when the timer was set */
	size_t waiting;    /* for what: the fence, and each shutdown_hold() */
	bool begun, delivered;
	bool over; /* whatever is left */
	bool cut;  /* over, with something undelivered */
};

/* All that is to be delivered has been taken. */
void shutdown_begin(struct shutdown *c, struct event_base *base, struct sinks *sinks);

/*
 * shutdown_hold(): the end has to wait for something else, such as a commit. shutdown_release():
 * that has come.
 */
void shutdown_hold(struct shutdown *c);
void shutdown_release(struct shutdown *c);

/* At once, whatever is left; before shutdown_begin(), too. */
void shutdown_cut(struct shutdown *c);

bool shutdown_is_over(const struct shutdown *c);

#endif
