/*
 * The set of connections: the good ones listen; the garbage failed and waits for its next attempt.
 * A source knows when it has something to pull, and when to try again. What a failure means for
 * pgwait, the manager decides.
 *
 * A connection is removed at one place. Whoever wants it removed, a command, a reload, a callback
 * of the connection itself, marks it (source_leave()), and nothing else happens then: lists can be
 * walked, and records pulled, whatever is marked meanwhile. From that moment on nobody finds it by
 * its name. At the end of the pass the manager calls sources_part(), which takes what is marked out
 * of the set, and frees what is through.
 */
#ifndef PGWAIT_SOURCE_H
#define PGWAIT_SOURCE_H

#include <event2/event_struct.h>

#include "manager/backoff.h"
#include "manager/source_counts.h"
#include "postgres/connection.h"
#include "postgres/subscription.h"

struct source;

/*
 * Called when the next attempt to connect has ended. `lost`: why it failed; NULL: the connection
 * listens. It runs while the source is pulled, before the record goes to the sinks. To return true
 * means that the failure has no consequence.
 */
typedef bool source_outcome(struct source *s, const struct record *lost, void *arg);

/* It is removed. `error`: why not all that was sent before could be received; NULL: all was. */
typedef void source_removed(const char *error, void *arg);

struct source {
	struct sources *set;
	struct subscription subscription; /* owned */
	struct connection *connection;
	bool at_start; /* it was there at the start */
	bool good;     /* it is in the set, and listens */
	bool settled;  /* its first attempt has ended, in either way */
	bool drained;  /* the manager's: nothing more is expected of it in a drain */

	struct source_counts counts;
	int64_t since;           /* Unix time: its state (source_state()) has been the same */
	unsigned attempt;        /* failed ones in a row */
	int64_t listening_since; /* monotonic */
	struct backoff backoff;
	struct timer *retry;                    /* runs until the next attempt */
	struct round *round;                    /* its catch-ups, runs.c's; NULL: it has had none */
	struct target *target;                  /* for the next attempt; NULL: it stays the same */
	struct exclusive_connection *exclusive; /* exclusive.c's; NULL: without --exclusive */

	source_outcome *outcome; /* or NULL; called once */
	void *outcome_arg;

	bool leaves;      /* it is marked to be removed */
	bool parted;      /* it is out of the set, and what was sent before is still received */
	bool through;     /* nothing more is expected of it: it is freed at the end of the pass */
	char *left_error; /* why not everything was received, or NULL */
	source_removed *removed; /* or NULL; called once */
	void *removed_arg;

	bool ready;    /* in the list of those to pull from */
	unsigned turn; /* of sources_next_ready(), in which it was marked */
	struct source *next_ready;
};

struct sources {
	struct manager *manager;             /* the owner */
	struct connection_settings settings; /* for each; `wake` and `arg` are ours */
	struct source **list;                /* in the order of the command line */
	size_t count;
	struct source **parting; /* those out of the set that are not freed yet */
	size_t parting_count;
	size_t starting; /* those that are not settled */
	size_t good;
	bool paused;
	bool leave;       /* somebody is marked, or through */
	uint64_t changes; /* of states, and of the list: it grows with each */

	struct source *ready, *last_ready;
	unsigned turn;
	struct event beat; /* one timer for the heartbeats of all */
	int64_t beat_at;   /* when it fires, monotonic; INT64_MAX: never */
};

/* The manager's settings, but for `wake` and `arg`. */
void sources_init(
    struct sources *set, struct manager *manager, const struct connection_settings *settings);
void sources_free(struct sources *set);

/*
 * Takes over what `s` owns, and starts to connect. `at_start`: pgwait waits for the first attempt of
 * this connection, and how it ends decides whether pgwait goes on.
 */
struct source *sources_add(struct sources *set, struct subscription *s, bool at_start);

/* As connection_next(). What comes is counted. */
static inline const struct record *
source_next(struct source *s)
{
	const struct record *r = connection_next(s->connection);

	if (r)
		source_counts_add(&s->counts, r);
	return r;
}

/* "listening", "garbage" or "connecting", for its first attempt. */
const char *source_state(const struct source *s);

/* The name of the connection; valid also after it was closed. */
const char *source_label(const struct source *s);

/* NULL: no connection has this label, or it is marked to be removed. */
struct source *sources_find(const struct sources *set, const char *label);

/* " (did you mean NAME?)" where a connection has nearly this label, or "". Freed by the caller. */
char *sources_question(const struct sources *set, const char *label);

/*
 * Marks the source to be removed. If it listens, pgwait first receives what was sent before. `removed` may be NULL; it runs
 * at the end of a pass. If the source was marked before, `removed` never runs.
 */
void source_leave(struct source *s, source_removed *removed, void *arg);

/* A source that is marked has ended: `error` is why not everything came; NULL: everything came. */
void source_through(struct source *s, const char *error);

/*
 * The one place that removes sources. It takes each marked source out of the set and calls `parts`, which starts to receive
 * what was sent before; and it calls `goes` before it frees a source, which pulls what it has and stops what belongs to
 * it. Then it calls the `removed` of source_leave().
 */
void sources_part(struct sources *set, void (*parts)(struct source *s, bool good),
    void (*goes)(struct source *s));

/* Whether sources_part() has something to do. */
bool sources_leave(const struct sources *set);

/* Whether any is good, or will be tried again. */
bool sources_hope(const struct sources *set);

/* If the connection is in the garbage, makes the next attempt at once. */
void source_retry_now(struct source *s);

/*
 * Gives the source another target, and takes that over: closes the connection, for `reason`, and connects anew at once. The
 * source remembers since when it listened: what it misses in between is a gap.
 */
void source_retarget(struct source *s, struct target *t, const char *reason);

/* The target of the next attempt: the present one, or that of source_retarget(). */
const struct target *source_next_target(const struct source *s);

/* Renames the connection: both its present and its next target. */
void source_rename(struct source *s, const char *label);

/* Call it when the connection was lost. True: source_retarget() gave it another target, and it connects to that. */
bool source_takes_target(struct source *s);

/* It may have something to pull: sources_next_ready() gives it. */
void source_mark(struct source *s);
/* Those to pull from begin anew: who is marked from now on is for the next time. */
void sources_begin_turn(struct sources *set);
/* The next one, which is not marked any more; NULL: that was the last. */
struct source *sources_next_ready(struct sources *set);

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
