#include "config.h"

#include "manager/catchup.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "postgres/connector.h"
#include "postgres/server_error.h"
#include "postgres/session.h"
#include "postgres/target.h"
#include "record/encoding.h"
#include "sinks/sink.h"

enum catchup_state {
	/* Its connection is being opened. Goes on to BEGINNING. */
	CATCHUP_CONNECTING,
	/* BEGIN is on the wire. Goes on to ROWS. */
	CATCHUP_BEGINNING,
	/* The statement is on the wire, or its rows are. Goes on to DELIVERING. */
	CATCHUP_ROWS,
	/* Every row was pulled, and the fence stands behind them. Goes on to COMMITTING. */
	CATCHUP_DELIVERING,
	/* All is delivered, and COMMIT is on the wire. */
	CATCHUP_COMMITTING,
	/* Committed, or failed, from any state; the record that says so is to be pulled. */
	CATCHUP_OVER,
};

struct catchup {
	struct catchup_settings settings;
	enum catchup_state state;
	struct connector *connector;
	struct session *session;
	struct encoding *encoding; /* of the statement */
	struct fence fence;
	char *channel; /* the one of the settings; then in the server's encoding */
	struct record row, outcome;
	PGresult *result; /* of `row` */
	uint64_t rows;
	bool paused;
	char *reason, sqlstate[6];
};

static void
wake(void *arg)
{
	struct catchup *c = arg;

	c->settings.wake(c->settings.arg);
}

/* Closing the connection is what rolls back. */
static void
close_session(struct catchup *c)
{
	fence_cancel(c->settings.sinks, &c->fence);
	session_close(c->session);
	c->session = NULL;
}

static void
end(struct catchup *c, enum record_kind kind)
{
	c->state = CATCHUP_OVER;
	c->outcome = (struct record){
	    .kind = kind, .origin = c->settings.origin, .time = clock_realtime(), .count = c->rows};
	wake(c);
}

static void
fail(struct catchup *c, enum catchup_trouble trouble, const char *reason, const char *sqlstate)
{
	if (c->state == CATCHUP_OVER)
		return;
	end(c, RECORD_CATCHUP_FAILED);
	c->reason = server_error_line(reason);
	sqlstate = server_error_sqlstate(sqlstate);
	memcpy(c->sqlstate, sqlstate ? sqlstate : "", sqlstate ? 6 : 1);
	c->outcome.trouble = trouble;
	c->outcome.reason = c->reason;
	c->outcome.sqlstate = sqlstate ? c->sqlstate : NULL;
}

/* The server's error, and where in the statement it is. */
static void
fail_by(struct catchup *c, const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	bool conflict = sqlstate && (strcmp(sqlstate, "40001") == 0 ||   /* serialization failure */
					strcmp(sqlstate, "40P01") == 0); /* deadlock */
	char *reason = xasprintf("%s%s%s", primary ? primary : PQresultErrorMessage(result),
	    position ? ", at character " : "", position ? position : "");

	if (severity && strcmp(severity, "FATAL") == 0)
		fail(c, CATCHUP_UNREACHED, reason, sqlstate); /* the session went with it */
	else
		fail(c, conflict ? CATCHUP_CONFLICT : CATCHUP_REFUSED, reason, sqlstate);
	free(reason);
}

static void
refuse(struct catchup *c, const char *reason)
{
	fail(c, CATCHUP_REFUSED, reason, NULL);
}

static void
on_committed(void *arg, const PGresult *result)
{
	struct catchup *c = arg;

	if (!result)
		return; /* the session fails or is closed */
	if (request_failed(result))
		fail_by(c, result);
	else if (strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") != 0)
		refuse(c, "the transaction had failed");
	else
		end(c, RECORD_CAUGHT_UP);
}

/* Every sink is done with the rows. */
static void
on_delivered(struct fence *f, void *arg)
{
	struct catchup *c = arg;

	if (f->failed) {
		wake(c);
		return;
	}
	c->state = CATCHUP_COMMITTING;
	session_read(c->session, true);
	session_request(c->session, xstrdup("COMMIT"), on_committed, c);
}

/* What makes a statement unfit, or NULL. Two columns at most, and not zero, are a row. */
static const char *
unfit(const PGresult *result)
{
	const char *tag = PQcmdStatus((PGresult *)(uintptr_t)result);

	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		if (PQnfields(result) >= 1 && PQnfields(result) <= 2)
			return NULL;
		return "the statement returns other than one column (payload) or two (channel, "
		       "payload)";
	case PGRES_EMPTY_QUERY:
		return "the statement is empty";
	case PGRES_COMMAND_OK:
		if (strcmp(tag, "COMMIT") == 0 || strcmp(tag, "ROLLBACK") == 0)
			return "the statement ends its transaction itself";
		return "the statement returns no rows (INSERT, UPDATE and DELETE do with "
		       "RETURNING)";
	default:
		return "the statement is a COPY";
	}
}

/* The statement was answered, after its last row. */
static void
on_rows_over(void *arg, const PGresult *result)
{
	struct catchup *c = arg;

	if (!result || c->state == CATCHUP_OVER)
		return;
	if (request_failed(result)) {
		fail_by(c, result);
	} else if (unfit(result)) {
		refuse(c, unfit(result));
	} else if (PQtransactionStatus(session_conn(c->session)) != PQTRANS_INTRANS) {
		refuse(c, "the statement ends its transaction itself");
	} else {
		c->state = CATCHUP_DELIVERING;
		fence_set(c->settings.sinks, &c->fence);
	}
}

/* The statement in the server's encoding; the caller's. NULL: it has characters that do not exist there. */
static char *
encode(const struct catchup *c, const char *text)
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
	struct catchup *c = arg;
	char *sql, *channel;

	if (!result)
		return;
	if (request_failed(result)) {
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
	c->state = CATCHUP_ROWS;
	fence_begin(c->settings.sinks, &c->fence);
	session_request_rows(c->session, sql, on_rows_over, c);
	session_read(c->session, !c->paused);
}

/*
 * Who closes a connection while its statement runs, or waits for a lock, is noticed by the server only if
 * it looks (PostgreSQL 14; not on every system, so the answer does not matter).
 */
#define LOOK                                                                                       \
	"SELECT pg_catalog.set_config(name, '1s', false) FROM pg_catalog.pg_settings "             \
	"WHERE name = 'client_connection_check_interval' AND setting = '0'"

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct catchup *c = arg;
	const char *encoding;

	c->connector = NULL;
	if (!conn) {
		fail(c, CATCHUP_UNREACHED, failure->reason, failure->sqlstate);
		c->outcome.permanent = failure->permanent;
		return;
	}
	encoding = PQparameterStatus(conn, "server_encoding");
	c->encoding = encoding_open(encoding);
	c->session = session_open(c->settings.base, conn, c->settings.target, wake, c);
	session_read(c->session, true);
	c->state = CATCHUP_BEGINNING;
	session_request(c->session, xstrdup(LOOK), NULL, NULL);
	session_request(c->session, xstrdup("BEGIN"), on_begun, c);
}

static const struct record *
row(struct catchup *c)
{
	struct record *r = &c->row;
	int last = PQnfields(c->result) - 1;

	c->rows++;
	r->origin = c->settings.origin;
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
notice_failure(struct catchup *c)
{
	const char *sqlstate, *reason;
	PGnotify *n;

	while (c->state == CATCHUP_DELIVERING && (n = session_notify(c->session)))
		PQfreemem(n); /* looking for one finds the server's last word */
	reason = session_failure(c->session, &sqlstate);
	if (reason)
		fail(c, CATCHUP_UNREACHED, reason, sqlstate);
	else if (c->fence.failed)
		fail(c, CATCHUP_UNDELIVERED, "not every row could be delivered", NULL);
}

const struct record *
catchup_next(struct catchup *c, bool room)
{
	PQclear(c->result);
	c->result = NULL;
	if (c->session && c->state != CATCHUP_OVER)
		notice_failure(c);
	if (room && c->state == CATCHUP_ROWS && (c->result = session_row(c->session))) {
		if (!unfit(c->result))
			return row(c);
		refuse(c, unfit(c->result));
	}
	while (c->state != CATCHUP_OVER && c->session && session_finish(c->session))
		;
	if (c->session && c->state != CATCHUP_OVER)
		notice_failure(c);
	if (c->state != CATCHUP_OVER)
		return NULL;
	close_session(c);
	return &c->outcome;
}

void
catchup_pause(struct catchup *c, bool paused)
{
	c->paused = paused;
	if (c->state == CATCHUP_ROWS)
		session_read(c->session, !paused);
	if (!paused)
		wake(c);
}

bool
catchup_has_all(const struct catchup *c)
{
	return c->state >= CATCHUP_DELIVERING;
}

bool
catchup_commits(const struct catchup *c)
{
	return c->state == CATCHUP_COMMITTING;
}

uint64_t
catchup_rows(const struct catchup *c)
{
	return c->rows;
}

struct catchup *
catchup_start(const struct catchup_settings *settings)
{
	/* Never prompts: the connection that listens has got the password that the user typed. */
	const struct connector_policy policy = {.never_prompt = true, .beside = settings->beside};
	struct catchup *c = xcalloc(1, sizeof *c);

	c->settings = *settings;
	c->channel = xstrdup(settings->channel);
	c->row = (struct record){.kind = RECORD_NOTIFICATION, .row = true};
	c->fence.rows = true;
	c->fence.passed = on_delivered;
	c->fence.arg = c;
	c->connector = connector_start(settings->base, settings->target, &policy, on_connected, c);
	return c;
}

void
catchup_free(struct catchup *c)
{
	if (!c)
		return;
	if (c->connector)
		connector_cancel(c->connector);
	PQclear(c->result);
	close_session(c);
	encoding_close(c->encoding);
	free(c->channel);
	free(c->reason);
	free(c);
}
