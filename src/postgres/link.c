#include "config.h"

#include "postgres/link.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "postgres/message.h"
#include "postgres/sqlstate.h"
#include "postgres/target.h"

/* Reads of a TLS or GSS connection in one go: the library may hold more than the socket shows. */
#define EXTRA_READS 64

struct link {
	PGconn *conn;
	const struct target *target;
	struct event readable, writable;
	struct requests requests;
	link_wake *wake;
	void *arg;

	bool reading;
	int64_t alive;        /* when something was last read; monotonic */
	int64_t read_time;    /* the same; Unix time */
	unsigned extra_reads; /* left for this wake-up */
	unsigned empty_reads; /* one after another */
	bool left;            /* where the last notification was, there may be more */

	bool failed, told; /* `told`: by the server, why */
	char *reason;
	char sqlstate[6]; /* "" if none */
};

static void
set_reason(struct link *l, const char *reason, const char *sqlstate)
{
	sqlstate = sqlstate_valid(sqlstate);
	free(l->reason);
	l->reason = message_line(reason);
	snprintf(l->sqlstate, sizeof l->sqlstate, "%s", sqlstate ? sqlstate : "");
}

void
link_fail(struct link *l, const char *reason, const char *sqlstate)
{
	if (l->failed)
		return;
	l->failed = true;
	l->reading = false;
	event_del(&l->readable);
	event_del(&l->writable);
	if (!l->told)
		set_reason(l, reason, sqlstate);
	l->wake(l->arg);
}

const char *
link_failure(const struct link *l, const char **sqlstate)
{
	*sqlstate = l->sqlstate[0] ? l->sqlstate : NULL;
	return l->failed ? l->reason : NULL;
}

/*
 * The reason for a disconnect comes as a notice when no query is on the wire (fact F8), and as the answer
 * when one is: FATAL, or, at an immediate shutdown and after a crash, a warning of class 57P (operator
 * intervention).
 */
static bool
is_last_word(const char *severity, const char *sqlstate)
{
	return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0 ||
	       (sqlstate && strncmp(sqlstate, "57P", 3) == 0);
}

static void
hear(struct link *l, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (!severity || !primary || !is_last_word(severity, sqlstate))
		return;
	l->told = true;
	set_reason(l, primary, sqlstate);
}

static void
on_notice(void *arg, const PGresult *result)
{
	struct link *l = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity && primary)
		log_debug("%s: %s: %s", l->target->label, severity, primary);
	hear(l, result);
}

static void
watch(struct link *l, struct event *e)
{
	char *reason;

	if (event_add(e, NULL) == 0)
		return;
	reason = xasprintf("could not watch the connection: %s", strerror(errno));
	link_fail(l, reason, NULL);
	free(reason);
}

/*
 * One read. The time of what came with it is now. Where nothing more comes, libpq may still hold the last
 * word: it has read it when it could not send.
 */
static bool
read_once(struct link *l)
{
	const char *trouble;
	bool consumed;

	l->alive = clock_monotonic();
	l->read_time = clock_realtime();
	consumed = PQconsumeInput(l->conn);
	trouble = requests_collect(&l->requests, l->conn);
	hear(l, l->requests.result);
	if (!consumed)
		link_fail(l, PQerrorMessage(l->conn), NULL);
	else if (trouble)
		link_fail(l, trouble, NULL);
	return !l->failed;
}

/* It comes first: libpq's memory would grow with what is read on top of it. */
static bool
unpulled(const struct link *l)
{
	return l->left || l->requests.row;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	l->alive = clock_monotonic();
	if (unpulled(l)) {
		l->wake(l->arg);
		return;
	}
	l->extra_reads = PQsslInUse(l->conn) || PQgssEncInUse(l->conn) ? EXTRA_READS : 0;
	l->empty_reads = 0;
	if (read_once(l))
		l->wake(l->arg);
}

/*
 * With TLS or GSS one read may leave data in the library that the socket does not show. Reads once
 * more; false when there is no more to expect: a read may bring a part of a message only, so two
 * must bring nothing.
 */
static bool
read_more(struct link *l)
{
	if (l->extra_reads == 0 || !l->reading || l->empty_reads == 2)
		return false;
	l->empty_reads++;
	if (--l->extra_reads == 0) {
		/* Others first; then on. */
		l->extra_reads = EXTRA_READS;
		l->wake(l->arg);
		return false;
	}
	return read_once(l) || l->failed;
}

PGnotify *
link_notify(struct link *l)
{
	PGnotify *n;

	while (!(n = PQnotifies(l->conn)) && !l->requests.answered && read_more(l))
		;
	l->left = n;
	if (n)
		l->empty_reads = 0;
	else if (PQstatus(l->conn) == CONNECTION_BAD)
		link_fail(l, PQerrorMessage(l->conn), NULL); /* libpq lost its place, and hung up */
	return n;
}

PGresult *
link_row(struct link *l)
{
	PGresult *row;

	while (
	    !(row = requests_row(&l->requests, l->conn)) && !l->requests.answered && read_more(l))
		;
	if (row)
		l->empty_reads = 0;
	return row;
}

static void
flush(struct link *l)
{
	int left = PQflush(l->conn);

	if (left > 0)
		watch(l, &l->writable);
	else if (left < 0)
		link_fail(l, PQerrorMessage(l->conn), NULL);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
send_next(struct link *l)
{
	if (l->failed)
		return;
	if (requests_send(&l->requests, l->conn))
		flush(l);
	else
		link_fail(l, PQerrorMessage(l->conn), NULL);
}

void
link_request_with(struct link *l, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg)
{
	requests_add_with(&l->requests, sql, parameters, count, done, arg);
	send_next(l);
}

void
link_request(struct link *l, char *sql, request_done *done, void *arg)
{
	link_request_with(l, sql, NULL, 0, done, arg);
}

void
link_request_table(struct link *l, char *sql, size_t rows, request_done *done, void *arg)
{
	requests_add_table(&l->requests, sql, rows, done, arg);
	send_next(l);
}

void
link_request_rows(struct link *l, char *sql, request_done *done, void *arg)
{
	requests_add_rows(&l->requests, sql, done, arg);
	send_next(l);
}

bool
link_finish(struct link *l)
{
	if (!l->requests.answered)
		return false;
	requests_finish(&l->requests);
	send_next(l);
	return true;
}

/* Whether something can be read now; then it is. A stopped pgwait (^Z) finds the answer so. */
static bool
read_late(struct link *l)
{
	struct pollfd p = {.fd = PQsocket(l->conn), .events = POLLIN};

	if (poll(&p, 1, 0) <= 0)
		return false;
	on_readable(p.fd, EV_READ, l);
	return true;
}

int64_t
link_beat(struct link *l, int64_t now, int64_t heartbeat, int64_t slack, int64_t patience)
{
	const struct requests *q = &l->requests;
	/* An answer tells nobody: so the next query is thought of at its time, too. */
	int64_t soon = now + (heartbeat && heartbeat < patience ? heartbeat : patience), due;

	if (l->failed || !l->reading)
		return INT64_MAX;
	if (q->sent && !q->answered) {
		due =
		    (q->sent_at.monotonic > l->alive ? q->sent_at.monotonic : l->alive) + patience;
		if (now < due)
			return due;
		if (!read_late(l))
			link_fail(l, "the server does not answer", NULL);
		return soon;
	}
	if (heartbeat == 0)
		return INT64_MAX;
	due = q->sent_at.monotonic + heartbeat;
	if (now + slack < due)
		return due;
	link_request(l, xstrdup(""), NULL, NULL); /* that it is answered is all that matters */
	return soon;
}

void
link_read(struct link *l, bool on)
{
	if (l->failed || l->reading == on)
		return;
	l->reading = on;
	l->alive = clock_monotonic(); /* whoever did not read cannot judge */
	if (on)
		watch(l, &l->readable);
	else
		event_del(&l->readable);
}

struct link *
link_open(
    struct event_base *base, PGconn *conn, const struct target *target, link_wake *wake, void *arg)
{
	struct link *l = xcalloc(1, sizeof *l);

	l->conn = conn;
	l->target = target;
	l->wake = wake;
	l->arg = arg;
	l->alive = clock_monotonic();
	l->read_time = clock_realtime();
	PQsetNoticeReceiver(conn, on_notice, l);
	event_assign(&l->readable, base, PQsocket(conn), EV_READ | EV_PERSIST, on_readable, l);
	event_assign(&l->writable, base, PQsocket(conn), EV_WRITE, on_writable, l);
	return l;
}

void
link_close(struct link *l)
{
	if (!l)
		return;
	event_del(&l->readable);
	event_del(&l->writable);
	l->failed = true; /* a callback may want to send another */
	requests_abandon(&l->requests);
	PQfinish(l->conn);
	free(l->reason);
	free(l);
}

int64_t
link_read_time(const struct link *l)
{
	return l->read_time;
}

struct moment
link_sent_at(const struct link *l)
{
	return l->requests.sent_at;
}

void
link_proven(const struct link *l, struct moment *at)
{
	if (l->requests.proven.realtime)
		*at = l->requests.proven;
}

PGconn *
link_conn(const struct link *l)
{
	return l->conn;
}
