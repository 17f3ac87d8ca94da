#include "config.h"

#include "postgres/session.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/portable.h"
#include "base/work_queue.h"
#include "postgres/server_error.h"
#include "postgres/target.h"

/* Reads of a TLS or GSS connection in one go: the library may hold more than the socket shows. */
#define EXTRA_READS 64

/* Each time that so many connections were closed, their memory goes back to the system. */
#define RETURN_MEMORY 64

struct session {
	PGconn *conn;
	const struct target *target;
	struct event readable,
	    *writable;             /* `writable`: NULL: what was to be sent could be sent at once */
	struct work_queue_job job; /* reads the last, tells that it failed, and closes */
	struct request_queue requests;
	session_wake *wake;
	void *arg;

	bool reading;
	int64_t alive;        /* when something was last read; monotonic */
	int64_t read_time;    /* the same; Unix time */
	unsigned extra_reads; /* left for this wake-up */
	unsigned empty_reads; /* one after another */
	bool left;            /* where the last notification was, there may be more */

	bool failed, told; /* `told`: by the server, why */
	struct server_error error;
};

static void
stop_reading(struct session *s)
{
	event_del(&s->readable);
	work_queue_remove(&s->job);
}

static void
stop_writing(struct session *s)
{
	if (s->writable)
		event_free(s->writable);
	s->writable = NULL;
}

void
session_fail(struct session *s, const char *reason, const char *sqlstate)
{
	if (s->failed)
		return;
	s->failed = true;
	s->reading = false;
	stop_reading(s);
	stop_writing(s);
	if (!s->told)
		server_error_set(&s->error, reason, sqlstate);
	work_queue_add(&s->job);
}

const char *
session_failure(const struct session *s, const char **sqlstate)
{
	*sqlstate = server_error_sqlstate(&s->error);
	return s->failed ? s->error.reason : NULL;
}

/*
 * The reason for a disconnect comes as a notice when no query is on the wire (fact F8), and as the answer
 * when one is: FATAL, or, at an immediate shutdown and after a crash, a warning of class 57P (operator
 * intervention). A function can raise such a warning, too; but then it has a context, which the server's own has not.
 */
static bool
is_last_word(const PGresult *result, const char *severity, const char *sqlstate)
{
	if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
		return true;
	return strcmp(severity, "WARNING") == 0 && sqlstate && strncmp(sqlstate, "57P", 3) == 0 &&
	       !PQresultErrorField(result, PG_DIAG_CONTEXT);
}

static void
hear(struct session *s, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (!severity || !primary || !is_last_word(result, severity, sqlstate))
		return;
	s->told = true;
	server_error_set(&s->error, primary, sqlstate);
}

static void
on_notice(void *arg, const PGresult *result)
{
	struct session *s = arg;
	server_error_log_notice(s->target->label, result);
	hear(s, result);
}

static void
watch(struct session *s, struct event *e)
{
	char *reason;

	if (event_add(e, NULL) == 0)
		return;
	reason = xasprintf("could not watch the connection: %s", strerror(errno));
	session_fail(s, reason, NULL);
	free(reason);
}

/*
 * Reads once, and notes the time for what came. Even if the read fails, libpq may hold the server's
 * last message: it reads that when it cannot send.
 */
static bool
read_once(struct session *s)
{
	const char *trouble;
	bool consumed;

	s->alive = clock_monotonic();
	s->read_time = clock_realtime();
	consumed = PQconsumeInput(s->conn);
	trouble = request_queue_collect(&s->requests, s->conn);
	if (s->requests.result)
		hear(s, s->requests.result);
	if (!consumed)
		session_fail(s, PQerrorMessage(s->conn), NULL);
	else if (trouble)
		session_fail(s, trouble, NULL);
	return !s->failed;
}

/*
 * Whether libpq holds something that was not pulled. That is pulled before the next read, or
 * libpq's memory would grow.
 */
static bool
unpulled(const struct session *s)
{
	return s->left || s->requests.row;
}

static void
read_now(struct session *s, unsigned extra_reads)
{
	if (unpulled(s)) {
		s->alive = clock_monotonic();
		s->wake(s->arg);
		return;
	}
	s->extra_reads = extra_reads;
	s->empty_reads = 0;
	if (read_once(s))
		s->wake(s->arg);
}

/*
 * The read that finds the end of a connection costs ten times as much as another, since libpq takes TLS down: those that end
 * together wait for their turn, and the others are read meanwhile. The first of them is read, and waits in the queue to be
 * told; while something waits there, each is looked at before it is read.
 */
static bool
must_wait(const struct session *s)
{
	return s->told || (work_queue_waiting() && portable_hung_up(PQsocket(s->conn)));
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (must_wait(s)) {
		event_del(&s->readable);
		work_queue_add(&s->job);
	} else {
		read_now(s, PQsslInUse(s->conn) || PQgssEncInUse(s->conn) ? EXTRA_READS : 0);
	}
}

/* Reads the end, or what came before it, and tells that the session failed, however that was found. */
static void
on_turn(void *arg)
{
	struct session *s = arg;

	if (!s->failed)
		read_now(s, 0);
	if (s->failed) {
		work_queue_remove(&s->job);
		s->wake(s->arg);
	} else if (s->reading) {
		watch(s, &s->readable);
	}
}

/*
 * With TLS or GSS one read may leave data in the library that the socket does not show. Reads once
 * more; false when there is no more to expect: a read may bring a part of a message only, so two
 * must bring nothing.
 */
static bool
read_more(struct session *s)
{
	if (s->extra_reads == 0 || !s->reading || s->empty_reads == 2 || must_wait(s))
		return false;
	s->empty_reads++;
	if (--s->extra_reads == 0) {
		/* Others first; then on. */
		s->extra_reads = EXTRA_READS;
		s->wake(s->arg);
		return false;
	}
	return read_once(s) || s->failed;
}

PGnotify *
session_notify(struct session *s)
{
	PGnotify *n;

	while (!(n = PQnotifies(s->conn)) && !s->requests.answered && read_more(s))
		;
	s->left = n;
	if (n)
		s->empty_reads = 0;
	else if (PQstatus(s->conn) == CONNECTION_BAD)
		session_fail(
		    s, PQerrorMessage(s->conn), NULL); /* libpq lost its place, and hung up */
	return n;
}

PGresult *
session_row(struct session *s)
{
	PGresult *row;

	while (!(row = request_queue_row(&s->requests, s->conn)) && !s->requests.answered &&
	       read_more(s))
		;
	if (row)
		s->empty_reads = 0;
	return row;
}

static void on_writable(evutil_socket_t fd, short what, void *arg);

static void
flush(struct session *s)
{
	int left = PQflush(s->conn);

	stop_writing(s);
	if (left > 0) {
		s->writable = event_new(
		    event_get_base(&s->readable), PQsocket(s->conn), EV_WRITE, on_writable, s);
		watch(s, s->writable);
	} else if (left < 0) {
		session_fail(s, PQerrorMessage(s->conn), NULL);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
send_next(struct session *s)
{
	if (s->failed)
		return;
	if (request_queue_send(&s->requests, s->conn))
		flush(s);
	else
		session_fail(s, PQerrorMessage(s->conn), NULL);
}

void
session_request_with(struct session *s, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg)
{
	request_queue_add_with(&s->requests, sql, parameters, count, done, arg);
	send_next(s);
}

void
session_request(struct session *s, char *sql, request_done *done, void *arg)
{
	session_request_with(s, sql, NULL, 0, done, arg);
}

void
session_request_table(struct session *s, char *sql, size_t rows, request_done *done, void *arg)
{
	request_queue_add_table(&s->requests, sql, rows, done, arg);
	send_next(s);
}

void
session_request_rows(struct session *s, char *sql, request_done *done, void *arg)
{
	request_queue_add_rows(&s->requests, sql, done, arg);
	send_next(s);
}

bool
session_has_news(const struct session *s)
{
	return s->requests.answered || s->failed;
}

bool
session_finish(struct session *s)
{
	if (!s->requests.answered)
		return false;
	request_queue_finish(&s->requests);
	send_next(s);
	return true;
}

/* Whether something can be read now; then it is. A stopped pgwait (^Z) finds the answer so. */
static bool
read_late(struct session *s)
{
	struct pollfd p = {.fd = PQsocket(s->conn), .events = POLLIN};

	if (poll(&p, 1, 0) <= 0)
		return false;
	on_readable(p.fd, EV_READ, s);
	return true;
}

int64_t
session_beat(struct session *s, int64_t now, int64_t heartbeat, int64_t slack, int64_t patience)
{
	const struct request_queue *q = &s->requests;
	/* An answer tells nobody: so the next query is thought of at its time, too. */
	int64_t soon = now + (heartbeat && heartbeat < patience ? heartbeat : patience), due;

	if (s->failed || !s->reading)
		return INT64_MAX;
	if (q->sent && !q->answered) {
		due =
		    (q->sent_at.monotonic > s->alive ? q->sent_at.monotonic : s->alive) + patience;
		if (now < due)
			return due;
		if (!read_late(s))
			session_fail(s, "the server does not answer", NULL);
		return soon;
	}
	if (heartbeat == 0)
		return INT64_MAX;
	due = q->sent_at.monotonic + heartbeat;
	if (now + slack < due)
		return due;
	session_request(s, xstrdup(""), NULL, NULL); /* that it is answered is all that matters */
	return soon;
}

void
session_read(struct session *s, bool on)
{
	if (s->failed || s->reading == on)
		return;
	s->reading = on;
	s->alive = clock_monotonic(); /* while the session was not read, an answer may have come */
	if (on)
		watch(s, &s->readable);
	else
		stop_reading(s);
}

struct session *
session_open(struct event_base *base, PGconn *conn, const struct target *target, session_wake *wake,
    void *arg)
{
	struct session *s = xcalloc(1, sizeof *s);

	s->conn = conn;
	s->target = target;
	s->wake = wake;
	s->arg = arg;
	s->job = (struct work_queue_job){.run = on_turn, .arg = s, .before = true};
	s->alive = clock_monotonic();
	s->read_time = clock_realtime();
	PQsetNoticeReceiver(conn, on_notice, s);
	event_assign(&s->readable, base, PQsocket(conn), EV_READ | EV_PERSIST, on_readable, s);
	return s;
}

/*
 * With TLS a connection that comes back takes other pages than those it had before, so that a process that loses all of its
 * connections would become larger each time. It takes about as long as to open one connection.
 */
static void
return_memory(void)
{
	static unsigned closed;

	if (++closed % RETURN_MEMORY == 0)
		portable_return_memory();
}

static void
finish(void *arg)
{
	struct session *s = arg;

	PQfinish(s->conn);
	server_error_free(&s->error);
	free(s);
	return_memory();
}

void
session_close(struct session *s)
{
	if (!s)
		return;
	stop_reading(s);
	stop_writing(s);
	s->failed = true; /* a callback may want to send another */
	request_queue_abandon(&s->requests);
	s->job.run = finish;
	work_queue_add(&s->job);
}

int64_t
session_read_time(const struct session *s)
{
	return s->read_time;
}

struct moment
session_sent_at(const struct session *s)
{
	return s->requests.sent_at;
}

void
session_proven(const struct session *s, struct moment *at)
{
	if (s->requests.proven.realtime)
		*at = s->requests.proven;
}

bool
session_ends(const struct session *s)
{
	return s->failed || s->told;
}

PGconn *
session_conn(const struct session *s)
{
	return s->conn;
}
