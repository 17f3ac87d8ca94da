#include "config.h"

#include "connection.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "buffer.h"
#include "encoding.h"
#include "log.h"
#include "message.h"
#include "operands.h"
#include "requests.h"
#include "sqlstate.h"
#include "target.h"

/* Reads of a TLS or GSS connection in one go: the library may hold more than the socket shows. */
#define EXTRA_READS 64

struct connection {
	struct connection_settings settings;
	struct subscription *subscription;
	struct origin origin;
	enum connection_state state;
	struct connector *connector;
	PGconn *conn;
	struct event readable, writable, deadline;
	int64_t time_allowed; /* by the deadline */
	bool paused;

	struct requests requests;
	connection_answer *barrier_answer;

	int64_t read_time;    /* Unix time of the last read */
	unsigned extra_reads; /* left for this wake-up: see EXTRA_READS */
	unsigned empty_reads; /* one after another */
	PGnotify *notify;     /* of `record` */
	struct record record;
	bool announced;   /* the RECORD_LISTENING was pulled */
	char *reason;     /* why it is DYING */
	char sqlstate[6]; /* "" if none */
	bool permanent, refused, was_listening;
};

static unsigned next_serial = 1;

static void
wake(struct connection *c)
{
	c->settings.wake(c, c->settings.arg);
}

/* The only place that changes the state: arms and disarms what belongs to each. */
static void
set_state(struct connection *c, enum connection_state state)
{
	static const char *const names[] = {"connecting", "ready", "listening", "dying", "lost"};

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
		event_del(&c->readable);
		event_del(&c->writable);
		break;
	}
}

/* An SQLSTATE that is none, as only a broken server sends, is left out. */
static void
set_reason(struct connection *c, const char *reason, const char *sqlstate)
{
	bool valid = sqlstate && strlen(sqlstate) == 5;

	free(c->reason);
	c->reason = message_line(reason);
	snprintf(c->sqlstate, sizeof c->sqlstate, "%s", valid ? sqlstate : "");
}

/*
 * Marks the connection as failed. A reason that the server gave, which may still lie unread in
 * libpq's buffer, overrides the one given here.
 */
static void
die(struct connection *c, const char *reason, const char *sqlstate)
{
	if (c->state >= CONN_DYING)
		return;
	if (!c->reason)
		set_reason(c, reason, sqlstate);
	set_state(c, CONN_DYING);
	wake(c);
}

/* FATAL comes as a notice when no query is on the wire (fact F8). */
static void
on_notice(void *arg, const PGresult *result)
{
	struct connection *c = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (!severity || !primary)
		return;
	if (strcmp(severity, "FATAL") != 0 && strcmp(severity, "PANIC") != 0) {
		log_debug("%s: %s: %s", c->origin.label, severity, primary);
		return;
	}
	set_reason(c, primary, sqlstate);
}

static void
flush(struct connection *c)
{
	int left = PQflush(c->conn);

	if (left > 0)
		event_add(&c->writable, NULL);
	else if (left < 0)
		die(c, PQerrorMessage(c->conn), NULL);
}

static void
send_next(struct connection *c)
{
	if (c->state >= CONN_DYING)
		return;
	if (requests_send(&c->requests, c->conn))
		flush(c);
	else
		die(c, PQerrorMessage(c->conn), NULL);
}

static void
add_request(struct connection *c, char *sql, request_done *done)
{
	requests_add(&c->requests, sql, done, c);
	send_next(c);
}

static void
finish_request(struct connection *c)
{
	requests_finish(&c->requests);
	send_next(c);
}

/* One read. The time of what came with it is now. */
static bool
read_once(struct connection *c)
{
	c->read_time = clock_realtime();
	if (!PQconsumeInput(c->conn)) {
		die(c, PQerrorMessage(c->conn), NULL);
		return false;
	}
	if (!requests_collect(&c->requests, c->conn)) {
		die(c, "the server answered with COPY", NULL);
		return false;
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	c->extra_reads = PQsslInUse(c->conn) || PQgssEncInUse(c->conn) ? EXTRA_READS : 0;
	c->empty_reads = 0;
	if (read_once(c))
		wake(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* What the deadline that passes now was for. */
static const char *
overdue(const struct connection *c)
{
	if (c->state == CONN_LISTENING)
		return "the drain did not end";
	return c->state == CONN_READY ? "no answer to LISTEN" : "no connection";
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	char *reason = xasprintf("%s within %g s", overdue(c), (double)c->time_allowed / SECOND);

	(void)fd;
	(void)what;
	if (c->connector)
		connector_cancel(c->connector);
	c->connector = NULL;
	die(c, reason, NULL);
	free(reason);
}

static void
arm_deadline(struct connection *c, int64_t attempts)
{
	int64_t timeout = c->subscription->target->attempt_timeout;
	struct timeval tv;

	c->time_allowed = (timeout < 0 ? CONNECTOR_TIMEOUT : timeout) * attempts;
	timeval_from(c->time_allowed, &tv);
	if (timeout != 0)
		event_add(&c->deadline, &tv);
}

static void
on_listening(void *arg, const PGresult *error)
{
	struct connection *c = arg;
	const char *severity, *primary, *sqlstate;

	if (!error) {
		set_state(c, CONN_LISTENING);
		c->was_listening = true;
		return;
	}
	severity = PQresultErrorField(error, PG_DIAG_SEVERITY_NONLOCALIZED);
	primary = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);
	sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
	c->refused = severity && strcmp(severity, "ERROR") == 0; /* FATAL: the connection went */
	c->permanent = sqlstate_permanent(sqlstate);
	die(c, primary ? primary : PQresultErrorMessage(error), sqlstate);
}

/* Appends LISTEN for one channel; false, with the reason, where the server cannot have its name. */
static bool
add_listen(struct connection *c, const char *channel, struct buffer *sql)
{
	struct buffer name = {0};
	char *identifier = NULL, *reason;
	bool ok = encoding_from_utf8(c->origin.encoding, channel, strlen(channel), &name) &&
		  buffer_length(&name) <= CHANNEL_MAX;

	if (ok)
		identifier =
		    PQescapeIdentifier(c->conn, buffer_content(&name), buffer_length(&name));
	if (identifier) {
		buffer_addf(sql, "%sLISTEN %s", buffer_length(sql) ? ";" : "", identifier);
	} else {
		reason = xasprintf("channel \"%s\" cannot be a name in the server's encoding %s",
		    channel, PQparameterStatus(c->conn, "server_encoding"));
		c->permanent = c->refused = true;
		die(c, reason, "22P05");
		free(reason);
	}
	PQfreemem(identifier);
	buffer_free(&name);
	return identifier != NULL;
}

/* One batch for all channels: they start at once, in one round trip (fact F14). */
static void
listen_all(struct connection *c)
{
	struct buffer sql = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < c->subscription->count; i++)
		ok = add_listen(c, c->subscription->channels[i], &sql);
	if (ok)
		add_request(c, xstrndup(buffer_content(&sql), buffer_length(&sql)), on_listening);
	buffer_free(&sql);
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
	c->conn = conn;
	PQsetNoticeReceiver(conn, on_notice, c);
	encoding = PQparameterStatus(conn, "server_encoding");
	c->origin.encoding = encoding ? encoding_open(encoding) : NULL;
	event_assign(
	    &c->readable, c->settings.base, PQsocket(conn), EV_READ | EV_PERSIST, on_readable, c);
	event_assign(&c->writable, c->settings.base, PQsocket(conn), EV_WRITE, on_writable, c);
	if (!c->paused)
		event_add(&c->readable, NULL);
	set_state(c, CONN_READY);
	if (!c->settings.drain)
		arm_deadline(c, 1);
	listen_all(c);
}

static void
on_barrier(void *arg, const PGresult *error)
{
	struct connection *c = arg;

	if (error)
		die(c, PQresultErrorMessage(error), PQresultErrorField(error, PG_DIAG_SQLSTATE));
	else
		c->barrier_answer(c, c->settings.arg);
}

void
connection_barrier(struct connection *c, connection_answer *answer)
{
	c->barrier_answer = answer;
	add_request(c, xstrdup(""), on_barrier);
}

static const struct record *
new_record(struct connection *c, enum record_kind kind)
{
	c->record = (struct record){.kind = kind, .origin = &c->origin, .time = c->read_time};
	return &c->record;
}

static const struct record *
notification(struct connection *c)
{
	struct record *r = &c->record;

	*r = (struct record){
	    .kind = RECORD_NOTIFICATION,
	    .origin = &c->origin,
	    .time = c->read_time,
	    .channel = c->notify->relname,
	    .channel_length = strlen(c->notify->relname),
	    .payload = c->notify->extra,
	    .payload_length = strlen(c->notify->extra),
	    .pid = c->notify->be_pid,
	};
	return r;
}

static const struct record *
lost(struct connection *c)
{
	struct record *r = &c->record;

	set_state(c, CONN_LOST);
	PQfinish(c->conn);
	c->conn = NULL;
	c->read_time = clock_realtime();
	new_record(c, RECORD_LOST);
	r->reason = c->reason;
	r->sqlstate = c->sqlstate[0] ? c->sqlstate : NULL;
	r->phase = c->was_listening ? LOST_LATER : c->refused ? LOST_LISTENING : LOST_CONNECTING;
	r->permanent = c->permanent;
	return r;
}

/*
 * With TLS or GSS one read may leave data in the library that the socket does not show. Reads once
 * more; false when there is no more to expect: a read may bring a part of a message only, so two
 * must bring nothing.
 */
static bool
read_more(struct connection *c)
{
	if (c->extra_reads == 0 || c->paused || c->empty_reads == 2)
		return false;
	c->empty_reads++;
	if (--c->extra_reads == 0) {
		/* Others first; then on. */
		c->extra_reads = EXTRA_READS;
		wake(c);
		return false;
	}
	return read_once(c) || c->state == CONN_DYING;
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
	do {
		if (c->state == CONN_READY && c->requests.answered)
			finish_request(c);
		if (c->was_listening && !c->announced) {
			c->announced = true;
			new_record(c, RECORD_LISTENING);
			c->record.channels = (const char *const *)c->subscription->channels;
			c->record.channel_count = c->subscription->count;
			c->record.backend_pid = PQbackendPID(c->conn);
			c->record.since = -1;
			return &c->record;
		}
		if (c->conn && (c->notify = PQnotifies(c->conn))) {
			c->empty_reads = 0;
			return notification(c);
		}
		if (c->requests.answered && c->state < CONN_DYING)
			finish_request(c);
		if (c->state == CONN_DYING)
			return lost(c);
	} while (c->state < CONN_DYING && read_more(c));
	return NULL;
}

void
connection_pause(struct connection *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (c->state != CONN_READY && c->state != CONN_LISTENING)
		return;
	if (paused)
		event_del(&c->readable);
	else
		event_add(&c->readable, NULL);
}

struct connection *
connection_new(struct subscription *s, const struct connection_settings *settings)
{
	struct connection *c = xcalloc(1, sizeof *c);
	struct target *t = s->target;

	c->settings = *settings;
	c->subscription = s;
	c->origin.label = t->label;
	c->origin.label_length = strlen(t->label);
	c->origin.serial = next_serial++;
	event_assign(&c->readable, settings->base, -1, 0, on_readable, c);
	event_assign(&c->writable, settings->base, -1, 0, on_writable, c);
	evtimer_assign(&c->deadline, settings->base, on_deadline, c);
	if (settings->drain)
		arm_deadline(c, (int64_t)t->host_count * (t->prefer_standby ? 2 : 1));
	c->connector = connector_start(settings->base, t, &settings->policy, on_connected, c);
	return c;
}

void
connection_free(struct connection *c)
{
	if (c->state < CONN_DYING)
		set_state(c, CONN_LOST);
	if (c->connector)
		connector_cancel(c->connector);
	requests_free(&c->requests);
	PQfreemem(c->notify);
	PQfinish(c->conn);
	encoding_close(c->origin.encoding);
	free(c->reason);
	free(c);
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
