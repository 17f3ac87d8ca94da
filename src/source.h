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

struct source {
	struct sources *set;
	struct subscription subscription; /* owned */
	struct connection *connection;
	bool good;    /* it listens */
	bool settled; /* its first attempt has ended, in either way */
	bool drained; /* the manager's: nothing more is expected of it in a drain */

	unsigned attempt;        /* failed ones in a row */
	int64_t listening_since; /* monotonic */
	struct backoff backoff;
	struct event retry;

	bool ready; /* in the list of those to pull from */
	struct source *next_ready;
};

struct sources {
	struct manager *manager;             /* the owner */
	struct connection_settings settings; /* for each; `wake` and `arg` are ours */
	struct source **list;                /* in the order of the command line */
	size_t count;
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

/* Takes what `s` owns, and starts to connect. */
void sources_add(struct sources *set, struct subscription *s);

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

/* The labels of the garbage, one a line. The caller frees it. */
char *sources_garbage(const struct sources *set);

#endif
