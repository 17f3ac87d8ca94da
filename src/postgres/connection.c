#include "config.h"

#include "postgres/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "postgres/failure.h"
#include "postgres/listen.h"
#include "postgres/server_error.h"
#include "postgres/session.h"
#include "postgres/subscription.h"
#include "postgres/target.h"
#include "postgres/time_limit.h"
#include "record/encoding.h"

struct connection {
	struct connection_settings settings;
	struct subscription *subscription;
	struct origin origin;
	enum connection_state state;
	bool started, paused;
	struct time_limit limit; /* of what is waited for */

	/* Of the present attempt */
	struct connector *connector;
	struct session *session;
	struct listen *listen;
	char *const *private;              /* of `listen`: the channel of its probe, or NULL */
	connection_answer *barrier_answer; /* NULL: none is on its way */
	bool listened, announced;          /* LISTEN took effect; and its record was pulled */

	struct failure failure; /* also when it is LOST */
	struct moment proven;   /* when the last query that was answered was sent; 0: none yet */
	int64_t since, gap;     /* of the RECORD_LISTENING */
	PGnotify *notify;
};

/* Of all connections, since a record is pulled, and used, before the next one. */
static struct record event, notified = {.kind = RECORD_NOTIFICATION};

static unsigned next_serial = 1;
/* For the session, too. */
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
		time_limit_hold(&c->limit, LIMIT_UNREAD | LIMIT_PROMPT | LIMIT_CATCHUP, false);
		break;
	case CONN_READY:
		time_limit_hold(&c->limit, LIMIT_UNREAD, c->paused);
		break;
	case CONN_LISTENING:
		if (!c->settings.drain)
			time_limit_clear(&c->limit);
		break;
	case CONN_DYING:
	case CONN_LOST:
		time_limit_clear(&c->limit);
		if (c->session)
			session_read(c->session, false);
		break;
	}
}

/* Marks the connection as failed; what was received is still pulled. */
static void
die(struct connection *c, const char *reason, const char *sqlstate)
{
	if (!is_alive(c))
		return;
	server_error_set(&c->failure.error, reason, sqlstate);
	set_state(c, CONN_DYING);
	wake(c);
}

void
connection_give_up(struct connection *c, const char *reason)
{
	if (c->connector)
		connector_cancel(c->connector);
	c->connector = NULL;
	if (c->session)
		session_fail(c->session, reason, NULL);
	else
		die(c, reason, NULL);
}

/* What the limit that passes now was for. */
static const char *
overdue(const struct connection *c)
{
	if (c->state == CONN_LISTENING)
		return c->settings.drain ? "the drain did not end"
					 : "what was sent before did not come";
	if (c->state != CONN_READY)
		return "no connection";
	return listen_waits(c->listen) ? "no answer to LISTEN"
				       : "no notification through the pooler";
}

static void
on_limit(void *arg)
{
	struct connection *c = arg;
	char *reason = xasprintf("%s within %g s", overdue(c), (double)c->limit.allowed / SECOND);

	connection_give_up(c, reason);
	free(reason);
}

/* The time of so many attempts to connect. */
static void
limit(struct connection *c, int64_t attempts)
{
	int64_t timeout = c->subscription->target->attempt_timeout;

	time_limit_set(&c->limit, (timeout < 0 ? CONNECTOR_TIMEOUT : timeout) * attempts);
}

void
connection_catches_up(struct connection *c, bool on)
{
	time_limit_hold(&c->limit, LIMIT_CATCHUP, on);
}

static void
on_prompting(bool prompting, void *arg)
{
	time_limit_hold(&((struct connection *)arg)->limit, LIMIT_PROMPT, prompting);
}

/* LISTEN took effect on every channel, or it was refused. */
static void
on_listening(const struct listen_failure *failure, void *arg)
{
	struct connection *c = arg;

	if (failure) {
		c->failure.refused = failure->refused;
		c->failure.permanent =
		    failure->refused &&
		    (!failure->sqlstate || server_error_is_permanent(failure->sqlstate));
		c->failure.hint = failure->hint;
		die(c, failure->reason, failure->sqlstate);
		return;
	}
	c->since = c->proven.realtime ? c->proven.realtime : -1;
	c->gap = c->proven.realtime ? clock_boottime() - c->proven.boottime : 0;
	c->listened = true;
	failure_forget(&c->failure);
	set_state(c, CONN_LISTENING);
	wake(c);
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct connection *c = arg;

	c->connector = NULL;
	if (!conn) {
		c->failure.permanent = failure->permanent;
		die(c, failure->reason, failure->sqlstate);
		return;
	}
	c->session = session_open(c->settings.base, conn, c->subscription->target, wake, c);
	c->origin.encoding = encoding_open(PQparameterStatus(conn, "server_encoding"));
	set_state(c, CONN_READY);
	session_read(c->session, !c->paused);
	if (!c->settings.drain)
		limit(c, 1);
	c->listen = listen_start(
	    c->settings.base, c->session, c->subscription, c->origin.encoding, on_listening, c);
	c->private = listen_private(c->listen);
	listen_pause(c->listen, c->paused);
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
	time_limit_clear(&c->limit);
	c->barrier_answer(c, c->settings.arg);
}

void
connection_barrier(struct connection *c, connection_answer *answer)
{
	c->barrier_answer = answer;
	if (!c->settings.drain)
		limit(c, 1);
	session_request(c->session, xstrdup(""), on_barrier, c);
}

int64_t
connection_beat(struct connection *c, int64_t now, int64_t slack)
{
	if (c->state != CONN_LISTENING)
		return INT64_MAX;
	return session_beat(c->session, now, c->settings.heartbeat, slack, SESSION_TIMEOUT);
}

/* Field by field: clearing a whole record takes longer than all else that is done for it here. */
static inline const struct record *
notification(struct connection *c)
{
	struct record *r = &notified;

	r->origin = &c->origin;
	r->time = session_read_time(c->session);
	r->since = c->proven.realtime;
	r->channel = c->notify->relname;
	r->channel_length = strlen(c->notify->relname);
	r->payload = c->notify->extra;
	r->payload_length = strlen(c->notify->extra);
	r->pid = c->notify->be_pid;
	return r;
}

static RARELY const struct record *
listening(struct connection *c)
{
	c->announced = true;
	event = (struct record){
	    .kind = RECORD_LISTENING,
	    .origin = &c->origin,
	    .time = session_read_time(c->session),
	    .channels = (const char *const *)c->subscription->channels,
	    .channel_count = c->subscription->count,
	    .backend_pid = PQbackendPID(session_conn(c->session)),
	    .since = c->since,
	    .gap = c->gap,
	};
	return &event;
}

/* Everything that belongs to this attempt goes. */
static void
close_connection(struct connection *c)
{
	session_close(c->session);
	c->session = NULL;
	listen_free(c->listen);
	c->listen = NULL;
	encoding_close(c->origin.encoding);
	c->origin.encoding = NULL;
}

static RARELY const struct record *
lost(struct connection *c)
{
	set_state(c, CONN_LOST);
	close_connection(c);
	event = (struct record){
	    .kind = RECORD_LOST,
	    .origin = &c->origin,
	    .time = clock_realtime(),
	    .reason = c->failure.error.reason,
	    .sqlstate = server_error_sqlstate(&c->failure.error),
	    .hint = c->failure.hint,
	    .repeated = failure_repeated(&c->failure),
	    .phase = c->listened          ? LOST_LATER
		     : c->failure.refused ? LOST_LISTENING
					  : LOST_CONNECTING,
	    .permanent = c->failure.permanent,
	};
	return &event;
}

/*
 * The next notification that libpq holds, for others to see. Up to PostgreSQL 14 some may come before the
 * end of the answer to LISTEN, which brought them: they are left in libpq until then.
 */
static inline bool
take_notification(struct connection *c)
{
	if (c->state == CONN_READY && listen_waits(c->listen))
		return false;
	while ((c->notify = session_notify(c->session))) {
		if (!*c->private || !listen_takes(c->listen, c->notify->relname))
			return true;
		PQfreemem(c->notify);
	}
	return false;
}

/* Everything received before its answer has been pulled. False if none is there. */
static bool
finish_request(struct connection *c)
{
	if (!session_finish(c->session))
		return false;
	if (c->state == CONN_LISTENING)
		session_proven(c->session, &c->proven);
	/* What comes after the answer to LISTEN has limits of its own; not in a drain. */
	else if (c->listen && !listen_waits(c->listen) && !c->settings.drain)
		time_limit_clear(&c->limit);
	return true;
}

/*
 * The order matters. The record that LISTEN took effect comes before all notifications, the answer
 * to a request after all that was received before it, and the loss of the connection last.
 */
static RARELY const struct record *
next_record(struct connection *c)
{
	const char *reason, *sqlstate;

	if (c->session) {
		if (c->state == CONN_READY)
			finish_request(c);
		do {
			if (c->listened && !c->announced)
				return listening(c);
			if (take_notification(c))
				return notification(c);
		} while ((c->listened && !c->announced) || finish_request(c));
		if ((reason = session_failure(c->session, &sqlstate)))
			die(c, reason, sqlstate);
	}
	return c->state == CONN_DYING ? lost(c) : NULL;
}

const struct record *
connection_next(struct connection *c)
{
	PQfreemem(c->notify);
	c->notify = NULL;
	if (!c->announced || c->state != CONN_LISTENING)
		return next_record(c);
	if (take_notification(c))
		return notification(c);
	return session_has_news(c->session) ? next_record(c) : NULL;
}

void
connection_pause(struct connection *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (c->state != CONN_READY && c->state != CONN_LISTENING)
		return;
	session_read(c->session, !paused);
	time_limit_hold(&c->limit, LIMIT_UNREAD, paused);
	listen_pause(c->listen, paused);
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
	time_limit_init(&c->limit, settings->base, on_limit, c);
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
	failure_next(&c->failure);
	c->listened = c->announced = false;
	set_state(c, CONN_CONNECTING);
	if (c->settings.drain)
		limit(c, (int64_t)t->host_count * (t->prefer_standby ? 2 : 1));
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
	failure_free(&c->failure);
	free(c);
}

/* Otherwise the request is freed. */
static bool
can_ask(const struct connection *c, char *sql)
{
	if (c->session && is_alive(c))
		return true;
	free(sql);
	return false;
}

bool
connection_ask(struct connection *c, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg)
{
	if (!can_ask(c, sql))
		return false;
	session_request_with(c->session, sql, parameters, count, done, arg);
	return true;
}

bool
connection_ask_table(struct connection *c, char *sql, size_t rows, request_done *done, void *arg)
{
	if (!can_ask(c, sql))
		return false;
	session_request_table(c->session, sql, rows, done, arg);
	return true;
}

const char *
connection_progress(const struct connection *c)
{
	const char *reason = connection_reason(c);

	if (reason || c->state != CONN_READY)
		return reason ? reason : "still connecting";
	return listen_waits(c->listen) ? "LISTEN is not answered"
				       : "no notification came through the pooler yet";
}

const struct origin *
connection_origin(const struct connection *c)
{
	return &c->origin;
}

PGconn *
connection_conn(const struct connection *c)
{
	return session_conn(c->session);
}

bool
connection_hides(const struct connection *c, const char *channel)
{
	return listen_hides(c->listen, channel);
}

const char *
connection_reason(const struct connection *c)
{
	return c->listened && is_alive(c) ? NULL : failure_reason(&c->failure);
}

enum connection_state
connection_state(const struct connection *c)
{
	return c->state;
}
