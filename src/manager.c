#include "config.h"

#include "manager.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "closing.h"
#include "delivery.h"
#include "ending.h"
#include "log.h"
#include "options.h"
#include "pace.h"
#include "ready.h"
#include "signals.h"
#include "sink.h"
#include "source.h"
#include "ticker.h"

/* What a pass may spend on connecting while others have something to say; microseconds. */
#define PACE_BUDGET 2000

struct manager {
	struct options *options;
	struct event_base *base;

	struct sources sources;
	size_t draining; /* sources whose barrier is still to come */
	bool told;       /* that every connection listens */
	bool running;    /* every first attempt has ended */

	struct sinks sinks;
	struct delivery *delivery;

	uint64_t taken, taken_at_idle; /* notifications, in all and up to the last idle event */
	int64_t last_taken;            /* monotonic; the start of waiting before the first */
	struct ticker idle, exit_idle; /* -t, -e */
	int64_t interval;              /* of idle events; not positive: none */
	struct event max_timer;

	manager_signal *handle_signal;
	void *signal_arg;
	enum cause cause;
	int signal;
	enum status failure; /* what a failed connection makes of the exit status */
	struct closing closing;
};

static bool
is_drain(const struct manager *m)
{
	return m->options->timeout == 0;
}

static bool
count_reached(const struct manager *m)
{
	int64_t count = m->options->count;

	return count >= 0 && m->taken >= (uint64_t)count &&
	       m->taken - sinks_discarded(&m->sinks) >= (uint64_t)count;
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
	delivery_started(m->delivery);
	m->last_taken = clock_monotonic();
	m->running = true;
	manager_set_interval(m, m->interval);
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

/* Tells whoever waits for the outcome of an attempt. */
static bool
tell_outcome(struct source *s, const struct record *lost)
{
	source_outcome *outcome = s->outcome;

	s->outcome = NULL;
	return outcome && outcome(s, lost, s->outcome_arg);
}

static void
take_listening(struct manager *m, struct source *s, const struct record *r)
{
	source_listens(s);
	sinks_take(&m->sinks, r);
	if (is_drain(m))
		connection_barrier(s->connection, on_drained);
	(void)tell_outcome(s, NULL);
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
	       (m->options->reconnect == RECONNECT_LOST && !m->running);
}

/* A connection goes to the garbage. */
static void
take_lost(struct manager *m, struct source *s, const struct record *r)
{
	struct record told = *r;
	bool retry = !is_drain(m) && m->options->reconnect != RECONNECT_NEVER && !manager_ends(m);
	bool harmless = tell_outcome(s, r);

	if (s->gone)
		return;
	told.fatal = !harmless && is_fatal(m, s, r);
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
check_room(struct manager *m)
{
	bool room = sinks_room(&m->sinks);

	if (!room && !m->sources.paused)
		sinks_tell_full(&m->sinks);
	if (!room && m->options->overflow == OVERFLOW_EXIT)
		end(m, CAUSE_OVERFLOW);
	else
		sources_pause(&m->sources, !room);
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

/* Once: receiving stops, and all that was received is handed on. */
static void
begin_end(struct manager *m)
{
	sources_pause(&m->sources, true);
	for (size_t i = 0; i < m->sources.count; i++)
		pull(m, m->sources.list[i], false);
	closing_begin(&m->closing, m->base, &m->sinks);
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
	sources_reap(&m->sources);
	if (m->cause != CAUSE_NONE && !m->closing.begun) {
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

/* What is not delivered yet never will be. */
static void
cut(struct manager *m)
{
	sinks_stop(&m->sinks);
	closing_cut(&m->closing);
}

static void
on_max_time(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;

	(void)fd;
	(void)what;
	/* A drain is nearly always at its end already: commands have no other limit. */
	if (is_drain(m) && m->closing.begun)
		cut(m);
	else
		end(m, CAUSE_TIME);
}

static void
on_signal(int signo, void *arg)
{
	struct manager *m = arg;

	if (m->handle_signal && m->handle_signal(signo, m->signal_arg))
		return;
	if (m->signal) {
		cut(m);
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
		(void)sources_add(&m->sources, &o->subscriptions.list[i], true);
	if (m->sources.count == 0) { /* --control will bring some */
		tell_ready(m);
		started(m);
	}
}

struct manager *
manager_new(struct options *options)
{
	struct manager *m = xcalloc(1, sizeof *m);
	struct timeval tv;

	m->options = options;
	m->interval = options->timeout;
	m->base = event_base_new();
	if (!m->base) {
		log_error("could not start the event loop");
		free(m);
		return NULL;
	}
	evtimer_assign(&m->max_timer, m->base, on_max_time, m);
	signals_catch(m->base, on_signal, m);
	m->delivery = delivery_new(m->base, options, &m->sinks, on_change, m);
	if (!m->delivery) {
		signals_release();
		event_base_free(m->base);
		free(m);
		return NULL;
	}
	timeval_from(options->max_time, &tv);
	if (options->max_time > 0)
		event_add(&m->max_timer, &tv);
	start_sources(m);
	return m;
}

void
manager_run(struct manager *m)
{
	while (!m->closing.over) {
		bool more = (m->sources.ready && !m->sources.paused) || pace_waiting();

		event_base_loop(m->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
		pace_run(PACE_BUDGET);
		pass(m);
	}
}

struct ending
manager_finish(struct manager *m)
{
	const struct outcome outcome = {
	    .cause = m->cause,
	    .signal = m->signal,
	    .failure = m->failure,
	    .unmet = m->options->count >= 0 && !count_reached(m),
	    .any_good = m->sources.good > 0,
	};
	struct ending e = ending_of(&outcome);

	if (!delivery_finish(m->delivery) || m->closing.cut)
		e = (struct ending){STATUS_ERROR, 0};
	sources_free(&m->sources);
	signals_release();
	event_base_free(m->base);
	free(m);
	return e;
}

struct event_base *
manager_base(const struct manager *m)
{
	return m->base;
}

struct sources *
manager_sources(struct manager *m)
{
	return &m->sources;
}

struct sinks *
manager_sinks(struct manager *m)
{
	return &m->sinks;
}

void
manager_set_interval(struct manager *m, int64_t us)
{
	m->interval = us;
	ticker_stop(&m->idle);
	if (m->running && us > 0)
		ticker_start(&m->idle, m->base, us, clock_monotonic());
}

void
manager_disconnect(struct manager *m, struct source *s)
{
	connection_pause(s->connection, true);
	pull(m, s, false);
	sources_remove(s);
}

void
manager_quit(struct manager *m)
{
	end(m, CAUSE_ASKED);
}

bool
manager_ends(const struct manager *m)
{
	return m->cause != CAUSE_NONE;
}

void
manager_on_signal(struct manager *m, manager_signal *handle, void *arg)
{
	m->handle_signal = handle;
	m->signal_arg = arg;
}
