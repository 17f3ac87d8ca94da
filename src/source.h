/*
 * The connections as a set: the good ones, which listen, and the garbage, which failed and wait for
 * their next attempt. Knows when to look at whom; what it means that one fails is the manager's.
 */
#ifndef PGWAIT_SOURCE_H
#define PGWAIT_SOURCE_H

#include <event2/event_struct.h>

#include "backoff.h"
#include "connection.h"
#include "subscription.h"

struct source;

/*
 * The next attempt has ended: `lost` says why, NULL: it listens. Runs while it is pulled, before the
 * record goes to the sinks; `lost` may be told to be of no consequence, by returning true.
 */
typedef bool source_outcome(struct source *s, const struct record *lost, void *arg);

struct source {
	struct sources *set;
	struct subscription subscription; /* owned */
	struct connection *connection;
	bool at_start; /* it was there at the start */
	bool good;     /* it listens */
	bool settled;  /* its first attempt has ended, in either way */
	bool drained;  /* the manager's: nothing more is expected of it in a drain */

	unsigned attempt;        /* failed ones in a row */
	int64_t listening_since; /* monotonic */
	struct backoff backoff;
	struct event retry;
	struct round *round; /* its catch-ups, catching.c's; NULL: it has had none */

	source_outcome *outcome; /* or NULL; called once */
	void *outcome_arg;
	bool gone; /* removed: freed by sources_reap() */

	bool ready; /* in the list of those to pull from */
	struct source *next_ready;
};

struct sources {
	struct manager *manager;             /* the owner */
	struct connection_settings settings; /* for each; `wake` and `arg` are ours */
	struct source **list;                /* in the order of the command line */
	size_t count;
	struct source **gone; /* those that are removed, until they are freed */
	size_t gone_count;
	size_t starting; /* those that are not settled */
	size_t good;
	bool paused;

	struct source *ready, *last_ready;
	struct event beat; /* one timer for the heartbeats of all */
	int64_t beat_at;   /* when it fires, monotonic; INT64_MAX: never */
};

/* The manager's settings, but for `wake` and `arg`. */
void sources_init(
    struct sources *set, struct manager *manager, const struct connection_settings *settings);
void sources_free(struct sources *set);

/*
 * Takes what `s` owns, and starts to connect. Only what is there at the start is waited for, and
 * decides whether pgwait goes on.
 */
struct source *sources_add(struct sources *set, struct subscription *s, bool at_start);

/* NULL: no connection has this label. */
struct source *sources_find(const struct sources *set, const char *label);

/*
 * Takes it out of the set, and tells who waits for its outcome; it is freed by sources_reap(), at a
 * time when nobody pulls.
 */
void sources_remove(struct source *s);
void sources_reap(struct sources *set);

/* Whether any is good, or will be tried again. */
bool sources_hope(const struct sources *set);

/* An attempt at once, where it is in the garbage. */
void source_retry_now(struct source *s);

/* It may have something to pull: sources_take_ready() gives it. */
void source_mark(struct source *s);
/*
 * All that may have something, linked by next_ready. Who is marked from now on is for the next time;
 * while one is pulled, it may be marked, and nobody else.
 */
struct source *sources_take_ready(struct sources *set);

/* Whether sockets are read. */
void sources_pause(struct sources *set, bool paused);

/* Its first attempt has ended. True if it was the last one of all. */
MUST_CHECK bool source_settle(struct source *s);

/* To the good set. */
void source_listens(struct source *s);
/* To the garbage. With `retry`, another attempt is made; returns in how many microseconds, or -1. */
int64_t source_fails(struct source *s, bool retry);

/* How many are in the garbage. */
size_t sources_failed(const struct sources *set);
/* The labels of the garbage, one a line. The caller frees it. */
char *sources_garbage(const struct sources *set);

#endif
