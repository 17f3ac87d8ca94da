#include "config.h"

#include "manager/runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "manager/statement.h"
#include "postgres/connector.h"
#include "postgres/server_error.h"
#include "postgres/session.h"
#include "postgres/target.h"
#include "postgres/time_limit.h"
#include "record/encoding.h"
#include "sinks/sink.h"

enum runner_state {
	/* No run: the session, if there is one, waits for the next. Goes on to CONNECTING or RESUMING. */
	RUNNER_IDLE,
	/* Its connection is being opened. Goes on to BEGINNING. */
	RUNNER_CONNECTING,
	/* BEGIN is on the wire. Goes on to ROWS. */
	RUNNER_BEGINNING,
	/*
	 * The same over a session that has waited, and may have been lost meanwhile. Goes on to ROWS, or to CONNECTING.
	 */
	RUNNER_RESUMING,
	/* The statement is on the wire, or its rows are. Goes on to DELIVERING. */
	RUNNER_ROWS,
	/*
	 * Every row was pulled, and the fence stands behind them; or the server is asked whether anything was written.
	 * Goes on to COMMITTING.
	 */
	RUNNER_DELIVERING,
	/* All is delivered, and COMMIT is on the wire. */
	RUNNER_COMMITTING,
	/* Committed, or failed, from any state; the record that says so is to be pulled. */
	RUNNER_OVER,
};

struct runner {
	struct runner_settings settings;
	enum runner_state state;
	struct connector *connector;
	struct session *session;
	struct encoding *encoding; /* of the statement */
	struct time_limit
	    time_limit; /* of the answer to BEGIN: the session may have waited for long */
	struct fence fence;
	const PGconn *beside;
	const struct origin *origin;
	char *channel; /* of rows that name none; then in the server's encoding */
	struct record row, outcome;
	PGresult *result; /* of `row` */
	uint64_t rows;
	bool paused, wrote;
	struct server_error error; /* of the last run that failed */
};

static void
wake(void *arg)
{
	struct runner *c = arg;

	c->settings.wake(c->settings.arg);
}

/* Closing the connection is what rolls back. */
static void
close_session(struct runner *c)
{
	time_limit_clear(&c->time_limit);
	fence_cancel(c->settings.sinks, &c->fence);
	encoding_close(c->encoding);
	c->encoding = NULL;
	session_close(c->session);
	c->session = NULL;
}

static void
end(struct runner *c, enum record_kind kind)
{
	c->state = RUNNER_OVER;
	c->outcome = (struct record){.kind = kind,
	    .origin = c->origin,
	    .time = clock_realtime(),
	    .count = c->rows,
	    .work = c->settings.work};
	wake(c);
}

static void
fail(struct runner *c, enum run_trouble trouble, const char *reason, const char *sqlstate)
{
	if (c->state == RUNNER_OVER)
		return;
	end(c, RECORD_RUN_FAILED);
	server_error_set(&c->error, reason, sqlstate);
	c->outcome.trouble = trouble;
	c->outcome.reason = c->error.reason;
	c->outcome.sqlstate = server_error_sqlstate(&c->error);
}

/* Whether the session goes with it. */
static bool
is_fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity && strcmp(severity, "FATAL") == 0;
}

/* The server's error, and where in the statement it is. */
static void
fail_by(struct runner *c, const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool conflict = sqlstate && (strcmp(sqlstate, "40001") == 0 ||   /* serialization failure */
					strcmp(sqlstate, "40P01") == 0); /* deadlock */
	char *reason = xasprintf("%s%s%s", primary ? primary : PQresultErrorMessage(result),
	    position ? ", at character " : "", position ? position : "");

	if (is_fatal(result))
		fail(c, RUN_UNREACHED, reason, sqlstate);
	else
		fail(c, conflict ? RUN_CONFLICT : RUN_REFUSED, reason, sqlstate);
	free(reason);
}

static void
refuse(struct runner *c, const char *reason)
{
	fail(c, RUN_REFUSED, reason, NULL);
}

static void
on_committed(void *arg, const PGresult *result)
{
	struct runner *c = arg;

	if (!result)
		return; /* the session fails or is closed */
	if (request_failed(result))
		fail_by(c, result);
	else if (strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") != 0)
		refuse(c, "the transaction had failed");
	else
		end(c, c->settings.work ? RECORD_WORKED : RECORD_CAUGHT_UP);
}

static void
commit(struct runner *c)
{
	c->state = RUNNER_COMMITTING;
	session_request(c->session, xstrdup("COMMIT"), on_committed, c);
}

static void
on_asked(void *arg, const PGresult *result)
{
	struct runner *c = arg;

	if (!result || c->state == RUNNER_OVER)
		return;
	if (request_failed(result)) {
		fail_by(c, result);
		return;
	}
	c->wrote = strcmp(request_value(result, 0, 0), "t") == 0;
	commit(c);
}

/* Every sink is done with the rows. */
static void
on_delivered(struct fence *f, void *arg)
{
	struct runner *c = arg;

	if (f->failed) {
		wake(c);
		return;
	}
	session_read(c->session, true);
	if (c->settings.work && c->rows && !c->wrote)
		session_request(c->session, xstrdup(STATEMENT_WROTE), on_asked, c);
	else
		commit(c);
}

/* The statement was answered, after its last row. */
static void
on_rows_over(void *arg, const PGresult *result)
{
	struct runner *c = arg;

	if (!result || c->state == RUNNER_OVER)
		return;
	if (request_failed(result)) {
		fail_by(c, result);
	} else if (statement_unfit(result)) {
		refuse(c, statement_unfit(result));
	} else if (PQtransactionStatus(session_conn(c->session)) != PQTRANS_INTRANS) {
		refuse(c, "the statement ends its transaction itself");
	} else {
		c->state = RUNNER_DELIVERING;
		c->wrote = statement_writes(result);
		fence_set(c->settings.sinks, &c->fence);
	}
}

/* The statement in the server's encoding; the caller's. NULL: it has characters that do not exist there. */
static char *
encode(const struct runner *c, const char *text)
{
	struct buffer b = {0};
	char *encoded = NULL;

	if (encoding_from_utf8(c->encoding, text, strlen(text), &b))
		encoded = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return encoded;
}

static void
on_begun(void *arg, const PGresult *result)
{
	struct runner *c = arg;
	char *sql, *channel;

	time_limit_clear(&c->time_limit);
	if (!result || c->state == RUNNER_OVER)
		return;
	if (request_failed(result)) {
		/* The end of a session that has waited fails nothing: see notice_failure(). */
		if (c->state == RUNNER_BEGINNING || !is_fatal(result))
			fail_by(c, result);
		return;
	}
	sql = encode(c, c->settings.sql);
	channel = encode(c, c->channel);
	free(c->channel);
	c->channel = channel;
	if (!sql || !c->channel) {
		free(sql);
		refuse(
		    c, "the statement has characters that do not exist in the server's encoding");
		return;
	}
	c->state = RUNNER_ROWS;
	fence_begin(c->settings.sinks, &c->fence);
	session_request_rows(c->session, sql, on_rows_over, c);
	session_read(c->session, !c->paused);
}

static void
on_time_limit(void *arg)
{
	struct runner *c = arg;
	int64_t now = clock_monotonic();
	int64_t due = session_beat(c->session, now, 0, 0, SESSION_TIMEOUT);

	if (due != INT64_MAX)
		time_limit_set(&c->time_limit, due - now);
}

static void
begin(struct runner *c, enum runner_state state)
{
	c->state = state;
	time_limit_set(&c->time_limit, SESSION_TIMEOUT);
	session_request(c->session, xstrdup("BEGIN"), on_begun, c);
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct runner *c = arg;
	const char *encoding;

	c->connector = NULL;
	if (!conn) {
		fail(c, RUN_UNREACHED, failure->reason, failure->sqlstate);
		c->outcome.permanent = failure->permanent;
		return;
	}
	encoding = PQparameterStatus(conn, "server_encoding");
	c->encoding = encoding_open(encoding);
	c->session = session_open(c->settings.base, conn, c->settings.target, wake, c);
	session_read(c->session, true);
	session_request(c->session, xstrdup(STATEMENT_LOOK), NULL, NULL);
	session_request(c->session, xstrdup(STATEMENT_SET_UP), NULL, NULL);
	begin(c, RUNNER_BEGINNING);
}

static void
open_session(struct runner *c)
{
	/* Never prompts: the connection that listens has got the password that the user typed. */
	const struct connector_policy policy = {.never_prompt = true, .beside = c->beside};

	c->state = RUNNER_CONNECTING;
	c->connector =
	    connector_start(c->settings.base, c->settings.target, &policy, on_connected, c);
}

static const struct record *
row(struct runner *c)
{
	struct record *r = &c->row;
	int last = PQnfields(c->result) - 1;

	c->rows++;
	r->origin = c->origin;
	r->time = session_read_time(c->session);
	r->channel = c->channel;
	if (last > 0 && !PQgetisnull(c->result, 0, 0))
		r->channel = request_value(c->result, 0, 0);
	r->channel_length = strlen(r->channel);
	r->payload = request_value(c->result, 0, last); /* "" for NULL */
	r->payload_length = (size_t)PQgetlength(c->result, 0, last);
	return r;
}

/* Looks at what may have ended it. */
static void
notice_failure(struct runner *c)
{
	const char *sqlstate, *reason;
	PGnotify *n;

	while ((c->state == RUNNER_DELIVERING || c->state == RUNNER_IDLE) &&
	       (n = session_notify(c->session)))
		PQfreemem(n); /* looking for one finds the server's last word */
	reason = session_failure(c->session, &sqlstate);
	if (reason && (c->state == RUNNER_IDLE || c->state == RUNNER_RESUMING)) {
		close_session(c); /* nothing is lost with it: the run connects */
		if (c->state == RUNNER_RESUMING)
			open_session(c);
	} else if (reason) {
		fail(c, RUN_UNREACHED, reason, sqlstate);
	} else if (c->fence.failed) {
		fail(c, RUN_UNDELIVERED, "not every row could be delivered", NULL);
	}
}

const struct record *
runner_next(struct runner *c, bool room)
{
	PQclear(c->result);
	c->result = NULL;
	if (c->session && c->state != RUNNER_OVER &&
	    (c->state != RUNNER_ROWS || session_has_news(c->session) || c->fence.failed))
		notice_failure(c);
	if (room && c->state == RUNNER_ROWS && (c->result = session_row(c->session))) {
		if (!statement_unfit(c->result))
			return row(c);
		refuse(c, statement_unfit(c->result));
	}
	while (c->state != RUNNER_OVER && c->session && session_finish(c->session))
		;
	if (c->session && c->state != RUNNER_OVER)
		notice_failure(c);
	if (c->state != RUNNER_OVER)
		return NULL;
	c->state = RUNNER_IDLE;
	if (c->outcome.kind != RECORD_WORKED)
		close_session(c);
	return &c->outcome;
}

void
runner_pause(struct runner *c, bool paused)
{
	c->paused = paused;
	if (c->state == RUNNER_ROWS)
		session_read(c->session, !paused);
	if (!paused)
		wake(c);
}

bool
runner_has_all(const struct runner *c)
{
	return c->state >= RUNNER_DELIVERING;
}

bool
runner_commits(const struct runner *c)
{
	return c->state == RUNNER_COMMITTING;
}

uint64_t
runner_rows(const struct runner *c)
{
	return c->rows;
}

bool
runner_wrote(const struct runner *c)
{
	return c->wrote;
}

struct runner *
runner_new(const struct runner_settings *settings)
{
	struct runner *c = xcalloc(1, sizeof *c);

	c->settings = *settings;
	c->row = (struct record){.kind = RECORD_NOTIFICATION, .row = true};
	c->fence.rows = true;
	c->fence.passed = on_delivered;
	c->fence.arg = c;
	time_limit_init(&c->time_limit, settings->base, on_time_limit, c);
	return c;
}

void
runner_run(struct runner *c, const PGconn *beside, const struct origin *origin, const char *channel)
{
	c->origin = origin;
	free(c->channel);
	c->channel = xstrdup(channel);
	c->rows = 0;
	c->wrote = false;
	c->beside = beside;
	if (c->session)
		begin(c, RUNNER_RESUMING);
	else
		open_session(c);
}

void
runner_free(struct runner *c)
{
	if (!c)
		return;
	if (c->connector)
		connector_cancel(c->connector);
	PQclear(c->result);
	close_session(c);
	free(c->channel);
	server_error_free(&c->error);
	free(c);
}
