#include "config.h"

#include "manager.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "buffer.h"
#include "connection.h"
#include "hook.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "ready.h"
#include "report.h"

/* Without any progress in delivery for this long, ending is over. */
#define PROGRESS_TIMEOUT (5 * SECOND)

/* A connection and its place in the set. */
struct source {
	struct connection *connection;
	bool ready;   /* in the list of those to pull from */
	bool good;    /* it listens */
	bool settled; /* its first attempt has ended, in either way */
};

/* Why it ends: the exit status follows from this and the counts. */
enum cause {
	CAUSE_NONE,
	CAUSE_COUNT,   /* -n was met */
	CAUSE_DRAINED, /* -t 0 has seen everything */
	CAUSE_TIME,    /* -m or -e */
	CAUSE_SIGNAL,
	CAUSE_LOST,   /* no connection is left, or an error that no retry mends */
	CAUSE_OUTPUT, /* standard output takes nothing more */
};

enum { SIGNAL_COUNT = 3 };

struct manager {
	struct options *options;
	struct event_base *base;

	struct source *sources;
	size_t source_count;
	struct source **ready;
	size_t ready_count;
	size_t starting, good; /* sources not settled yet; sources that listen */
	size_t draining;       /* sources whose barrier is still to come */
	bool paused;           /* the sinks have no room: nothing is read */

	struct sinks sinks;
	struct output *output;
	struct hook *hook; /* or NULL */
	struct report *report;

	uint64_t taken, taken_at_idle; /* notifications, in all and up to the last idle event */
	int64_t last_taken;            /* monotonic; the start of waiting before the first */
	struct event idle_timer, exit_idle_timer, max_timer, progress_timer;
	int64_t idle_next; /* monotonic */
	bool idle_due, exit_idle_due;
	struct event signals[SIGNAL_COUNT];

	enum cause cause;
	int signal;
	enum status failure; /* of the first connection that failed; STATUS_OK: none */
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

static struct source *
find_source(struct manager *m, const struct connection *c)
{
	for (size_t i = 0; i < m->source_count; i++)
		if (m->sources[i].connection == c)
			return &m->sources[i];
	return NULL;
}

static void
mark_ready(struct manager *m, struct source *s)
{
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

	if (is_drain(m))
		return;
	report_started(m->report);
	if (m->good == m->source_count)
		ready_tell(o->ready_fd);
	m->last_taken = clock_monotonic();
	if (o->timeout > 0) {
		m->idle_next = m->last_taken + o->timeout;
		arm(&m->idle_timer, o->timeout);
	}
	if (o->exit_idle > 0)
		arm(&m->exit_idle_timer, o->exit_idle);
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
drained(struct manager *m)
{
	if (--m->draining == 0)
		end(m, CAUSE_DRAINED);
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
	struct record told = *r;
	bool fatal;

	m->good -= s->good;
	s->good = false;
	if (m->failure == STATUS_OK)
		m->failure = r->phase == LOST_LISTENING ? STATUS_REFUSED : STATUS_LOST;
	fatal = (r->permanent && !s->settled) || (m->good == 0 && m->starting <= !s->settled);
	told.fatal = fatal || is_drain(m);
	sinks_take(&m->sinks, &told);
	if (is_drain(m)) {
		drained(m);
	} else if (fatal) {
		if (!s->settled)
			m->failure = r->phase == LOST_LISTENING ? STATUS_REFUSED : STATUS_LOST;
		end(m, CAUSE_LOST);
	}
	settle(m, s);
}

static void
take_notification(struct manager *m, const struct record *r)
{
	sinks_take(&m->sinks, r);
	m->taken++;
	m->last_taken = clock_monotonic();
	if (count_reached(m))
		end(m, CAUSE_COUNT);
}

/* Everything that a source has now, while there is room for it. */
static void
pull(struct manager *m, struct source *s, bool need_room)
{
	const struct record *r;

	while (!count_reached(m) && (!need_room || sinks_room(&m->sinks))) {
		r = connection_next(s->connection);
		if (!r)
			return;
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
	if (!count_reached(m))
		mark_ready(m, s);
}

static void
pull_ready(struct manager *m)
{
	size_t count = m->ready_count;
	struct source **list = m->ready;

	/* Who becomes ready meanwhile, even one of these, is pulled in the next pass. */
	m->ready = xcalloc(m->source_count, sizeof *m->ready);
	m->ready_count = 0;
	for (size_t i = 0; i < count; i++)
		list[i]->ready = false;
	for (size_t i = 0; i < count; i++)
		pull(m, list[i], true);
	free(list);
}

static void
pause_sources(struct manager *m, bool paused)
{
	if (m->paused == paused)
		return;
	m->paused = paused;
	if (paused && m->cause == CAUSE_NONE)
		log_warning(
		    "the reader of standard output is too slow: the buffer of %zu MiB is full, "
		    "notifications wait in the server's queue",
		    OUTPUT_BUFFER >> 20);
	for (size_t i = 0; i < m->source_count; i++)
		connection_pause(m->sources[i].connection, paused);
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

/* The idle event: after everything that was read, which this pass has pulled. */
static void
idle(struct manager *m)
{
	int64_t now = clock_monotonic(), interval = m->options->timeout;
	struct record r = {.kind = RECORD_IDLE, .time = clock_realtime()};
	char *garbage;

	m->idle_due = false;
	if (m->options->idle_restart && m->last_taken + interval > m->idle_next)
		m->idle_next = m->last_taken + interval;
	if (m->idle_next <= now) {
		garbage = garbage_labels(m);
		r.count = m->taken - m->taken_at_idle;
		r.garbage = garbage;
		m->taken_at_idle = m->taken;
		sinks_take(&m->sinks, &r);
		free(garbage);
		/* Ticks keep their rhythm; those that were missed are not made up. */
		m->idle_next += interval + (now - m->idle_next) / interval * interval;
	}
	arm(&m->idle_timer, m->idle_next - now);
}

static void
exit_idle(struct manager *m)
{
	int64_t left = m->last_taken + m->options->exit_idle - clock_monotonic();

	m->exit_idle_due = false;
	if (left <= 0)
		end(m, CAUSE_TIME);
	else
		arm(&m->exit_idle_timer, left);
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
	sinks_fence(&m->sinks, &m->end);
	m->progress = sinks_delivered(&m->sinks);
	arm(&m->progress_timer, PROGRESS_TIMEOUT);
}

/* One pass of the loop: see HACKING.md for the order. */
static void
pass(struct manager *m)
{
	if (m->cause == CAUSE_NONE) {
		pull_ready(m);
		if (m->idle_due && m->cause == CAUSE_NONE)
			idle(m);
		if (m->exit_idle_due)
			exit_idle(m);
	}
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

static void
on_wake(struct connection *c, void *arg)
{
	struct manager *m = arg;
	struct source *s = find_source(m, c);

	if (s)
		mark_ready(m, s);
}

/* A sink can go on: the pass that follows every turn of the loop does the rest. */
static void
on_change(void *arg)
{
	(void)arg;
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct manager *)arg)->idle_due = true;
}

static void
on_exit_idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct manager *)arg)->exit_idle_due = true;
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
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct manager *m = arg;

	(void)what;
	if (m->signal) {
		hook_terminate(m->hook);
		m->done = m->cut = true;
		return;
	}
	m->signal = signo;
	end(m, CAUSE_SIGNAL);
}

/* What was ignored when pgwait started stays so: nohup, and background jobs of scripts. */
static void
catch_signals(struct manager *m)
{
	static const int numbers[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		struct sigaction before;

		evsignal_assign(&m->signals[i], m->base, numbers[i], on_signal, m);
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			event_add(&m->signals[i], NULL);
	}
}

static void
start_sources(struct manager *m)
{
	const struct options *o = m->options;
	const struct connection_settings settings = {
	    .base = m->base,
	    .policy = {.never_prompt = o->never_prompt, .force_prompt = o->force_prompt},
	    .drain = is_drain(m),
	    .wake = on_wake,
	    .arg = m,
	};

	m->source_count = m->starting = m->draining = o->subscriptions.count;
	m->sources = xcalloc(m->source_count, sizeof *m->sources);
	m->ready = xcalloc(m->source_count, sizeof *m->ready);
	for (size_t i = 0; i < m->source_count; i++)
		m->sources[i].connection = connection_new(&o->subscriptions.list[i], &settings);
}

static void
start(struct manager *m)
{
	const struct options *o = m->options;

	evtimer_assign(&m->idle_timer, m->base, on_idle, m);
	evtimer_assign(&m->exit_idle_timer, m->base, on_exit_idle, m);
	evtimer_assign(&m->max_timer, m->base, on_max_time, m);
	evtimer_assign(&m->progress_timer, m->base, on_progress_timeout, m);
	catch_signals(m);
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

/* The exit status (man page, EXIT STATUS) of an end whose records were all delivered. */
static struct ending
conclude(const struct manager *m)
{
	bool unmet = m->options->count >= 0 && !count_reached(m);
	struct ending e = {STATUS_OK, 0};

	switch (m->cause) {
	case CAUSE_DRAINED:
		e.status = m->failure ? m->failure : unmet ? STATUS_UNMET : STATUS_OK;
		break;
	case CAUSE_TIME:
		e.status = m->good == 0 ? STATUS_LOST : unmet ? STATUS_UNMET : STATUS_OK;
		break;
	case CAUSE_SIGNAL:
		e.signal = m->signal == SIGINT || unmet ? m->signal : 0;
		break;
	case CAUSE_LOST:
		e.status = m->failure;
		break;
	case CAUSE_OUTPUT:
		e.status = unmet ? STATUS_ERROR : STATUS_OK;
		break;
	default:
		break;
	}
	return e;
}

static struct ending
finish(struct manager *m)
{
	struct ending e = conclude(m);

	if (!output_finish(m->output) || m->cut)
		e = (struct ending){STATUS_ERROR, 0};
	for (size_t i = 0; i < m->source_count; i++)
		connection_free(m->sources[i].connection);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		event_del(&m->signals[i]);
	report_free(m->report);
	hook_free(m->hook);
	free(m->sources);
	free(m->ready);
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
