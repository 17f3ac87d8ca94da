#include "config.h"

#include "manager/manager.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/loop.h"
#include "base/pace.h"
#include "base/signals.h"
#include "manager/activity.h"
#include "manager/delivery.h"
#include "manager/intake.h"
#include "manager/standing.h"
#include "settings/options.h"

/* What a pass may spend on connecting while others have something to say; microseconds. */
#define PACE_BUDGET 2000

/* At the end, only what the last catch-ups have to say. */
static void
pull_ready(struct manager *m)
{
	struct source *s;

	sources_begin_turn(&m->sources);
	while ((s = sources_next_ready(&m->sources))) {
		if (m->cause == CAUSE_NONE)
			intake_pull(m, s, true);
		intake_pull_rows(m, s);
	}
}

static void
pause_sources(struct manager *m, bool paused)
{
	if (m->sources.paused && !paused)
		m->read_since = clock_monotonic();
	sources_pause(&m->sources, paused);
}

/* Silence is time in which no notification came to those who read. */
static bool
is_silent(struct manager *m)
{
	int64_t since = m->last_taken > m->read_since ? m->last_taken : m->read_since;

	return ticker_ticks(&m->exit_idle, since) && !m->sources.paused;
}

static void
check_room(struct manager *m)
{
	bool room = intake_room(m);

	if (!room && !m->sources.paused)
		sinks_tell_full(&m->sinks);
	if (!room && m->options->overflow == OVERFLOW_EXIT)
		intake_end(m, CAUSE_OVERFLOW);
	else
		pause_sources(m, !room);
	catching_pause(&m->catching, !sinks_room_for_row(&m->sinks));
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
show_activity(struct manager *m)
{
	struct activity_facts f = {
	    .good = m->sources.good, .received = m->taken, .last = m->last_taken};

	if (!m->activity)
		return;
	f.failed = sources_failed(&m->sources);
	f.connecting = m->sources.count - f.good - f.failed;
	activity_show(m->activity, &f);
}

/* Once: receiving stops, and all that was received is handed on. */
static void
begin_end(struct manager *m)
{
	activity_free(m->activity);
	m->activity = NULL;
	sources_pause(&m->sources, true);
	if (m->cause == CAUSE_OUTPUT &&
	    (m->catching.running || (intake_is_drain(m) && m->options->catchup_sql))) {
		log_error("standard output ended before the catch-up was over");
		m->failure = STATUS_ERROR;
	}
	catching_end(&m->catching);
	intake_hand_on(m, false);
	for (size_t i = 0; i < m->sources.count; i++)
		intake_pull(m, m->sources.list[i], false);
	for (size_t i = 0; i < m->sources.parting_count; i++)
		intake_pull(m, m->sources.parting[i], false);
	if (m->cause == CAUSE_TIME)
		intake_tell_unsettled(m);
	for (size_t i = 0; i < m->catching.running; i++)
		closing_hold(&m->closing);
	standing_end(m->standing);
	closing_begin(&m->closing, m->base, &m->sinks);
}

/* One pass of the loop: see HACKING.md for the order. */
static void
pass(struct manager *m)
{
	const struct options *o = m->options;

	intake_standing(m);
	if (m->cause == CAUSE_NONE)
		intake_hand_on(m, true);
	if (m->cause == CAUSE_NONE || m->closing.begun)
		pull_ready(m);
	if (m->cause == CAUSE_NONE && ticker_ticks(&m->idle, o->idle_restart ? m->last_taken : 0) &&
	    m->active)
		idle(m);
	if (m->cause == CAUSE_NONE && is_silent(m))
		intake_end(m, CAUSE_TIME);
	standing_fence(m->standing);
	sinks_pass(&m->sinks);
	if (delivery_ended(m->delivery))
		intake_end(m, CAUSE_OUTPUT);
	if (m->cause == CAUSE_NONE)
		check_room(m);
	sources_part(&m->sources, intake_parts, intake_goes);
	if (m->cause != CAUSE_NONE && !m->closing.begun) {
		begin_end(m);
		pass(m);
	}
	show_activity(m);
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
	if (intake_is_drain(m) && m->closing.begun)
		cut(m);
	else
		intake_end(m, CAUSE_TIME);
	if (intake_is_drain(m) && !m->closing.begun && sinks_working(&m->sinks))
		event_add(&m->max_timer, &(struct timeval){0, 0}); /* once the end has begun */
}

/*
 * What listens is told also where another connection does not get that far, and the first attempts do not end.
 */
static void
on_start_time(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;
	size_t good = m->sources.good;

	(void)fd;
	(void)what;
	if (good && good == m->good_before)
		delivery_started(m->delivery);
	else if (!m->running)
		event_add(&m->start_timer, &(struct timeval){1, 0});
	m->good_before = good;
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
	intake_end(m, CAUSE_SIGNAL);
}

static void
start_sources(struct manager *m)
{
	struct options *o = m->options;
	const struct connection_settings settings = {
	    .base = m->base,
	    .policy = {.never_prompt = o->never_prompt, .force_prompt = o->force_prompt},
	    .drain = intake_is_drain(m),
	    .heartbeat = o->heartbeat,
	};
	const struct standing_settings standing = {
	    .base = m->base,
	    .key = o->exclusive,
	    .sources = &m->sources,
	    .sinks = &m->sinks,
	    .keeps = !intake_is_drain(m),
	};

	sources_init(&m->sources, m, &settings);
	catching_init(&m->catching, m->base, &m->sinks, o);
	if (o->exclusive)
		m->standing = standing_new(&standing);
	m->active = !o->exclusive;
	for (size_t i = 0; i < o->subscriptions.count; i++)
		(void)sources_add(&m->sources, &o->subscriptions.list[i], true);
	if (m->sources.count == 0) /* --control will bring some */
		intake_started(m);
}

struct manager *
manager_new(struct options *options)
{
	struct manager *m = xcalloc(1, sizeof *m);
	struct timeval tv;

	m->options = options;
	m->interval = options->timeout;
	m->base = loop_new();
	if (!m->base || !signals_catch(m->base, options->config, on_signal, m)) {
		if (m->base)
			loop_free(m->base);
		free(m);
		return NULL;
	}
	evtimer_assign(&m->max_timer, m->base, on_max_time, m);
	evtimer_assign(&m->start_timer, m->base, on_start_time, m);
	event_add(&m->start_timer, &(struct timeval){1, 0});
	m->delivery = delivery_new(m->base, options, &m->sinks, on_change, m);
	if (!m->delivery) {
		signals_release();
		loop_free(m->base);
		free(m);
		return NULL;
	}
	m->activity = options->status_line ? activity_new(m->base) : NULL;
	timeval_from(options->max_time, &tv);
	if (options->max_time > 0)
		event_add(&m->max_timer, &tv);
	start_sources(m);
	return m;
}

void
manager_run(struct manager *m)
{
	while (!closing_is_over(&m->closing)) {
		/* At the end it is catch-ups that wait to be pulled. */
		bool pull = m->closing.begun ? m->catching.running > 0 : !m->sources.paused;
		bool ready = m->sources.ready || standing_waits(m->standing);
		bool more = (ready && pull) || sources_leave(&m->sources) || pace_waiting();

		loop_turn(m->base, more);
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
	    .unmet = m->options->count >= 0 && !intake_count_reached(m),
	    .any_good = m->sources.good > 0,
	};
	struct ending e = ending_of(&outcome);
	bool undelivered = catching_undelivered(&m->catching);

	/* In the reverse order of their making: what waits for an answer is told while the sinks are there. */
	standing_free(m->standing);
	catching_free(&m->catching);
	sources_free(&m->sources);
	activity_free(m->activity);
	if (!delivery_finish(m->delivery) || m->closing.cut || undelivered)
		e = (struct ending){STATUS_ERROR, 0};
	signals_release();
	loop_free(m->base);
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
	intake_set_interval(m, us);
}

void
manager_listens(struct manager *m, struct source *s)
{
	if (m->active)
		catching_start(&m->catching, s);
}

void
manager_quit(struct manager *m)
{
	intake_end(m, CAUSE_ASKED);
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
