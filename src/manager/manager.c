#include "config.h"

#include "manager/manager.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/loop.h"
#include "base/signals.h"
#include "base/work_queue.h"
#include "manager/delivery.h"
#include "manager/dispatch.h"
#include "manager/exclusive.h"
#include "manager/exclusive_connection.h"
#include "manager/manager_internal.h"
#include "manager/status_text.h"
#include "manager/systemd.h"
#include "settings/options.h"

/* What a pass may spend on opening and closing connections while none of the others has something to say; microseconds. */
#define WORK_BUDGET 2000

/* Pulls every connection that is marked; at the end only the last rows and results of runs. */
static void
pull_ready(struct manager *m)
{
	struct source *s;

	sources_begin_turn(&m->sources);
	while ((s = sources_next_ready(&m->sources))) {
		if (m->cause == CAUSE_NONE)
			dispatch_pull(m, s, true);
		if (m->runs.sql)
			dispatch_pull_rows(m, s);
	}
}

/* Pulls what came: first of the lock, then of the connections. */
static void
receive(struct manager *m)
{
	dispatch_exclusive(m);
	if (m->cause == CAUSE_NONE)
		dispatch_hand_on(m, true);
	if (m->cause == CAUSE_NONE || m->shutdown.begun)
		pull_ready(m);
}

/*
 * Does steps of opening and closing connections: one if others had something to say, else as many as the budget allows. What a
 * step brings, such as a loss, is pulled at once, so that its time counts, too.
 */
static void
receive_and_work(struct manager *m)
{
	int64_t budget = m->sources.ready ? 0 : WORK_BUDGET, end = 0;

	receive(m);
	while (work_queue_waiting() && (!end || clock_monotonic() < end)) {
		end = end ? end : clock_monotonic() + budget;
		work_queue_run(0);
		receive(m);
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

	return ticker_ticks(&m->exit_idle, since) && !m->sources.paused && m->active;
}

static void
check_room(struct manager *m)
{
	bool room = dispatch_room(m);
	/* What was kept was received before: while it is handed on, the servers wait. */
	bool ends =
	    !room && m->options->overflow == OVERFLOW_EXIT && !exclusive_waits(m->exclusive);

	if (ends || (!room && !m->sources.paused))
		sinks_tell_full(&m->sinks, ends);
	if (ends)
		dispatch_end(m, CAUSE_OVERFLOW);
	else
		pause_sources(m, !room);
	runs_pause(&m->runs, !sinks_room_for_row(&m->sinks));
}

/* After everything that was read, which this pass has pulled. */
static RARELY void
idle(struct manager *m)
{
	struct record r = {.kind = RECORD_IDLE, .time = clock_realtime()};
	char *garbage = sources_garbage(&m->sources);

	r.count = m->taken - m->taken_at_idle;
	r.garbage = garbage;
	m->taken_at_idle = m->taken;
	sinks_take(&m->sinks, &r);
	free(garbage);
	if (!dispatch_count_reached(m))
		for (size_t i = 0; i < m->sources.count; i++)
			runs_wake(&m->runs, m->sources.list[i]);
}

static RARELY void
show_status_text(struct manager *m)
{
	struct status_text_facts f = {
	    .good = m->sources.good, .received = m->taken, .last = m->last_taken};

	f.failed = sources_failed(&m->sources);
	f.connecting = m->sources.count - f.good - f.failed;
	status_text_show(m->status_text, &f);
}

/* Says how far each connection got whose first attempt did not end in time; in a drain, each that is not drained. */
static void
tell_unsettled(struct manager *m)
{
	bool draining = dispatch_is_drain(m);

	for (size_t i = 0; i < m->sources.count; i++) {
		const struct source *s = m->sources.list[i];
		const char *progress = connection_progress(s->connection);
		const char *label = source_label(s);

		if (draining && s->good && !s->drained)
			log_error("\"%s\" was not drained in time", label);
		else if (!s->settled && (draining || m->sources.good == 0))
			log_error("could not listen on \"%s\" in time: %s", label, progress);
		else if (!s->settled)
			log_warning("could not listen on \"%s\" in time: %s", label, progress);
	}
}

static RARELY void
tell_systemd(struct manager *m)
{
	struct systemd_facts f = {.good = m->sources.good, .active = m->active};

	f.lost = sources_failed(&m->sources);
	f.connecting = m->sources.count - f.good - f.lost;
	for (size_t i = 0; i < m->sources.count; i++)
		if (m->sources.list[i]->good)
			f.channels += m->sources.list[i]->subscription.count;
	systemd_pass(m->systemd, &f);
}

/* Runs once, when there is a cause to end: stops receiving, and delivers all that was received. */
static RARELY void
begin_end(struct manager *m)
{
	status_text_free(m->status_text);
	m->status_text = NULL;
	systemd_stopping(m->systemd);
	sources_pause(&m->sources, true);
	if (m->cause == CAUSE_OUTPUT &&
	    (m->runs.running || (dispatch_is_drain(m) && m->runs.sql))) {
		log_error("standard output ended before %s was over",
		    m->runs.work ? "the run of --work-sql" : "the catch-up");
		m->failure = STATUS_ERROR;
	}
	runs_end(&m->runs);
	dispatch_hand_on(m, false);
	for (size_t i = 0; i < m->sources.count; i++)
		dispatch_pull(m, m->sources.list[i], false);
	for (size_t i = 0; i < m->sources.parting_count; i++)
		dispatch_pull(m, m->sources.parting[i], false);
	if (m->cause == CAUSE_TIME)
		tell_unsettled(m);
	for (size_t i = 0; i < m->runs.running; i++)
		shutdown_hold(&m->shutdown);
	dispatch_undelivered(m, exclusive_end(m->exclusive));
	shutdown_begin(&m->shutdown, m->base, &m->sinks);
}

/* One pass of the loop: see HACKING.md for the order. */
static void
pass(struct manager *m)
{
	receive_and_work(m);
	if (m->cause == CAUSE_NONE &&
	    ticker_ticks(&m->idle, m->options->idle_restart ? m->last_taken : 0) && m->active)
		idle(m);
	if (m->cause == CAUSE_NONE && is_silent(m))
		dispatch_end(m, CAUSE_TIME);
	if (m->exclusive)
		exclusive_fence(m->exclusive);
	sinks_pass(&m->sinks);
	if (delivery_ended(m->delivery))
		dispatch_end(m, CAUSE_OUTPUT);
	if (m->cause == CAUSE_NONE)
		check_room(m);
	if (sources_leave(&m->sources))
		sources_part(&m->sources, dispatch_parts, dispatch_goes);
	if (m->cause != CAUSE_NONE && !m->shutdown.begun) {
		begin_end(m);
		pass(m);
	}
	if (m->status_text)
		show_status_text(m);
	if (m->systemd)
		tell_systemd(m);
	if (m->passed)
		m->passed(m->passed_arg);
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
	shutdown_cut(&m->shutdown);
}

static void
on_max_time(evutil_socket_t fd, short what, void *arg)
{
	struct manager *m = arg;

	(void)fd;
	(void)what;
	/*
	 * In a drain the end has nearly always begun by now, and waits for commands, which have no
	 * other time limit.
	 */
	if (dispatch_is_drain(m) && m->shutdown.begun)
		cut(m);
	else
		dispatch_end(m, CAUSE_TIME);
	if (dispatch_is_drain(m) && !m->shutdown.begun && sinks_working(&m->sinks))
		event_add(&m->max_timer, &(struct timeval){0, 0}); /* once the end has begun */
}

/* Has pgwait say which connections listen, even if the first attempt of another connection does not end. */
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
	dispatch_end(m, CAUSE_SIGNAL);
}

static void
start_sources(struct manager *m)
{
	struct options *o = m->options;
	const struct connection_settings settings = {
	    .base = m->base,
	    .policy = {.never_prompt = o->never_prompt, .force_prompt = o->force_prompt},
	    .drain = dispatch_is_drain(m),
	    .heartbeat = o->heartbeat,
	};
	const struct exclusive_settings exclusive = {
	    .base = m->base,
	    .key = o->exclusive,
	    .sources = &m->sources,
	    .sinks = &m->sinks,
	    .keeps = !dispatch_is_drain(m) && !o->work_sql,
	};

	sources_init(&m->sources, m, &settings);
	runs_init(&m->runs, m->base, &m->sinks, o);
	if (o->exclusive)
		m->exclusive = exclusive_new(&exclusive);
	m->active = !o->exclusive;
	m->delivers_all = !o->exclusive && !o->work_sql;
	for (size_t i = 0; i < o->subscriptions.count; i++)
		(void)manager_add(m, &o->subscriptions.list[i], true);
	if (m->sources.count == 0) /* --control will bring some */
		dispatch_started(m);
}

struct manager *
manager_new(struct options *options)
{
	struct manager *m = xcalloc(1, sizeof *m);
	struct timeval tv;

	m->options = options;
	m->began = clock_realtime();
	m->interval = options->timeout;
	m->count = options->count < 0 ? UINT64_MAX : (uint64_t)options->count;
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
	m->status_text = options->status_line ? status_text_new(m->base) : NULL;
	m->systemd = systemd_new(m->base);
	timeval_from(options->max_time, &tv);
	if (options->max_time > 0)
		event_add(&m->max_timer, &tv);
	start_sources(m);
	return m;
}

void
manager_run(struct manager *m)
{
	while (!shutdown_is_over(&m->shutdown)) {
		/* At the end it is runs that wait to be pulled. */
		bool pull = m->shutdown.begun ? m->runs.running > 0 : !m->sources.paused;
		bool kept = m->cause == CAUSE_NONE && !dispatch_count_reached(m) &&
			    exclusive_hands_on(m->exclusive);
		bool more = (m->sources.ready && pull) || kept || sources_leave(&m->sources) ||
			    work_queue_waiting();

		loop_turn(m->base, more);
		pass(m);
	}
}

struct exit_status
manager_finish(struct manager *m)
{
	const struct outcome outcome = {
	    .cause = m->cause,
	    .signal = m->signal,
	    .failure = m->failure,
	    .unmet = m->count != UINT64_MAX && !dispatch_count_reached(m),
	    .any_good = m->sources.good > 0,
	};
	struct exit_status e = exit_status_of(&outcome);
	bool undelivered = runs_undelivered(&m->runs);

	/* In the reverse order of their making: what waits for an answer is told while the sinks are there. */
	exclusive_free(m->exclusive);
	runs_free(&m->runs);
	sources_free(&m->sources);
	status_text_free(m->status_text);
	systemd_free(m->systemd);
	if (!delivery_finish(m->delivery) || m->shutdown.cut || undelivered)
		e = (struct exit_status){STATUS_ERROR, 0};
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

const char *
manager_exclusive(const struct manager *m)
{
	if (!m->exclusive)
		return NULL;
	return m->active ? "active" : "waiting";
}

struct spool *
manager_spool(const struct manager *m)
{
	return delivery_spool(m->delivery);
}

int64_t
manager_began(const struct manager *m)
{
	return m->began;
}

const char *
manager_phase(const struct manager *m)
{
	if (m->cause != CAUSE_NONE)
		return "ending";
	return m->sources.starting ? "starting" : "running";
}

uint64_t
manager_changes(const struct manager *m)
{
	return m->sources.changes << 2 | (uint64_t)m->active << 1 | (m->cause != CAUSE_NONE);
}

void
manager_on_pass(struct manager *m, void (*passed)(void *arg), void *arg)
{
	m->passed = passed;
	m->passed_arg = arg;
}

void
manager_set_interval(struct manager *m, int64_t us)
{
	dispatch_set_interval(m, us);
}

struct source *
manager_add(struct manager *m, struct subscription *subscription, bool at_start)
{
	struct source *s = sources_add(&m->sources, subscription, at_start);

	exclusive_connection_add(m->exclusive, s);
	return s;
}

void
manager_listens(struct manager *m, struct source *s)
{
	exclusive_connection_listens_to_more(m->exclusive, s);
	if (m->active)
		runs_want(&m->runs, s);
}

void
manager_quit(struct manager *m)
{
	dispatch_end(m, CAUSE_ASKED);
}

void
manager_reload(struct manager *m, bool begins)
{
	systemd_reload(m->systemd, begins);
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
