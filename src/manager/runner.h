/*
 * Runs a statement, once or again and again, whose rows are delivered as notifications (man page, CATCHING UP and WORK
 * QUEUES).
 *
 * It has a connection of its own, since a session that listens must not be in a transaction (fact F20). A run is one
 * transaction, and commits once every sink is done with the rows. Anything that goes wrong before closes the
 * connection, which rolls it back. With --work-sql the connection stays open between runs. The owner pulls the rows,
 * and at last one record that says how the run ended.
 */
#ifndef PGWAIT_RUNNER_H
#define PGWAIT_RUNNER_H

#include <libpq-fe.h>

#include "base/util.h"
#include "record/record.h"

struct runner;
struct event_base;
struct sinks;
struct target;

struct runner_settings {
	struct event_base *base;
	struct sinks *sinks;
	struct target *target;
	const char *sql;         /* UTF-8 */
	bool work;               /* it runs again and again: see above */
	void (*wake)(void *arg); /* there may be something to pull; called from anywhere */
	void *arg;
};

/* What the settings point to outlives it. It does nothing yet. */
struct runner *runner_new(const struct runner_settings *settings);

/*
 * Begins a run; only while none goes on. `beside` is the connection that listens: the same host is used. `origin` is
 * that of its records. Both outlive the run. Rows that name no channel have `channel`: UTF-8; copied.
 */
void runner_run(
    struct runner *c, const PGconn *beside, const struct origin *origin, const char *channel);

/*
 * The next record, borrowed until the next call, but no row without `room`; NULL: nothing now. The last one of a run
 * is a RECORD_CAUGHT_UP or RECORD_WORKED, or a RECORD_RUN_FAILED, after which there is no other run.
 */
const struct record *runner_next(struct runner *c, bool room);

/* While paused its rows are not read. What was read can still be pulled. */
void runner_pause(struct runner *c, bool paused);

/* Whether every row was pulled: what is left is their delivery, and the commit. */
bool runner_has_all(const struct runner *c);

/* Whether COMMIT is on the wire. */
bool runner_commits(const struct runner *c);

/* Rows of the run so far. */
uint64_t runner_rows(const struct runner *c);

/* Whether the last run of --work-sql that had rows changed a table: else the rows may still be there. */
bool runner_wrote(const struct runner *c);

/* Rolls back what is not committed. */
void runner_free(struct runner *c);

#endif
