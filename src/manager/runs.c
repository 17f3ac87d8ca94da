#include "config.h"

#include "manager/runs.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/log.h"
#include "manager/backoff.h"
#include "manager/runner.h"
#include "manager/source.h"

/* What there is to know of one connection's runs. */
struct round {
	struct runs *all;
	struct source *source;
	struct runner *runner; /* NULL: there is no session */
	bool busy;             /* a run goes on */
	struct record last;    /* how it ended; its strings are the runner's */
	bool again;            /* another one was wanted meanwhile */
	bool follows;          /* another one is to follow at once */
	bool succeeded, undelivered;
	bool told;                     /* that the statement writes nothing */
	unsigned attempt;              /* failed ones in a row */
	struct backoff backoff, pause; /* after those that failed, and those that wrote nothing */
	struct event retry;            /* of either */
	struct runner *ended;          /* freed when its record is not needed any more */
	struct runs_counts counts;
	struct round *next;
};

void
runs_init(
    struct runs *g, struct event_base *base, struct sinks *sinks, const struct options *options)
{
	*g = (struct runs){.base = base, .sinks = sinks, .options = options};
	g->sql = options->work_sql ? options->work_sql : options->catchup_sql;
	g->work = options->work_sql;
}

static void
on_wake(void *arg)
{
	source_mark(((struct round *)arg)->source);
}

static void
start(struct round *r)
{
	const struct source *s = r->source;
	const struct runner_settings settings = {
	    .base = r->all->base,
	    .sinks = r->all->sinks,
	    .target = s->subscription.target,
	    .sql = r->all->sql,
	    .work = r->all->work,
	    .wake = on_wake,
	    .arg = r,
	};

	event_del(&r->retry);
	if (!r->runner)
		r->runner = runner_new(&settings);
	runner_run(r->runner, connection_conn(s->connection), connection_origin(s->connection),
	    s->subscription.channels[0]);
	runner_pause(r->runner, r->all->paused);
	r->busy = true;
	r->again = r->follows = false;
	r->all->running++;
}

/* The statement must not run for nobody. */
static bool
may_start(const struct runs *g, const struct source *s)
{
	return g->sql && !g->ended && s->good && s->subscription.count;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct round *r = arg;

	(void)fd;
	(void)what;
	if (may_start(r->all, r->source))
		start(r);
}

static struct round *
add(struct runs *g, struct source *s)
{
	struct round *r = xcalloc(1, sizeof *r);

	r->all = g;
	r->source = s;
	r->next = g->rounds;
	evtimer_assign(&r->retry, g->base, on_retry, r);
	g->rounds = s->round = r;
	return r;
}

void
runs_want(struct runs *g, struct source *s)
{
	struct round *r = s->round;

	if (!may_start(g, s))
		return;
	if (!r)
		r = add(g, s);
	if (r->busy)
		r->again = true;
	else
		start(r);
}

void
runs_wake(struct runs *g, struct source *s)
{
	const struct round *r = s->round;
	bool waits = r && r->attempt && event_pending(&r->retry, EV_TIMEOUT, NULL);
	bool over = g->options->timeout == 0 && !(r && r->busy);

	if (g->work && !waits && !over)
		runs_want(g, s);
}

void
runs_signal(struct runs *g, struct source *s)
{
	if (!s->round)
		(void)add(g, s);
	s->round->counts.signals++;
	runs_wake(g, s);
}

const struct runs_counts *
runs_counts(const struct source *s)
{
	return s->round ? &s->round->counts : NULL;
}

bool
runs_are_work(const struct source *s)
{
	return s->round && s->round->all->work;
}

const char *
runs_state(const struct source *s)
{
	const struct round *r = s->round;

	if (r->busy)
		return "running";
	return r->attempt ? "failed" : "idle";
}

bool
runs_busy(const struct source *s)
{
	return s->round && s->round->busy;
}

/* The run is over, and only one that may go on keeps its session. Its last record can be looked at until the next call. */
static void
retire(struct round *r, bool keeps)
{
	r->busy = false;
	r->all->running--;
	if (keeps)
		return;
	runner_free(r->ended);
	r->ended = r->runner;
	r->runner = NULL;
}

static void
retry_in(struct round *r, int64_t us)
{
	struct timeval tv;

	timeval_from(us, &tv);
	event_add(&r->retry, &tv);
}

/* What no retry mends ends pgwait at the start, as with LISTEN; in a drain there is no retry. */
static bool
is_fatal(const struct round *r, const struct record *failed)
{
	const struct options *o = r->all->options;

	if (failed->trouble == RUN_CONFLICT)
		return false;
	if (o->timeout == 0)
		return true;
	if (failed->trouble == RUN_UNREACHED && o->reconnect == RECONNECT_NEVER)
		return true;
	return r->source->at_start && !r->succeeded &&
	       (failed->trouble == RUN_REFUSED || failed->permanent);
}

static void
judge(struct round *r, struct record *failed)
{
	r->undelivered = failed->trouble == RUN_UNDELIVERED;
	failed->attempt = ++r->attempt;
	failed->fatal = is_fatal(r, failed);
	failed->retry = -1;
	if (failed->fatal || r->all->ended)
		return;
	failed->retry = backoff_next(&r->backoff, 0);
	retry_in(r, failed->retry);
}

/*
 * Whether rows of a run of --work-sql are gone, so that another run at once finds other ones. Otherwise it would go on
 * for ever: the next one follows after a pause, which grows as long as there are rows; in a drain, none does.
 */
static bool
rows_are_gone(struct round *r, const struct record *worked)
{
	if (runner_wrote(r->runner))
		return true;
	if (!r->told)
		log_warning("the statement of --work-sql returned %" PRIu64
			    " row%s and changed no table (%s): as its rows may still be there, it "
			    "is not run again%s",
		    worked->count, worked->count == 1 ? "" : "s",
		    connection_label(r->source->connection),
		    r->all->options->timeout == 0 ? "" : " at once, but after growing pauses");
	r->told = true;
	return false;
}

static void
succeed(struct round *r, const struct record *worked)
{
	r->succeeded = true;
	r->undelivered = false;
	r->attempt = 0;
	r->backoff = (struct backoff){0};
	r->follows = r->again;
	r->counts.runs++;
	r->counts.rows += worked->count;
	if (!r->all->work)
		return;
	if (worked->count == 0 || rows_are_gone(r, worked)) {
		r->follows |= worked->count > 0;
		r->pause = (struct backoff){0};
	} else if (r->all->options->timeout != 0 && !r->follows && !r->all->ended) {
		retry_in(r, backoff_next(&r->pause, 0));
	}
}

bool
runs_follow(struct source *s)
{
	struct round *r = s->round;

	if (r->follows && may_start(r->all, s))
		start(r);
	return r->busy;
}

const struct record *
runs_next(struct source *s, bool room)
{
	struct round *r = s->round;
	const struct record *record = r && r->runner ? runner_next(r->runner, room) : NULL;
	bool failed, repeated;

	/* The rest may have arrived already: going on from a pause is what wakes. */
	if (r && r->busy && !room)
		runs_pause(r->all, true);
	if (!record || record->kind == RECORD_NOTIFICATION)
		return record;
	failed = record->kind == RECORD_RUN_FAILED;
	repeated = failed && r->attempt && strcmp(r->last.reason, record->reason) == 0;
	r->last = *record;
	r->last.repeated = repeated;
	retire(r, record->kind == RECORD_WORKED);
	if (failed)
		judge(r, &r->last);
	else
		succeed(r, &r->last);
	return &r->last;
}

void
runs_pause(struct runs *g, bool paused)
{
	if (g->paused == paused)
		return;
	g->paused = paused;
	for (struct round *r = g->rounds; r; r = r->next)
		if (r->busy)
			runner_pause(r->runner, paused);
}

static void
stop(struct round *r)
{
	const char *what = r->all->work ? "run of --work-sql" : "catch-up";

	event_del(&r->retry);
	r->again = r->follows = false;
	if (r->busy && runner_commits(r->runner))
		log_warning("the commit of the %s on \"%s\" was not answered: whether its rows, "
			    "%" PRIu64 ", stay in the table is not known",
		    what, connection_label(r->source->connection), runner_rows(r->runner));
	else if (r->busy && runner_rows(r->runner))
		log_warning("the %s on \"%s\" was rolled back: its rows, %" PRIu64
			    " so far, stay in the table",
		    what, connection_label(r->source->connection), runner_rows(r->runner));
	r->all->running -= r->busy;
	r->busy = false;
	runner_free(r->runner);
	r->runner = NULL;
}

static void
round_free(struct round *r)
{
	stop(r);
	runner_free(r->ended);
	r->source->round = NULL;
	free(r);
}

void
runs_stop(struct source *s)
{
	if (s->round)
		stop(s->round);
}

void
runs_forget(struct runs *g, struct source *s)
{
	struct round **at = &g->rounds;

	if (!s->round)
		return;
	while (*at != s->round)
		at = &(*at)->next;
	*at = s->round->next;
	round_free(s->round);
}

void
runs_end(struct runs *g)
{
	g->ended = true;
	for (struct round *r = g->rounds; r; r = r->next)
		if (!r->busy || !runner_has_all(r->runner))
			stop(r);
}

bool
runs_undelivered(const struct runs *g)
{
	for (const struct round *r = g->rounds; r; r = r->next)
		if (r->undelivered)
			return true;
	return false;
}

void
runs_free(struct runs *g)
{
	struct round *next;

	for (struct round *r = g->rounds; r; r = next) {
		next = r->next;
		round_free(r);
	}
	g->rounds = NULL;
}
