/*
 * The runs of the statement of --catchup-sql or --work-sql on all connections. A catch-up runs each time LISTEN took
 * effect. With --work-sql a run is wanted then, at each signal (a notification), and at each idle event; what is wanted
 * while one goes on makes one more, and one that had rows is followed by another, until there are none. What failed
 * runs again after a while. What follows from the end of a run, the manager decides.
 */
#ifndef PGWAIT_RUNS_H
#define PGWAIT_RUNS_H

#include "record/record.h"
#include "settings/options.h"

struct event_base;
struct round;
struct sinks;
struct source;

struct runs {
	struct event_base *base;
	struct sinks *sinks;
	const struct options *options;
	const char *sql;      /* NULL: nothing is run */
	bool work;            /* --work-sql */
	struct round *rounds; /* one for each source that has had one */
	size_t running;       /* from their start to their last record */
	bool paused, ended;
};

/* Of one connection, since the start: rows and runs that are committed, and signals. */
struct runs_counts {
	uint64_t rows, runs, signals;
};

void runs_init(
    struct runs *g, struct event_base *base, struct sinks *sinks, const struct options *options);

/*
 * A run is wanted: LISTEN took effect on channels of `s`. Nothing happens without a statement, without a channel, and
 * where `s` is not good.
 */
void runs_want(struct runs *g, struct source *s);

/*
 * With --work-sql: the same where there may be rows; but what failed keeps its pause. In a drain nothing is begun
 * anew. runs_signal(): because of a notification, which is counted.
 */
void runs_wake(struct runs *g, struct source *s);
void runs_signal(struct runs *g, struct source *s);

/* Whether one goes on for `s`. */
bool runs_busy(const struct source *s);

/*
 * Where there was a run or a signal; else NULL. Then also what its runs do, which is "running", "failed" or "idle", and
 * whether they are those of --work-sql.
 */
const struct runs_counts *runs_counts(const struct source *s);
const char *runs_state(const struct source *s);
bool runs_are_work(const struct source *s);

/*
 * As runner_next(). The last record comes when it does not run any more, and says, if it failed, whether
 * pgwait ends for it, and when the next attempt is made. Without room it pauses all.
 */
const struct record *runs_next(struct source *s, bool room);

/* After the last record of a run that succeeded: begins the one that is to follow at once. Whether there is one. */
bool runs_follow(struct source *s);

/* While paused, the rows of all are not read; who goes on is to be pulled again. */
void runs_pause(struct runs *g, bool paused);

/* The connection was lost, or must not go on: what is not committed is rolled back. */
void runs_stop(struct source *s);

/* The connection is removed: the same, and nothing is known of its runs any more. */
void runs_forget(struct runs *g, struct source *s);

/* pgwait ends: stops those that have rows to come. Those that only have to commit are left running. */
void runs_end(struct runs *g);

/* Whether the last run of any connection failed for what was not delivered. */
bool runs_undelivered(const struct runs *g);

void runs_free(struct runs *g);

#endif
