#include "config.h"

#include "manager.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "buffer.h"
#include "ending.h"
#include "hook.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "pace.h"
#include "ready.h"
#include "report.h"
#include "signals.h"
#include "source.h"
#include "ticker.h"

/* What a pass may spend on connecting while others have something to say; microseconds. */
#define PACE_BUDGET 2000

/* Without any progress in delivery for this long, ending is over. */
#define PROGRESS_TIMEOUT (5 * SECOND)

struct manager {
	struct options *options;
	struct event_base *base;

	struct sources sources;
	size_t draining; /* sources whose barrier is still to come */
	bool listened;   /* some connection did, at some time */
	bool told;       /* that every connection listens */
	bool warned;     /* that the sinks had no room */

	struct sinks sinks;
	struct output *output;
	struct hook *hook; /* or NULL */
	struct report *report;

	uint64_t taken, taken_at_idle; /* notifications, in all and up to the last idle event */
	int64_t last_taken;            /* monotonic; the start of waiting before the first */
	struct ticker idle, exit_idle; /* -t, -e */
	struct event max_timer, progress_timer;

	enum cause cause;
	int signal;
	enum status failure; /* what a failed connection makes of the exit status */
	struct fence end;
	uint64_t progress; /* sinks_delivered() when the progress timer was set */
	bool ending;       /* begin_end() was done */
	bool done, cut;    /* out of the loop; with something undelivered */
};

static void
arm(struct event *timer, int64_t us)
{
	struct timeval tv;

	timeval_from(us, &tv);
	event_add(timer, &tv);
}

static bool
is_drain(const struct manager *m)
{
	return m->options->timeout == 0;
}

static bool
count_reached(const struct manager *m)
{
	return m->options->count >= 0 && m->taken >= (uint64_t)m->options->count;
}

/* Ending: nothing is read any more; what was read is still pulled, then delivered. */
static void
end(struct manager *m, enum cause cause)
{
	if (m->cause == CAUSE_NONE)
		m->cause = cause;
}

/* Every connection listens, now or some time after the start. */
static void
tell_ready(struct manager *m)
{
	if (m->told || m->sources.good < m->sources.count)
		return;
	m->told = true;
	ready_tell(m->options->ready_fd);
}

/* Every first attempt has ended. */
static void
started(struct manager *m)
{
	const struct options *o = m->options;

	if (is_drain(m))
		return; /* cron mails whatever it sees */
	report_started(m->report);
	m->last_taken = clock_monotonic();
	if (o->timeout > 0)
		ticker_start(&m->idle, m->base, o->timeout, m->last_taken);
	if (o->exit_idle > 0)
		ticker_start(&m->exit_idle, m->base, o->exit_idle, m->last_taken);
}

static void
drained(struct manager *m, struct source *s)
{
	if (s->drained)
		return;
	s->drained = true;
	if (--m->draining == 0)
		end(m, CAUSE_DRAINED);
}

static void
on_drained(struct connection *c, void *arg)
{
	struct source *s = arg;

	(void)c;
	drained(s->set->manager, s);
}

static void
take_listening(struct manager *m, struct source *s, const struct record *r)
{
	m->listened = true;
	source_listens(s);
	sinks_take(&m->sinks, r);
	if (is_drain(m))
		connection_barrier(s->connection, on_drained);
	if (source_settle(s))
		started(m);
	tell_ready(m); /* after the line on stderr: who waits for it may write there too */
}

/* Whether pgwait ends because this connection failed (man page, When a connection fails). */
static bool
is_fatal(const struct manager *m, const struct source *s, const struct record *r)
{
	size_t others_good = m->sources.good - s->good;
	size_t others_starting = m->sources.starting - !s->settled;

	if (is_drain(m) || (r->permanent && !s->settled))
		return true;
	if (others_good > 0 || others_starting > 0)
		return false;
	return m->options->reconnect == RECONNECT_NEVER ||
	       (m->options->reconnect == RECONNECT_LOST && !m->listened);
}

/* A connection goes to the garbage. */
static void
take_lost(struct manager *m, struct source *s, const struct record *r)
{
	struct record told = *r;
	bool retry = !is_drain(m) && m->options->reconnect != RECONNECT_NEVER;

	told.fatal = is_fatal(m, s, r);
	told.retry = source_fails(s, retry && !told.fatal);
	told.attempt = s->attempt;
	if (told.fatal && m->failure == STATUS_OK)
		m->failure = r->phase == LOST_LISTENING ? STATUS_REFUSED : STATUS_LOST;
	sinks_take(&m->sinks, &told);
	if (is_drain(m))
		drained(m, s);
	else if (told.fatal)
		end(m, CAUSE_LOST);
	if (source_settle(s))
		started(m);
}

static void
take_notification(struct manager *m, const struct record *r)
{
	sinks_take(&m->sinks, r);
	m->taken++;
	if (count_reached(m))
		end(m, CAUSE_COUNT);
}

/* Everything that a source has now, while there is room for it. */
static void
pull(struct manager *m, struct source *s, bool need_room)
{
	const struct record *r;
	uint64_t before = m->taken;
	bool dry = false;

	while (!count_reached(m) && (!need_room || sinks_room(&m->sinks))) {
		r = connection_next(s->connection);
		dry = !r;
		if (dry)
			break;
		switch (r->kind) {
		case RECORD_NOTIFICATION:
			take_notification(m, r);
			break;
		case RECORD_LISTENING:
			take_listening(m, s, r);
			break;
		case RECORD_LOST:
			take_lost(m, s, r);
			break;
		default:
			break;
		}
	}
	if (m->taken > before)
		m->last_taken = clock_monotonic();
	if (!dry)
		source_mark(s);
}

static void
pull_ready(struct manager *m)
{
	struct source *s = sources_take_ready(&m->sources), *next;

	for (; s; s = next) {
		next = s->next_ready;
		pull(m, s, true);
	}
}

static void
pause_sources(struct manager *m, bool paused)
{
	if (paused && !m->warned)
		log_warning(
		    "the reader of standard output is too slow: the buffer of %zu MiB is full, "
		    "notifications wait in the server's queue",
		    OUTPUT_BUFFER >> 20);
	m->warned |= paused;
	sources_pause(&m->sources, paused);
}

/* After everything that was read, which this pass has pulled. */
static void
idle(struct manager *m)
{
	struct record r = {.kind = RECORD_IDLE, .time = clock_realtime()};
	char *garbage = sources_garbage(&m->sources);

	r.count = m->taken - m->taken_at_idle;
	r.garbage = garbage;
	m->taken_at_idle = m->taken;
	sinks_take(&m->sinks, &r);
	free(garbage);
}

static void
on_end_passed(struct fence *f, void *arg)
{
	struct manager *m = arg;

	(void)f;
	m->done = true;
}

/* Once: receiving stops, and all that was received is handed on. */
static void
begin_end(struct manager *m)
{
	m->ending = true;
	sources_pause(&m->sources, true);
	for (size_t i = 0; i < m->sources.count; i++)
		pull(m, m->sources.list[i], false);
	m->end.passed = on_end_passed;
	m->end.arg = m;
	sinks_fence(&m->sinks, &m->end);
	m->progress = sinks_delivered(&m->sinks);
	arm(&m->progress_timer, PROGRESS_TIMEOUT);
}

/* One pass of the loop: see HACKING.md for the order. */
static void
pass(struct manager *m)
{
	const struct options *o = m->options;

	if (m->cause == CAUSE_NONE)
		pull_ready(m);
	if (m->cause == CAUSE_NONE && ticker_ticks(&m->idle, o->idle_restart ? m->last_taken : 0))
		idle(m);
	if (m->cause == CAUSE_NONE && ticker_ticks(&m->exit_idle, m->last_taken))
		end(m, CAUSE_TIME);
	sinks_pass(&m->sinks);
	if (output_ended(m->output)) {
		end(m, CAUSE_OUTPUT);
		if (m->ending && !sinks_working(&m->sinks))
			m->done = true;
	}
	if (m->cause == CAUSE_NONE) {
		pause_sources(m, !sinks_room(&m->sinks));
	} else if (!m->ending) {
		begin_end(m);
		pass(m);
	}
}

/* A sink can go on: the pass that follows every turn of the loop does the rest. */
static void
on_change(void *arg)
{
	(void)arg;
}

static void
on_max_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end(arg, CAUSE_TIME);
}

static void
on_progress_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;
	uint64_t delivered = sinks_delivered(&m->sinks);

	(void)fd;
	(void)what;
	if (delivered == m->progress && !sinks_working(&m->sinks)) {
		m->done = m->cut = true;
		return;
	}
	m->progress = delivered;
	arm(&m->progress_timer, PROGRESS_TIMEOUT);
}

static void
on_signal(int signo, void *arg)
{
	struct manager *m = arg;

	if (m->signal) {
		hook_terminate(m->hook);
		m->done = m->cut = true;
		return;
	}
	m->signal = signo;
	end(m, CAUSE_SIGNAL);
}

static void
start_sources(struct manager *m)
{
	struct options *o = m->options;
	const struct connection_settings settings = {
	    .base = m->base,
	    .policy = {.never_prompt = o->never_prompt, .force_prompt = o->force_prompt},
	    .drain = is_drain(m),
	    .heartbeat = o->heartbeat,
	};

	sources_init(&m->sources, m, &settings);
	m->draining = o->subscriptions.count;
	for (size_t i = 0; i < o->subscriptions.count; i++)
		sources_add(&m->sources, &o->subscriptions.list[i]);
}

static void
start(struct manager *m)
{
	const struct options *o = m->options;

	evtimer_assign(&m->max_timer, m->base, on_max_time, m);
	evtimer_assign(&m->progress_timer, m->base, on_progress_timeout, m);
	signals_catch(m->base, on_signal, m);
	m->output = output_new(m->base, o->format, on_change, m);
	m->report = report_new();
	sinks_add(&m->sinks, output_sink(m->output));
	sinks_add(&m->sinks, report_sink(m->report));
	if (o->idle_cmd && !is_drain(m)) {
		m->hook = hook_new(m->base, o->idle_cmd, o->cmd_timeout, on_change, m);
		sinks_add(&m->sinks, hook_sink(m->hook));
	}
	if (o->max_time > 0)
		arm(&m->max_timer, o->max_time);
	start_sources(m);
}

static struct ending
finish(struct manager *m)
{
	const struct outcome outcome = {
	    .cause = m->cause,
	    .signal = m->signal,
	    .failure = m->failure,
	    .unmet = m->options->count >= 0 && !count_reached(m),
	    .any_good = m->sources.good > 0,
	};
	struct ending e = ending_of(&outcome);

	if (!output_finish(m->output) || m->cut)
		e = (struct ending){STATUS_ERROR, 0};
	sources_free(&m->sources);
	signals_release();
	report_free(m->report);
	hook_free(m->hook);
	event_base_free(m->base);
	return e;
}

struct ending
manager_run(struct options *options)
{
	struct manager m = {.options = options, .base = event_base_new()};

	if (!m.base) {
		log_error("could not start the event loop");
		return (struct ending){STATUS_ERROR, 0};
	}
	start(&m);
	while (!m.done) {
		bool more = (m.sources.ready && !m.sources.paused) || pace_waiting();

		event_base_loop(m.base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
		pace_run(PACE_BUDGET);
		pass(&m);
	}
	return finish(&m);
}
