/*
 * The catch-ups of all connections. One starts each time LISTEN took effect, and again after a
 * while if it failed. What follows from its end, the manager decides.
 */
#ifndef PGWAIT_CATCHUPS_H
#define PGWAIT_CATCHUPS_H

#include "record/record.h"
#include "settings/options.h"

struct event_base;
struct round;
struct sinks;
struct source;

struct catchups {
	struct event_base *base;
	struct sinks *sinks;
	const struct options *options;
	struct round *rounds; /* one for each source that has had one */
	size_t running;       /* from LISTEN to their last record */
	bool paused, ended;
};

void catchups_init(struct catchups *g, struct event_base *base, struct sinks *sinks,
    const struct options *options);

/*
 * LISTEN took effect on channels of `s`. Nothing happens without --catchup-sql, without a channel, and where
 * `s` is not good.
 */
void catchups_start(struct catchups *g, struct source *s);

/* Whether one runs for `s`. */
bool catchups_runs(const struct source *s);

/*
 * As catchup_next(). The last record comes when it does not run any more, and says, if it failed, whether
 * pgwait ends for it, and when the next attempt is made. Without room it pauses all.
 */
const struct record *catchups_next(struct source *s, bool room);

/* While paused, the rows of all are not read; who goes on is to be pulled again. */
void catchups_pause(struct catchups *g, bool paused);

/* The connection was lost, or must not go on: what is not committed is rolled back. */
void catchups_stop(struct source *s);

/* The connection is removed: the same, and nothing is known of its catch-ups any more. */
void catchups_forget(struct catchups *g, struct source *s);

/* pgwait ends: stops those that have rows to come. Those that only have to commit are left running. */
void catchups_end(struct catchups *g);

/* Whether the last catch-up of any connection failed for what was not delivered. */
bool catchups_undelivered(const struct catchups *g);

void catchups_free(struct catchups *g);

#endif
