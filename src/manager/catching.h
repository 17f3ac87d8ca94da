/*
 * The catch-ups of all connections: one each time LISTEN took effect, and again after a while where one
 * failed. What it means that one ends is the manager's.
 */
#ifndef PGWAIT_CATCHING_H
#define PGWAIT_CATCHING_H

#include "record/record.h"
#include "settings/options.h"

struct event_base;
struct round;
struct sinks;
struct source;

struct catching {
	struct event_base *base;
	struct sinks *sinks;
	const struct options *options;
	struct round *rounds; /* one for each source that has had one */
	size_t running;       /* from LISTEN to their last record */
	bool paused, ended;
};

void catching_init(struct catching *g, struct event_base *base, struct sinks *sinks,
    const struct options *options);

/*
 * LISTEN took effect on channels of `s`. Nothing happens without --catchup-sql, without a channel, and where
 * `s` is not good.
 */
void catching_start(struct catching *g, struct source *s);

/* Whether one runs for `s`. */
bool catching_runs(const struct source *s);

/*
 * As catchup_next(). The last record comes when it does not run any more, and says, if it failed, whether
 * pgwait ends for it, and when the next attempt is made. Without room it pauses all.
 */
const struct record *catching_next(struct source *s, bool room);

/* While paused, the rows of all are not read; who goes on is to be pulled again. */
void catching_pause(struct catching *g, bool paused);

/* The connection was lost, or must not go on: what is not committed is rolled back. */
void catching_stop(struct source *s);

/* The connection is removed: the same, and nothing is known of its catch-ups any more. */
void catching_forget(struct catching *g, struct source *s);

/* pgwait ends: stops those that have rows to come. Those that only have to commit are left running. */
void catching_end(struct catching *g);

/* Whether the last catch-up of any connection failed for what was not delivered. */
bool catching_undelivered(const struct catching *g);

void catching_free(struct catching *g);

#endif
