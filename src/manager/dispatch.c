#include "config.h"

#include "manager/dispatch.h"

#include <inttypes.h>

#include "base/log.h"
#include "manager/delivery.h"
#include "manager/exclusive.h"
#include "manager/exclusive_connection.h"
#include "manager/manager_internal.h"
#include "manager/ready.h"
#include "settings/options.h"

bool
dispatch_is_drain(const struct manager *m)
{
	return m->options->timeout == 0;
}

bool
dispatch_count_reached(const struct manager *m)
{
	return m->taken >= m->count && m->taken - sinks_discarded(&m->sinks) >= m->count;
}

void
dispatch_end(struct manager *m, enum cause cause)
{
	if (m->cause == CAUSE_NONE)
		m->cause = cause;
}

/*
 * Ends pgwait once -n notifications came, but not while a catch-up runs: a catch-up is never cut
 * off.
 */
static void
look_at_count(struct manager *m)
{
	if (dispatch_count_reached(m) && m->runs.running == 0)
		dispatch_end(m, CAUSE_COUNT);
}

/* Every connection listens, now or some time after the start. */
static void
tell_ready(struct manager *m)
{
	if (m->told || m->sources.good < m->sources.count)
		return;
	m->told = true;
	ready_tell(m->options->ready_fd, m->systemd);
}

void
dispatch_set_interval(struct manager *m, int64_t us)
{
	m->interval = us;
	ticker_stop(&m->idle);
	if (m->running && us > 0)
		ticker_start(&m->idle, m->base, us, clock_monotonic());
}

void
dispatch_started(struct manager *m)
{
	const struct options *o = m->options;

	if (m->sources.count == 0)
		tell_ready(m);
	if (dispatch_is_drain(m))
		return; /* cron mails whatever it sees */
	delivery_started(m->delivery);
	m->last_taken = clock_monotonic();
	m->running = true;
	m->read_since = m->last_taken;
	dispatch_set_interval(m, m->interval);
	if (o->exit_idle > 0)
		ticker_start(&m->exit_idle, m->base, o->exit_idle, m->last_taken);
}

/* A drain ends when every connection that there is now has been drained. */
static void
look_at_drain(struct manager *m)
{
	if (m->drained == m->sources.count)
		dispatch_end(m, CAUSE_DRAINED);
}

static void
on_drained(struct connection *c, void *arg)
{
	struct source *s = arg;
	struct manager *m = s->set->manager;

	(void)c;
	m->drained += !s->drained && !s->parted;
	s->drained = true;
	look_at_drain(m);
}

/* A catch-up comes first, and has no deadline. */
static void
drain(struct source *s)
{
	connection_catches_up(s->connection, false);
	connection_barrier(s->connection, on_drained);
}

/* What there is to do on a connection that listens, once what comes is delivered. */
static void
begin_work(struct manager *m, struct source *s)
{
	if (!m->active)
		return;
	runs_want(&m->runs, s);
	if (!dispatch_is_drain(m))
		return;
	connection_catches_up(s->connection, true);
	if (!runs_busy(s))
		drain(s);
}

void
dispatch_undelivered(struct manager *m, uint64_t left)
{
	if (!left)
		return;
	log_error("the lock was lost before %" PRIu64 " notification%s known to be delivered", left,
	    left == 1 ? " was" : "s were");
	m->shutdown.cut = true;
}

/* What the sinks gave up, or what will be handed on to them again, counts when it is delivered. */
static void
uncount(struct manager *m, uint64_t left, uint64_t put_back)
{
	uint64_t n = left > put_back ? left : put_back; /* both are the last of all */

	m->taken -= n < m->taken ? n : m->taken;
	if (m->taken_at_idle > m->taken)
		m->taken_at_idle = m->taken;
}

/* Once: what is said while it waits already changes nothing. */
static void
deactivate(struct manager *m, uint64_t put_back)
{
	uint64_t left;

	if (!m->active)
		return;
	m->active = false;
	left = sinks_forget(&m->sinks);
	if (!m->runs.work) /* of which only what is committed is counted */
		uncount(m, left, put_back);
	if (m->shutdown.begun)
		dispatch_undelivered(m, left);
	for (size_t i = 0; i < m->sources.count; i++)
		runs_stop(m->sources.list[i]);
}

static void
activate(struct manager *m)
{
	m->active = true;
	m->last_taken =
	    clock_monotonic(); /* silence begins when somebody could have heard something */
	for (size_t i = 0; i < m->sources.count; i++)
		if (m->sources.list[i]->good)
			begin_work(m, m->sources.list[i]);
}

/* A drain does not wait for a lock that another process has. */
static void
end_drain(struct manager *m, const struct record *r)
{
	if (r->reason)
		m->failure = STATUS_LOST;
	dispatch_end(m, CAUSE_DRAINED);
}

void
dispatch_exclusive(struct manager *m)
{
	const struct record *r;
	struct record told;
	uint64_t put_back;

	while ((r = exclusive_next(m->exclusive, &put_back))) {
		told = *r;
		told.covered = m->runs.sql != NULL;
		told.fatal = dispatch_is_drain(m) && r->reason;
		if (r->kind == RECORD_WAITING)
			deactivate(m, put_back);
		sinks_take(&m->sinks, &told);
		if (r->kind == RECORD_ACTIVE)
			activate(m);
		else if (dispatch_is_drain(m))
			end_drain(m, r);
	}
	if (exclusive_rests(m->exclusive, &put_back))
		deactivate(m, put_back);
}

static void
on_drained_to_leave(struct connection *c, void *arg)
{
	(void)c;
	source_through(arg, NULL);
}

void
dispatch_parts(struct source *s, bool good)
{
	struct manager *m = s->set->manager;

	runs_stop(s);
	if (source_settle(s))
		dispatch_started(m);
	if (m->sources.count)
		tell_ready(m);
	m->drained -= s->drained;
	if (dispatch_is_drain(m))
		look_at_drain(m);
	if (good && !s->through)
		connection_barrier(s->connection, on_drained_to_leave);
	else
		source_through(s, NULL);
}

void
dispatch_goes(struct source *s)
{
	struct manager *m = s->set->manager;

	connection_pause(s->connection, true);
	if (!m->shutdown.begun)
		dispatch_pull(m, s, false);
	runs_forget(&m->runs, s);
	exclusive_connection_goes(m->exclusive, s);
}

/* Tells the command that waits for it how an attempt ended. */
static bool
tell_outcome(struct source *s, const struct record *lost)
{
	source_outcome *outcome = s->outcome;

	s->outcome = NULL;
	return outcome && outcome(s, lost, s->outcome_arg);
}

static RARELY void
take_listening(struct manager *m, struct source *s, const struct record *r)
{
	if (s->parted)
		return;
	source_listens(s);
	sinks_take(&m->sinks, r);
	exclusive_connection_listens(m->exclusive, s, r);
	begin_work(m, s);
	(void)tell_outcome(s, NULL);
	if (source_settle(s))
		dispatch_started(m);
	tell_ready(m); /* after the line on stderr: who waits for it may write there too */
}

/* Whether pgwait ends because this connection failed (man page, When a connection fails). */
static bool
is_fatal(const struct manager *m, const struct source *s, const struct record *r)
{
	size_t others_good = m->sources.good - s->good;
	size_t others_starting = m->sources.starting - !s->settled;

	if (dispatch_is_drain(m) || (r->permanent && !s->settled))
		return true;
	if (others_good > 0 || others_starting > 0)
		return false;
	return m->options->reconnect == RECONNECT_NEVER ||
	       (m->options->reconnect == RECONNECT_LOST && !m->running);
}

/*
 * Ends pgwait because of a failure: at once, or in a drain when the other connections are drained.
 */
static void
end_for(struct manager *m, struct source *s, enum status status)
{
	if (m->failure == STATUS_OK)
		m->failure = status;
	if (dispatch_is_drain(m))
		on_drained(s->connection, s);
	else
		dispatch_end(m, CAUSE_LOST);
}

/* A drain cannot get a lock without its first connection. */
static void
drain_without_lock(struct manager *m, const struct source *lost)
{
	if (m->options->exclusive && !m->active && m->sources.list[0] == lost)
		dispatch_end(m, CAUSE_DRAINED);
}

/* A connection goes to the garbage. */
static RARELY void
take_lost(struct manager *m, struct source *s, const struct record *r)
{
	struct record told = *r;
	bool retry = !dispatch_is_drain(m) && m->options->reconnect != RECONNECT_NEVER &&
		     m->cause == CAUSE_NONE;
	bool harmless = tell_outcome(s, r);

	if (s->leaves) {
		source_through(s, s->good || s->parted ? r->reason : NULL);
		return;
	}
	runs_stop(s);
	told.fatal = !s->target && !harmless && is_fatal(m, s, r);
	told.retry = source_fails(s, retry && !told.fatal && !s->target);
	told.attempt = s->attempt;
	if (s->target)
		told.retry = 0;
	sinks_take(&m->sinks, &told);
	if (s->target) { /* with which it connects at once; nobody else may hold the old one */
		exclusive_connection_lost(m->exclusive, s, r->reason);
		(void)source_takes_target(s);
		return;
	}
	if (told.fatal)
		end_for(m, s, r->phase == LOST_LISTENING ? STATUS_REFUSED : STATUS_LOST);
	if (dispatch_is_drain(m))
		drain_without_lock(m, s);
	else if (!told.fatal)
		exclusive_connection_lost(m->exclusive, s, r->reason);
	if (source_settle(s))
		dispatch_started(m);
}

/* A process without the lock delivers nothing: the one that has it gets the same notifications, and delivers them. */
static inline void
deliver(struct manager *m, const struct record *r)
{
	if (!m->active || (dispatch_count_reached(m) && !r->row))
		return;
	sinks_take(&m->sinks, r);
	m->taken++;
	look_at_count(m);
}

/* With --work-sql a notification only says that there may be rows. */
static void
take_signal(struct manager *m, struct source *s, const struct record *r)
{
	struct record signal = *r;

	if (!m->active)
		return;
	signal.kind = RECORD_SIGNAL;
	sinks_take(&m->sinks, &signal);
	m->last_taken = clock_monotonic();
	if (!dispatch_count_reached(m))
		runs_signal(&m->runs, s);
}

void
dispatch_hand_on(struct manager *m, bool need_room)
{
	const struct record *r;

	while (m->cause != CAUSE_COUNT && !dispatch_count_reached(m) &&
	       (!need_room || sinks_room_for_kept(&m->sinks)) &&
	       (r = exclusive_hand_on(m->exclusive))) {
		deliver(m, r);
		m->last_taken = clock_monotonic();
	}
}

static RARELY bool
exclusive_room(struct manager *m)
{
	return !m->active || (exclusive_waits(m->exclusive) ? sinks_room_to_keep(&m->sinks)
							    : sinks_room(&m->sinks));
}

/* Asked for each notification: who has no --exclusive asks nobody about it. */
bool
dispatch_room(struct manager *m)
{
	return m->exclusive ? exclusive_room(m) : sinks_room(&m->sinks);
}

/* Whether a notification is not to be delivered now: a signal for --work-sql, or one that --exclusive keeps. */
static RARELY bool
withhold(struct manager *m, struct source *s, const struct record *r)
{
	if (!m->runs.work)
		return exclusive_keeps(m->exclusive, s, r, !dispatch_count_reached(m));
	take_signal(m, s, r);
	return true;
}

void
dispatch_pull(struct manager *m, struct source *s, bool need_room)
{
	const struct record *r;
	uint64_t before = m->taken;
	bool dry = false;

	while (m->cause != CAUSE_COUNT && (!need_room || dispatch_room(m))) {
		r = source_next(s);
		dry = !r;
		if (dry)
			break;
		switch (r->kind) {
		case RECORD_NOTIFICATION:
			if (m->delivers_all || !withhold(m, s, r))
				deliver(m, r);
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

/* A run has ended well. Of --work-sql, one without rows is nothing to tell. */
static void
take_success(struct manager *m, struct source *s, const struct record *r)
{
	if (r->kind == RECORD_CAUGHT_UP || r->count)
		sinks_take(&m->sinks, r);
	m->taken += r->kind == RECORD_WORKED ? r->count : 0;
	look_at_count(m);
	if (m->cause == CAUSE_NONE && !(m->runs.work && dispatch_count_reached(m)) &&
	    runs_follow(s))
		return;
	if (!m->shutdown.begun && dispatch_is_drain(m))
		drain(s);
}

static void
take_failure(struct manager *m, struct source *s, const struct record *r)
{
	static const enum status statuses[] = {
	    [RUN_UNREACHED] = STATUS_LOST,
	    [RUN_REFUSED] = STATUS_REFUSED,
	    [RUN_CONFLICT] = STATUS_ERROR,
	    [RUN_UNDELIVERED] = STATUS_ERROR,
	};

	sinks_take(&m->sinks, r);
	if (r->fatal)
		end_for(m, s, statuses[r->trouble]);
}

static void
end_run(struct manager *m, struct source *s, const struct record *r)
{
	if (r->kind == RECORD_RUN_FAILED)
		take_failure(m, s, r);
	else
		take_success(m, s, r);
	if (m->shutdown.begun)
		shutdown_release(&m->shutdown);
	if (r->kind == RECORD_RUN_FAILED && (r->retry < 0 || m->runs.work))
		look_at_count(m);
}

void
dispatch_pull_rows(struct manager *m, struct source *s)
{
	const struct record *r;
	bool took = false;

	while (
	    (r = runs_next(s, sinks_room_for_row(&m->sinks))) && r->kind == RECORD_NOTIFICATION) {
		if (m->runs.work) /* it is counted once it is committed */
			sinks_take(&m->sinks, r);
		else
			deliver(m, r);
		took = true;
	}
	if (took)
		m->last_taken = clock_monotonic();
	if (r)
		end_run(m, s, r);
}
