#include "config.h"

#include "manager/catchups.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/log.h"
#include "manager/backoff.h"
#include "manager/catchup.h"
#include "manager/source.h"

/* What there is to know of one connection's catch-ups. */
struct round {
	struct catchups *all;
	struct source *source;
	struct catchup *run; /* NULL: none runs */
	struct record last;  /* how it ended; its strings are the run's */
	bool again;          /* LISTEN took effect on another channel while it ran */
	bool succeeded, undelivered;
	unsigned attempt; /* failed ones in a row */
	struct backoff backoff;
	struct event retry;
	struct catchup *ended; /* freed when its record is not needed any more */
	struct round *next;
};

void
catchups_init(
    struct catchups *g, struct event_base *base, struct sinks *sinks, const struct options *options)
{
	*g = (struct catchups){.base = base, .sinks = sinks, .options = options};
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
	const struct catchup_settings settings = {
	    .base = r->all->base,
	    .sinks = r->all->sinks,
	    .target = s->subscription.target,
	    .beside = connection_conn(s->connection),
	    .origin = connection_origin(s->connection),
	    .channel = s->subscription.channels[0],
	    .sql = r->all->options->catchup_sql,
	    .wake = on_wake,
	    .arg = r,
	};

	event_del(&r->retry);
	r->run = catchup_start(&settings);
	catchup_pause(r->run, r->all->paused);
	r->all->running++;
}

/* The statement must not run for nobody. */
static bool
may_start(const struct catchups *g, const struct source *s)
{
	return g->options->catchup_sql && !g->ended && s->good && s->subscription.count;
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
add(struct catchups *g, struct source *s)
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
catchups_start(struct catchups *g, struct source *s)
{
	struct round *r = s->round;

	if (!may_start(g, s))
		return;
	if (!r)
		r = add(g, s);
	r->again = r->run != NULL;
	if (!r->run)
		start(r);
}

bool
catchups_runs(const struct source *s)
{
	return s->round && s->round->run;
}

/* The run leaves; its last record can be looked at until the next call. */
static void
retire(struct round *r)
{
	catchup_free(r->ended);
	r->ended = r->run;
	r->run = NULL;
	r->all->running--;
}

/* What no retry mends ends pgwait at the start, as with LISTEN; in a drain there is no retry. */
static bool
is_fatal(const struct round *r, const struct record *failed)
{
	const struct options *o = r->all->options;

	if (failed->trouble == CATCHUP_CONFLICT)
		return false;
	if (o->timeout == 0)
		return true;
	if (failed->trouble == CATCHUP_UNREACHED && o->reconnect == RECONNECT_NEVER)
		return true;
	return r->source->at_start && !r->succeeded &&
	       (failed->trouble == CATCHUP_REFUSED || failed->permanent);
}

static void
judge(struct round *r, struct record *failed)
{
	struct timeval tv;

	r->undelivered = failed->trouble == CATCHUP_UNDELIVERED;
	failed->attempt = ++r->attempt;
	failed->fatal = is_fatal(r, failed);
	failed->retry = -1;
	if (failed->fatal || r->all->ended)
		return;
	failed->retry = backoff_next(&r->backoff, 0);
	timeval_from(failed->retry, &tv);
	event_add(&r->retry, &tv);
}

static void
succeed(struct round *r)
{
	r->succeeded = true;
	r->undelivered = false;
	r->attempt = 0;
	r->backoff = (struct backoff){0};
	if (r->again && may_start(r->all, r->source))
		start(r);
	r->again = false;
}

const struct record *
catchups_next(struct source *s, bool room)
{
	struct round *r = s->round;
	const struct record *record = r && r->run ? catchup_next(r->run, room) : NULL;
	bool failed, repeated;

	/* The rest may have arrived already: going on from a pause is what wakes. */
	if (r && r->run && !room)
		catchups_pause(r->all, true);
	if (!record || record->kind == RECORD_NOTIFICATION)
		return record;
	failed = record->kind == RECORD_CATCHUP_FAILED;
	repeated = failed && r->attempt && strcmp(r->last.reason, record->reason) == 0;
	r->last = *record;
	r->last.repeated = repeated;
	retire(r);
	if (failed)
		judge(r, &r->last);
	else
		succeed(r);
	return &r->last;
}

void
catchups_pause(struct catchups *g, bool paused)
{
	if (g->paused == paused)
		return;
	g->paused = paused;
	for (struct round *r = g->rounds; r; r = r->next)
		if (r->run)
			catchup_pause(r->run, paused);
}

static void
stop(struct round *r)
{
	event_del(&r->retry);
	r->again = false;
	if (!r->run)
		return;
	if (catchup_commits(r->run))
		log_warning(
		    "the commit of the catch-up on \"%s\" was not answered: whether its rows, "
		    "%" PRIu64 ", stay in the table is not known",
		    connection_label(r->source->connection), catchup_rows(r->run));
	else if (catchup_rows(r->run))
		log_warning("the catch-up on \"%s\" was rolled back: its rows, %" PRIu64
			    " so far, stay in the table",
		    connection_label(r->source->connection), catchup_rows(r->run));
	catchup_free(r->run);
	r->run = NULL;
	r->all->running--;
}

static void
round_free(struct round *r)
{
	stop(r);
	catchup_free(r->ended);
	r->source->round = NULL;
	free(r);
}

void
catchups_stop(struct source *s)
{
	if (s->round)
		stop(s->round);
}

void
catchups_forget(struct catchups *g, struct source *s)
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
catchups_end(struct catchups *g)
{
	g->ended = true;
	for (struct round *r = g->rounds; r; r = r->next)
		if (!r->run || !catchup_has_all(r->run))
			stop(r);
}

bool
catchups_undelivered(const struct catchups *g)
{
	for (const struct round *r = g->rounds; r; r = r->next)
		if (r->undelivered)
			return true;
	return false;
}

void
catchups_free(struct catchups *g)
{
	struct round *next;

	for (struct round *r = g->rounds; r; r = next) {
		next = r->next;
		round_free(r);
	}
	g->rounds = NULL;
}
