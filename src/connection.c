#include "config.h"

#include "connection.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "encoding.h"
#include "link.h"
#include "listener.h"
#include "log.h"
#include "message.h"
#include "subscription.h"
#include "sqlstate.h"
#include "target.h"

struct connection {
	struct connection_settings settings;
	struct subscription *subscription;
	struct origin origin;
	enum connection_state state;
	bool started, paused;
	struct event deadline;
	int64_t time_allowed; /* by the deadline */
	int64_t due;          /* when it passes, monotonic */
	int64_t rest;         /* what is left of it while it stands still; -1: it was not set */

	/* Of the present attempt */
	struct connector *connector;
	struct link *link;
	struct listener *listener;
	connection_answer *barrier_answer;
	bool listened, announced; /* LISTEN took effect; and its record was pulled */
	bool permanent, refused;
	const char *hint; /* what to do about its failure, or NULL */
	char *reason;     /* why it failed, also when it is LOST */
	char *sqlstate;   /* or NULL */

	char *last_reason; /* of the attempt before, where that failed as well */
	/* When the last query that was answered was sent: monotonic, Unix time; 0: none yet. */
	int64_t proven, proven_time;
	int64_t since, gap; /* of the RECORD_LISTENING */

	struct record record;       /* of an event */
	struct record notification; /* only what is in `notify`, and the time, ever changes */
	PGnotify *notify;
};

static unsigned next_serial = 1;

/* For the link as well, which has read, been answered, or failed. */
static void
wake(void *arg)
{
	struct connection *c = arg;

	c->settings.wake(c, c->settings.arg);
}

static bool
is_alive(const struct connection *c)
{
	return c->state != CONN_DYING && c->state != CONN_LOST;
}

/* The only place that changes the state: arms and disarms what belongs to each. */
static void
set_state(struct connection *c, enum connection_state state)
{
	static const char *const names[] = {"lost", "connecting", "ready", "listening", "dying"};

	log_debug("%s: %s -> %s", c->origin.label, names[c->state], names[state]);
	c->state = state;
	switch (state) {
	case CONN_CONNECTING:
	case CONN_READY:
		break;
	case CONN_LISTENING:
		if (!c->settings.drain)
			event_del(&c->deadline);
		break;
	case CONN_DYING:
	case CONN_LOST:
		event_del(&c->deadline);
		if (c->link)
			link_read(c->link, false);
		break;
	}
}

/* Marks the connection as failed; what was received is still pulled. */
static void
die(struct connection *c, const char *reason, const char *sqlstate)
{
	if (!is_alive(c))
		return;
	c->reason = message_line(reason);
	sqlstate = sqlstate_valid(sqlstate);
	c->sqlstate = sqlstate ? xstrdup(sqlstate) : NULL;
	set_state(c, CONN_DYING);
	wake(c);
}

/* What the deadline that passes now was for. */
static const char *
overdue(const struct connection *c)
{
	if (c->state == CONN_LISTENING)
		return "the drain did not end";
	if (c->state != CONN_READY)
		return "no connection";
	return listener_waits(c->listener) ? "no answer to LISTEN"
					   : "no notification through the pooler";
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	char *reason = xasprintf("%s within %g s", overdue(c), (double)c->time_allowed / SECOND);

	(void)fd;
	(void)what;
	/* What comes after the answer to LISTEN has deadlines of its own; not in a drain. */
	if (c->settings.drain || !c->listener || listener_waits(c->listener)) {
		if (c->connector)
			connector_cancel(c->connector);
		c->connector = NULL;
		die(c, reason, NULL);
	}
	free(reason);
}

static void
arm_deadline(struct connection *c, int64_t attempts)
{
	int64_t timeout = c->subscription->target->attempt_timeout;
	struct timeval tv;

	c->time_allowed = (timeout < 0 ? CONNECTOR_TIMEOUT : timeout) * attempts;
	c->due = clock_monotonic() + c->time_allowed;
	timeval_from(c->time_allowed, &tv);
	if (timeout != 0)
		event_add(&c->deadline, &tv);
}

void
connection_hold_clock(struct connection *c, bool held)
{
	struct timeval tv;

	if (held) {
		c->rest =
		    event_pending(&c->deadline, EV_TIMEOUT, NULL) ? c->due - clock_monotonic() : -1;
		event_del(&c->deadline);
	} else if (c->rest >= 0) {
		c->due = clock_monotonic() + c->rest;
		timeval_from(c->rest, &tv);
		event_add(&c->deadline, &tv);
	}
}

/* While a password is typed, or another one has to be first. */
static void
on_prompting(bool prompting, void *arg)
{
	connection_hold_clock(arg, prompting);
}

/* LISTEN took effect on every channel, or it was refused. */
static void
on_listening(const struct listener_failure *failure, void *arg)
{
	struct connection *c = arg;

	if (failure) {
		c->refused = failure->refused;
		c->permanent = failure->refused &&
			       (!failure->sqlstate || sqlstate_permanent(failure->sqlstate));
		c->hint = failure->hint;
		die(c, failure->reason, failure->sqlstate);
		return;
	}
	c->since = c->proven ? c->proven_time : -1;
	c->gap = c->proven ? clock_monotonic() - c->proven : 0;
	c->listened = true;
	free(c->last_reason);
	c->last_reason = NULL;
	set_state(c, CONN_LISTENING);
	wake(c);
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct connection *c = arg;
	const char *encoding;

	c->connector = NULL;
	if (!conn) {
		c->permanent = failure->permanent;
		die(c, failure->reason, failure->sqlstate);
		return;
	}
	c->link = link_open(c->settings.base, conn, c->subscription->target, wake, c);
	encoding = PQparameterStatus(conn, "server_encoding");
	c->origin.encoding = encoding ? encoding_open(encoding) : NULL;
	set_state(c, CONN_READY);
	if (!c->paused) {
		link_read(c->link, true);
		if (!c->settings.drain)
			arm_deadline(c, 1);
	}
	c->listener = listener_start(
	    c->settings.base, c->link, c->subscription, c->origin.encoding, on_listening, c);
}

static void
on_barrier(void *arg, const PGresult *result)
{
	struct connection *c = arg;

	if (!result)
		return;
	if (request_failed(result)) {
		die(c, PQresultErrorMessage(result), PQresultErrorField(result, PG_DIAG_SQLSTATE));
		return;
	}
	c->settings.drain = false; /* it has been drained in time */
	event_del(&c->deadline);
	c->barrier_answer(c, c->settings.arg);
}

void
connection_barrier(struct connection *c, connection_answer *answer)
{
	c->barrier_answer = answer;
	link_request(c->link, xstrdup(""), on_barrier, c);
}

int64_t
connection_beat(struct connection *c, int64_t now, int64_t slack)
{
	if (c->state != CONN_LISTENING)
		return INT64_MAX;
	return link_beat(c->link, now, c->settings.heartbeat, slack, LINK_TIMEOUT);
}

/* Field by field: clearing a whole record takes longer than all else that is done for it here. */
static const struct record *
notification(struct connection *c)
{
	struct record *r = &c->notification;

	r->time = link_read_time(c->link);
	r->channel = c->notify->relname;
	r->channel_length = strlen(c->notify->relname);
	r->payload = c->notify->extra;
	r->payload_length = strlen(c->notify->extra);
	r->pid = c->notify->be_pid;
	return r;
}

static const struct record *
listening(struct connection *c)
{
	c->announced = true;
	c->record = (struct record){
	    .kind = RECORD_LISTENING,
	    .origin = &c->origin,
	    .time = link_read_time(c->link),
	    .channels = (const char *const *)c->subscription->channels,
	    .channel_count = c->subscription->count,
	    .backend_pid = PQbackendPID(link_conn(c->link)),
	    .since = c->since,
	    .gap = c->gap,
	};
	return &c->record;
}

/* Everything that belongs to this attempt goes. */
static void
close_connection(struct connection *c)
{
	link_close(c->link);
	c->link = NULL;
	listener_free(c->listener);
	c->listener = NULL;
	encoding_close(c->origin.encoding);
	c->origin.encoding = NULL;
}

static const struct record *
lost(struct connection *c)
{
	set_state(c, CONN_LOST);
	close_connection(c);
	c->record = (struct record){
	    .kind = RECORD_LOST,
	    .origin = &c->origin,
	    .time = clock_realtime(),
	    .reason = c->reason,
	    .sqlstate = c->sqlstate,
	    .hint = c->hint,
	    .repeated = c->last_reason && strcmp(c->last_reason, c->reason) == 0,
	    .phase = c->listened  ? LOST_LATER
		     : c->refused ? LOST_LISTENING
				  : LOST_CONNECTING,
	    .permanent = c->permanent,
	};
	return &c->record;
}

/* The next notification that libpq holds, for others to see. */
static bool
take_notification(struct connection *c)
{
	while ((c->notify = link_notify(c->link))) {
		if (!listener_takes(c->listener, c->notify->relname))
			return true;
		PQfreemem(c->notify);
	}
	return false;
}

/* Everything received before its answer has been pulled. False if none is there. */
static bool
finish_request(struct connection *c)
{
	int64_t sent_at = link_sent_at(c->link), sent_time = link_sent_time(c->link);

	if (!link_finish(c->link))
		return false;
	if (c->state == CONN_LISTENING) {
		c->proven = sent_at;
		c->proven_time = sent_time;
	}
	return true;
}

/* Nothing is left to pull: has the link failed? */
static void
notice_failure(struct connection *c)
{
	const char *sqlstate, *reason = link_failure(c->link, &sqlstate);

	if (reason)
		die(c, reason, sqlstate);
}

/*
 * The order is the point: what LISTEN brought comes after the record that says it took effect, a
 * request's answer after all that was received before it, and the loss after everything.
 */
const struct record *
connection_next(struct connection *c)
{
	PQfreemem(c->notify);
	c->notify = NULL;
	if (c->link) {
		if (c->state == CONN_READY)
			finish_request(c);
		do {
			if (c->listened && !c->announced)
				return listening(c);
			if (take_notification(c))
				return notification(c);
		} while ((c->listened && !c->announced) || finish_request(c));
		notice_failure(c);
	}
	return c->state == CONN_DYING ? lost(c) : NULL;
}

void
connection_pause(struct connection *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (c->state != CONN_READY && c->state != CONN_LISTENING)
		return;
	link_read(c->link, !paused);
	if (paused) /* who does not read cannot judge */
		event_del(&c->deadline);
	else if (c->settings.drain || listener_waits(c->listener))
		arm_deadline(c, 1);
}

void
connection_renamed(struct connection *c)
{
	c->origin.label = c->subscription->target->label;
	c->origin.label_length = strlen(c->origin.label);
	c->origin.serial = next_serial++;
}

struct connection *
connection_new(struct subscription *s, const struct connection_settings *settings)
{
	struct connection *c = xcalloc(1, sizeof *c);

	c->settings = *settings;
	c->subscription = s;
	connection_renamed(c);
	c->notification = (struct record){.kind = RECORD_NOTIFICATION, .origin = &c->origin};
	evtimer_assign(&c->deadline, settings->base, on_deadline, c);
	return c;
}

void
connection_start(struct connection *c)
{
	struct target *t = c->subscription->target;
	struct connector_policy policy = c->settings.policy;

	if (c->started)
		policy = (struct connector_policy){.never_prompt = true};
	policy.prompting = on_prompting;
	c->started = true;
	free(c->last_reason);
	c->last_reason = c->reason;
	c->reason = NULL;
	c->hint = NULL;
	free(c->sqlstate);
	c->sqlstate = NULL;
	c->permanent = c->refused = c->listened = c->announced = false;
	set_state(c, CONN_CONNECTING);
	if (c->settings.drain)
		arm_deadline(c, (int64_t)t->host_count * (t->prefer_standby ? 2 : 1));
	c->connector = connector_start(c->settings.base, t, &policy, on_connected, c);
}

void
connection_free(struct connection *c)
{
	if (c->state != CONN_LOST)
		set_state(c, CONN_LOST);
	if (c->connector)
		connector_cancel(c->connector);
	PQfreemem(c->notify);
	close_connection(c);
	free(c->sqlstate);
	free(c->reason);
	free(c->last_reason);
	free(c);
}

bool
connection_ask(struct connection *c, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg)
{
	if (!c->link || !is_alive(c)) {
		free(sql);
		return false;
	}
	link_request_with(c->link, sql, parameters, count, done, arg);
	return true;
}

const struct origin *
connection_origin(const struct connection *c)
{
	return &c->origin;
}

PGconn *
connection_conn(const struct connection *c)
{
	return link_conn(c->link);
}

bool
connection_hides(const struct connection *c, const char *channel)
{
	return listener_hides(c->listener, channel);
}

const char *
connection_reason(const struct connection *c)
{
	return c->listened && is_alive(c) ? NULL : c->reason ? c->reason : c->last_reason;
}

enum connection_state
connection_state(const struct connection *c)
{
	return c->state;
}

const char *
connection_label(const struct connection *c)
{
	return c->origin.label;
}
