#include "config.h"

#include "check/connection_check.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/work_queue.h"
#include "check/diagnosis.h"
#include "check/server_facts.h"
#include "postgres/pooler_probe.h"
#include "postgres/server_error.h"
#include "postgres/session.h"
#include "postgres/sql.h"
#include "postgres/subscription.h"
#include "record/encoding.h"

/* Each step goes on to the next one, or to STEP_LEAVING. */
enum step {
	STEP_CONNECTING, /* the connection that listens is made */
	STEP_ASKING,     /* the server is asked about itself */
	STEP_LISTENING,  /* LISTEN on the private channel is on the wire */
	STEP_SECOND,     /* the connection that notifies is made */
	STEP_SENDING,    /* one notification after another, each answered and received */
	STEP_CHANNELS,   /* LISTEN on the channels that were given is on the wire */
	STEP_LEAVING,    /* a pooler's session may outlive us, and has to stop listening */
	STEP_OVER,
};

struct connection_check {
	struct event_base *base;
	struct subscription *subscription;
	struct findings found;
	enum step step;

	struct connector *connector; /* of either connection */
	struct session *first, *second;
	struct encoding *encoding;
	bool pooled;
	char *channel; /* the private one */
	char number[16];
	int64_t sent_at; /* monotonic */
	bool answered, arrived;
	int64_t times[CONNECTION_CHECK_NOTIFICATIONS]; /* from sent to arrived */

	struct event deadline;
	struct work_queue_job job; /* a session woke us, or it is over */
	connection_check_done *done;
	void *arg;
};

static void
arm_deadline(struct connection_check *c)
{
	struct timeval tv;

	timeval_from(CONNECTION_CHECK_TIMEOUT, &tv);
	event_add(&c->deadline, &tv);
}

static void
to_step(struct connection_check *c, enum step step)
{
	static const char *const names[] = {[STEP_CONNECTING] = "connecting",
	    [STEP_ASKING] = "asking",
	    [STEP_LISTENING] = "listening",
	    [STEP_SECOND] = "connecting again",
	    [STEP_SENDING] = "sending",
	    [STEP_CHANNELS] = "listening on the channels",
	    [STEP_LEAVING] = "leaving",
	    [STEP_OVER] = "over"};

	log_debug("%s: %s -> %s", c->subscription->target->label, names[c->step], names[step]);
	c->step = step;
	event_del(&c->deadline);
	if (step == STEP_OVER)
		work_queue_add(&c->job);
	else if (step != STEP_SECOND) /* the connector has deadlines of its own */
		arm_deadline(c);
}

static void
on_left(void *arg, const PGresult *result)
{
	if (result)
		to_step(arg, STEP_OVER);
}

/* The outcome is known; the first one counts. `reason` is UTF-8, or NULL. */
static void
end(struct connection_check *c, enum verdict verdict, const char *reason, const char *sqlstate)
{
	if (c->step >= STEP_LEAVING)
		return;
	c->found.verdict = verdict;
	if (reason)
		c->found.reason = xstrdup(reason);
	server_error_copy_sqlstate(c->found.sqlstate, sqlstate);
	if (c->pooled && c->channel && !session_failure(c->first, &sqlstate)) {
		to_step(c, STEP_LEAVING);
		session_request(c->first, xasprintf("UNLISTEN %s", c->channel), on_left, c);
	} else {
		to_step(c, STEP_OVER);
	}
}

/* The same with a reason in the server's encoding. */
static void
end_told(struct connection_check *c, enum verdict verdict, const char *reason, const char *sqlstate)
{
	char *text = server_facts_text(c->encoding, reason);

	end(c, verdict, text, sqlstate);
	free(text);
}

/* An ERROR of the server leads to this verdict; a FATAL one means that the connection is lost. */
static void
end_with(struct connection_check *c, enum verdict verdict, const PGresult *result)
{
	end_told(c, request_refused(result) ? verdict : VERDICT_UNREACHED, request_message(result),
	    PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

static void
on_channels(void *arg, const PGresult *result)
{
	struct connection_check *c = arg;

	if (!result)
		return;
	if (request_failed(result))
		end_with(c, VERDICT_REFUSED, result);
	else
		end(c, VERDICT_THROUGH, NULL, NULL);
}

/*
 * LISTEN on the given channels comes last, so that a pooler that lets no notification through does
 * not keep listening to them for us.
 */
static void
try_channels(struct connection_check *c)
{
	struct buffer sql = {0};
	char *bad = sql_add_listen(&sql, c->subscription, session_conn(c->first), c->encoding);

	if (bad) {
		end(c, VERDICT_REFUSED, bad, "22P05");
	} else if (buffer_length(&sql) == 0) {
		end(c, VERDICT_THROUGH, NULL, NULL);
	} else {
		to_step(c, STEP_CHANNELS);
		session_request(
		    c->first, xstrndup(buffer_content(&sql), buffer_length(&sql)), on_channels, c);
	}
	free(bad);
	buffer_free(&sql);
}

static void
end_second(struct connection_check *c, const char *reason, const char *sqlstate)
{
	char *known = server_facts_text(c->encoding, reason);
	char *text = xasprintf("the second connection, which notifies, failed: %s", known);

	c->found.second = true;
	end(c, VERDICT_UNDELIVERED, text, sqlstate);
	free(known);
	free(text);
}

static void on_sent(void *arg, const PGresult *result);

static void
send_next(struct connection_check *c)
{
	const char *const parameters[] = {c->channel, c->number};

	snprintf(c->number, sizeof c->number, "%d", ++c->found.sent);
	c->answered = c->arrived = false;
	arm_deadline(c);
	c->sent_at = clock_monotonic();
	session_request_with(
	    c->second, xstrdup("SELECT pg_catalog.pg_notify($1, $2)"), parameters, 2, on_sent, c);
}

/* The notification was both answered and received. */
static void
go_on(struct connection_check *c)
{
	if (!c->answered || !c->arrived || c->step != STEP_SENDING)
		return;
	if (c->found.delivered < CONNECTION_CHECK_NOTIFICATIONS) {
		send_next(c);
		return;
	}
	if (c->pooled)
		c->found.pooler = POOLER_SESSION;
	try_channels(c);
}

static void
on_sent(void *arg, const PGresult *result)
{
	struct connection_check *c = arg;

	if (!result)
		return;
	if (!request_failed(result)) {
		c->answered = true;
		go_on(c);
	} else if (request_refused(result)) {
		end_with(c, VERDICT_UNDELIVERED, result);
	} else {
		end_second(
		    c, request_message(result), PQresultErrorField(result, PG_DIAG_SQLSTATE));
	}
}

static void
take(struct connection_check *c, const PGnotify *n)
{
	if (c->step != STEP_SENDING || c->arrived || strcmp(n->relname, c->channel) != 0 ||
	    strcmp(n->extra, c->number) != 0)
		return;
	c->arrived = true;
	c->times[c->found.delivered++] = clock_monotonic() - c->sent_at;
	go_on(c);
}

static void on_wake(void *arg);

static void
on_second(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct connection_check *c = arg;

	c->connector = NULL;
	if (!conn) {
		end_second(c, failure->reason, failure->sqlstate);
		return;
	}
	c->second = session_open(c->base, conn, c->subscription->target, on_wake, c);
	session_read(c->second, true);
	to_step(c, STEP_SENDING);
	send_next(c);
}

static void
on_listening(void *arg, const PGresult *result)
{
	struct connection_check *c = arg;
	const struct connector_policy policy = {
	    .never_prompt = true, .beside = session_conn(c->first)};

	if (!result)
		return;
	if (request_failed(result)) {
		end_with(c, VERDICT_REFUSED, result);
		return;
	}
	to_step(c, STEP_SECOND);
	c->connector = connector_start(c->base, c->subscription->target, &policy, on_second, c);
}

static void
listen_privately(struct connection_check *c)
{
	c->channel = pooler_probe_channel();
	to_step(c, STEP_LISTENING);
	session_request(c->first, xasprintf("LISTEN %s", c->channel), on_listening, c);
}

static void
on_holders(void *arg, const PGresult *result)
{
	struct connection_check *c = arg;

	if (!result)
		return;
	if (!request_failed(result))
		server_facts_read_holders(&c->found, result, c->encoding);
	listen_privately(c);
}

static void
on_asked(void *arg, const PGresult *result)
{
	struct connection_check *c = arg;
	int64_t pid;
	char *text;

	if (!result)
		return;
	if (server_facts_read(&c->found, result, c->encoding, &pid)) {
		c->pooled = pid != PQbackendPID(session_conn(c->first));
		c->found.pooler = c->pooled ? POOLER_UNKNOWN : POOLER_NONE;
	} else if (request_failed(result) && !request_refused(result)) {
		end_with(c, VERDICT_UNREACHED, result);
		return;
	} else {
		text = server_facts_text(c->encoding,
		    request_failed(result) ? request_message(result) : "unexpected answer");
		log_warning(
		    "could not ask \"%s\" about itself: %s", c->subscription->target->label, text);
		free(text);
	}
	if (c->found.queue >= QUEUE_WARNING) {
		to_step(c, STEP_ASKING);
		session_request_table(
		    c->first, server_facts_holders_sql(), HOLDERS_MAX, on_holders, c);
	} else {
		listen_privately(c);
	}
}

static void
on_first(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct connection_check *c = arg;

	c->connector = NULL;
	if (!conn) {
		end(c, VERDICT_UNREACHED, failure->reason, failure->sqlstate);
		return;
	}
	server_facts_of_connection(&c->found, conn);
	if (c->found.pooler == POOLER_CONSOLE) {
		PQfinish(conn);
		end(c, VERDICT_REFUSED,
		    "this is the console of a pgbouncer, which has no notifications", NULL);
		return;
	}
	c->encoding = encoding_open(c->found.encoding);
	c->first = session_open(c->base, conn, c->subscription->target, on_wake, c);
	session_read(c->first, true);
	to_step(c, STEP_ASKING);
	session_request(c->first, server_facts_sql(conn), on_asked, c);
}

/* The notification was not answered, or does not come. */
static void
end_undelivered(struct connection_check *c)
{
	char *text;

	if (c->pooled && !c->answered) {
		end_second(c, "the pooler does not answer", NULL);
		return;
	}
	if (c->pooled) {
		c->found.pooler = POOLER_OTHER;
		end(c, VERDICT_UNDELIVERED,
		    "a pooler in transaction or statement mode is in between, and notifications do "
		    "not get through it",
		    NULL);
		return;
	}
	text = xasprintf("notification %d of %d %s within %g s", c->found.sent,
	    CONNECTION_CHECK_NOTIFICATIONS, c->answered ? "did not arrive" : "was not taken",
	    (double)CONNECTION_CHECK_TIMEOUT / SECOND);
	end(c, VERDICT_UNDELIVERED, text, NULL);
	free(text);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connection_check *c = arg;

	(void)fd;
	(void)what;
	if (c->step == STEP_LEAVING)
		to_step(c, STEP_OVER);
	else if (c->step == STEP_SENDING)
		end_undelivered(c);
	else
		end(c, VERDICT_UNREACHED, "the server does not answer", NULL);
}

/* What was received, then the answers to requests. */
static void
pull(struct connection_check *c, struct session *s)
{
	PGnotify *n;

	do
		while ((n = session_notify(s))) {
			if (s == c->first)
				take(c, n);
			PQfreemem(n);
		}
	while (session_finish(s));
}

static void
notice_failures(struct connection_check *c)
{
	const char *reason, *sqlstate;

	reason = session_failure(c->first, &sqlstate);
	if (reason) {
		end_told(c, VERDICT_UNREACHED, reason, sqlstate);
		if (c->step == STEP_LEAVING)
			to_step(c, STEP_OVER);
	}
	reason = c->second ? session_failure(c->second, &sqlstate) : NULL;
	if (reason && c->step == STEP_SENDING)
		end_second(c, reason, sqlstate);
}

static void
disconnect(struct connection_check *c)
{
	if (c->connector)
		connector_cancel(c->connector);
	c->connector = NULL;
	session_close(c->first);
	session_close(c->second);
	c->first = c->second = NULL;
	event_del(&c->deadline);
	work_queue_remove(&c->job);
}

/*
 * The only place that ends the check, and calls `done`, which may free it: no other function of the
 * check is on the stack.
 */
static void
on_turn(void *arg)
{
	struct connection_check *c = arg;

	if (c->first) {
		pull(c, c->first);
		if (c->second)
			pull(c, c->second);
		notice_failures(c);
	}
	if (c->step != STEP_OVER)
		return;
	disconnect(c);
	c->found.median = median(c->times, (size_t)c->found.delivered);
	c->done(&c->found, c->arg);
}

static void
on_wake(void *arg)
{
	struct connection_check *c = arg;

	work_queue_add(&c->job);
}

struct connection_check *
connection_check_start(struct event_base *base, struct subscription *s,
    const struct connector_policy *policy, int64_t heartbeat, connection_check_done *done,
    void *arg)
{
	struct connection_check *c = xcalloc(1, sizeof *c);

	c->base = base;
	c->subscription = s;
	c->found = (struct findings){.heartbeat = heartbeat, .queue = -1, .median = -1};
	c->done = done;
	c->arg = arg;
	c->job.run = on_turn;
	c->job.arg = c;
	evtimer_assign(&c->deadline, base, on_deadline, c);
	c->connector = connector_start(base, s->target, policy, on_first, c);
	return c;
}

void
connection_check_free(struct connection_check *c)
{
	disconnect(c);
	encoding_close(c->encoding);
	findings_free(&c->found);
	free(c->channel);
	free(c);
}
