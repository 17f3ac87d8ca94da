#include "config.h"

#include "manager.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "buffer.h"
#include "connection.h"
#include "delivery.h"
#include "ending.h"
#include "log.h"
#include "options.h"
#include "ready.h"
#include "signals.h"
#include "sink.h"
#include "ticker.h"

/* Without any progress in delivery for this long, ending is over. */
#define PROGRESS_TIMEOUT (5 * SECOND)

/* A connection and its place in the set. */
struct source {
	struct manager *manager;
	struct connection *connection;
	bool ready;   /* in the list of those to pull from */
	bool good;    /* it listens */
	bool settled; /* its first attempt has ended, in either way */
	bool drained; /* nothing more is expected of it in a drain */
};

struct manager {
	struct options *options;
	struct event_base *base;

	struct source *sources;
	size_t source_count;
	struct source **ready, **pulling; /* to pull from in the next pass; in this one */
	size_t ready_count;
	size_t starting, good; /* sources not settled yet; sources that listen */
	size_t draining;       /* sources whose barrier is still to come */
	bool paused;           /* the sinks have no room: nothing is read */

	struct sinks sinks;
	struct delivery *delivery;

	uint64_t taken, taken_at_idle; /* notifications, in all and up to the last idle event */
	int64_t last_taken;            /* monotonic; the start of waiting before the first */
	struct ticker idle, exit_idle; /* -t, -e */
	struct event max_timer, progress_timer;

	enum cause cause;
	int signal;
	enum status failure; /* what a failed connection makes of the exit status */
	struct fence end;
	uint64_t progress; /* sinks_progress() when the progress timer was set */
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
	return m->options->count >= 0 &&
	       m->taken - sinks_discarded(&m->sinks) >= (uint64_t)m->options->count;
}

/* Ending: nothing is read any more; what was read is still pulled, then delivered. */
static void
end(struct manager *m, enum cause cause)
{
	if (m->cause == CAUSE_NONE)
		m->cause = cause;
}

static void
mark_ready(struct source *s)
{
	struct manager *m = s->manager;

	if (s->ready)
		return;
	s->ready = true;
	m->ready[m->ready_count++] = s;
}

/* Every first attempt has ended. */
static void
started(struct manager *m)
{
	const struct options *o = m->options;

	if (m->good == m->source_count)
		ready_tell(o->ready_fd);
	if (is_drain(m))
		return; /* cron mails whatever it sees */
	delivery_started(m->delivery);
	m->last_taken = clock_monotonic();
	if (o->timeout > 0)
		ticker_start(&m->idle, m->base, o->timeout, m->last_taken);
	if (o->exit_idle > 0)
		ticker_start(&m->exit_idle, m->base, o->exit_idle, m->last_taken);
}

static void
settle(struct manager *m, struct source *s)
{
	if (s->settled)
		return;
	s->settled = true;
	if (--m->starting == 0)
		started(m);
}

static void
drained(struct source *s)
{
	if (s->drained)
		return;
	s->drained = true;
	if (--s->manager->draining == 0)
		end(s->manager, CAUSE_DRAINED);
}

static void
on_drained(struct connection *c, void *arg)
{
	(void)c;
	drained(arg);
}

static void
take_listening(struct manager *m, struct source *s, const struct record *r)
{
	s->good = true;
	m->good++;
	sinks_take(&m->sinks, r);
	if (is_drain(m))
		connection_barrier(s->connection, on_drained);
	settle(m, s);
}

/* A connection goes to the garbage; whether pgwait ends for it is decided here. */
static void
take_lost(struct manager *m, struct source *s, const struct record *r)
{
	enum status status = r->phase == LOST_LISTENING ? STATUS_REFUSED : STATUS_LOST;
	struct record told = *r;

	told.attempt = 1;
	told.retry = -1;
	m->good -= s->good;
	s->good = false;
	if (is_drain(m)) {
		told.fatal = true;
		if (m->failure == STATUS_OK)
			m->failure = status;
		drained(s);
	} else if ((r->permanent && !s->settled) || (m->good == 0 && m->starting == !s->settled)) {
		told.fatal = true;
		m->failure = status;
		end(m, CAUSE_LOST);
	}
	sinks_take(&m->sinks, &told);
	settle(m, s);
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
		mark_ready(s);
}

static void
pull_ready(struct manager *m)
{
	struct source **list = m->ready;
	size_t count = m->ready_count;

	/* Who becomes ready meanwhile, even one of these, is pulled in the next pass. */
	m->ready = m->pulling;
	m->pulling = list;
	m->ready_count = 0;
	for (size_t i = 0; i < count; i++)
		list[i]->ready = false;
	for (size_t i = 0; i < count; i++)
		pull(m, list[i], true);
}

static void
pause_sources(struct manager *m, bool paused)
{
	if (m->paused == paused)
		return;
	m->paused = paused;
	for (size_t i = 0; i < m->source_count; i++)
		connection_pause(m->sources[i].connection, paused);
}

static void
check_room(struct manager *m)
{
	bool room = sinks_room(&m->sinks);

	if (!room && !m->paused)
		sinks_tell_full(&m->sinks);
	if (!room && m->options->overflow == OVERFLOW_EXIT)
		end(m, CAUSE_OVERFLOW);
	else
		pause_sources(m, !room);
}

static char *
garbage_labels(const struct manager *m)
{
	struct buffer b = {0};
	char *labels;

	for (size_t i = 0; i < m->source_count; i++) {
		const struct source *s = &m->sources[i];

		if (connection_state(s->connection) == CONN_LOST)
			buffer_addf(&b, "%s%s", buffer_length(&b) ? "\n" : "",
			    connection_label(s->connection));
	}
	labels = xstrndup(buffer_length(&b) ? buffer_content(&b) : "", buffer_length(&b));
	buffer_free(&b);
	return labels;
}

/* After everything that was read, which this pass has pulled. */
static void
idle(struct manager *m)
{
	struct record r = {.kind = RECORD_IDLE, .time = clock_realtime()};
	char *garbage = garbage_labels(m);

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
	m->ending = m->paused = true;
	for (size_t i = 0; i < m->source_count; i++)
		connection_pause(m->sources[i].connection, true);
	for (size_t i = 0; i < m->source_count; i++)
		if (connection_state(m->sources[i].connection) >= CONN_READY)
			pull(m, &m->sources[i], false);
	m->end.passed = on_end_passed;
	m->end.arg = m;
	fence_begin(&m->sinks, &m->end);
	fence_set(&m->sinks, &m->end);
	m->progress = sinks_progress(&m->sinks);
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
	if (delivery_ended(m->delivery))
		end(m, CAUSE_OUTPUT);
	if (m->cause == CAUSE_NONE)
		check_room(m);
	if (m->cause != CAUSE_NONE && !m->ending) {
		begin_end(m);
		pass(m);
	}
}

static void
on_wake(struct connection *c, void *arg)
{
	(void)c;
	mark_ready(arg);
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
	uint64_t progress = sinks_progress(&m->sinks);

	(void)fd;
	(void)what;
	if (progress == m->progress && !sinks_working(&m->sinks)) {
		m->done = m->cut = true;
		return;
	}
	m->progress = progress;
	arm(&m->progress_timer, PROGRESS_TIMEOUT);
}

static void
on_signal(int signo, void *arg)
{
	struct manager *m = arg;

	if (m->signal) {
		sinks_stop(&m->sinks);
		m->done = m->cut = true;
		return;
	}
	m->signal = signo;
	end(m, CAUSE_SIGNAL);
}

static void
start_sources(struct manager *m)
{
	const struct options *o = m->options;
	struct connection_settings settings = {
	    .base = m->base,
	    .policy = {.never_prompt = o->never_prompt, .force_prompt = o->force_prompt},
	    .drain = is_drain(m),
	    .wake = on_wake,
	};

	m->source_count = m->starting = m->draining = o->subscriptions.count;
	m->sources = xcalloc(m->source_count, sizeof *m->sources);
	m->ready = xcalloc(m->source_count, sizeof *m->ready);
	m->pulling = xcalloc(m->source_count, sizeof *m->pulling);
	for (size_t i = 0; i < m->source_count; i++) {
		struct source *s = &m->sources[i];

		s->manager = m;
		settings.arg = s;
		s->connection = connection_new(&o->subscriptions.list[i], &settings);
	}
}

static void
start(struct manager *m)
{
	const struct options *o = m->options;

	evtimer_assign(&m->max_timer, m->base, on_max_time, m);
	evtimer_assign(&m->progress_timer, m->base, on_progress_timeout, m);
	signals_catch(m->base, on_signal, m);
	m->delivery = delivery_new(m->base, o, &m->sinks, on_change, m);
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
	    .any_good = m->good > 0,
	};
	struct ending e = ending_of(&outcome);

	if (!delivery_finish(m->delivery) || m->cut)
		e = (struct ending){STATUS_ERROR, 0};
	for (size_t i = 0; i < m->source_count; i++)
		connection_free(m->sources[i].connection);
	signals_release();
	free(m->sources);
	free(m->ready);
	free(m->pulling);
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
		bool more = m.ready_count && !m.paused;

		event_base_loop(m.base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
		pass(&m);
	}
	return finish(&m);
}
