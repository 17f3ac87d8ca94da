/*
 * One catch-up of one connection: a statement whose rows are delivered as notifications (man page,
 * CATCHING UP).
 *
 * It has a connection of its own, since a session that listens must not be in a transaction (fact
 * F20), and commits once every sink is done with the rows. Anything that goes wrong before rolls it
 * back. The owner pulls its rows, and at last one record that says how it ended.
 */
#ifndef PGWAIT_CATCHUP_H
#define PGWAIT_CATCHUP_H

#include <libpq-fe.h>

#include "base/util.h"
#include "record/record.h"

struct catchup;
struct event_base;
struct sinks;
struct target;

struct catchup_settings {
	struct event_base *base;
	struct sinks *sinks;
	struct target *target;
	const PGconn *beside;        /* the connection that listens: the same host is used */
	const struct origin *origin; /* of its records: the connection that listens */
	const char *channel;         /* of rows that name none; UTF-8; copied */
	const char *sql;             /* UTF-8 */
	void (*wake)(void *arg);     /* there may be something to pull; called from anywhere */
	void *arg;
};

/* What else the settings point to outlives it. */
struct catchup *catchup_start(const struct catchup_settings *settings);

/*
 * The next record, borrowed until the next call, but no row without `room`; NULL: nothing now. The last
 * one is a RECORD_CAUGHT_UP or a RECORD_CATCHUP_FAILED.
 */
const struct record *catchup_next(struct catchup *c, bool room);

/* While paused its rows are not read. What was read can still be pulled. */
void catchup_pause(struct catchup *c, bool paused);

/* Whether every row was pulled: what is left is their delivery, and the commit. */
bool catchup_has_all(const struct catchup *c);

/* Whether COMMIT is on the wire. */
bool catchup_commits(const struct catchup *c);

/* Rows so far. */
uint64_t catchup_rows(const struct catchup *c);

/* Rolls back what is not committed. */
void catchup_free(struct catchup *c);

#endif
