#include "config.h"

#include "manager/advisory_lock.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/work_queue.h"
#include "manager/backoff.h"
#include "manager/lock_rank.h"
#include "postgres/connector.h"
#include "postgres/server_error.h"
#include "postgres/session.h"
#include "postgres/sql.h"
#include "postgres/target.h"
#include "record/encoding.h"

#define ASK       SECOND       /* from one question for the lock to the next */
#define HEARTBEAT (2 * SECOND) /* from one heartbeat of the active process to the next */
#define PATIENCE  (3 * SECOND) /* how long an answer may take */

/*
 * How long the lock is known to be ours, from when we sent the last query that was answered. The server ends the
 * session of a host that vanished only after it has heard nothing for 10 s (set_up()).
 */
#define LEASE (9 * SECOND)

enum lock_state {
	/* No session; one is being opened, or will be. */
	LOCK_AWAY,
	/* There is a session, and no answer yet. */
	LOCK_ASKING,
	/* Another session has the lock. */
	LOCK_WAITING,
	/* Our session has the lock, until it ends. */
	LOCK_ACTIVE,
};

struct advisory_lock {
	struct event_base *base;
	advisory_lock_where *where;
	bool (*is_complete)(void *arg);
	void *arg;
	const char *key;
	char *key_sent; /* in the server's encoding */
	enum lock_state state, told;
	struct connector *connector;
	struct session *session;
	struct target named;  /* only a label, for the session, which may outlive the connection */
	struct origin origin; /* of the records: the same label */
	char *place; /* of the session, or of the attempt to open it; NULL: there is neither */
	struct work_queue_job job; /* reads from the session, which has something to read */
	struct event timer;        /* the next attempt, question or heartbeat */
	struct backoff backoff;

	struct moment proven; /* when a query was sent whose answer showed that the lock is ours */
	int64_t due;          /* when it may be asked for at the soonest; boottime */
	bool waited;          /* it was waited for, or ours */
	bool held[RANKS];     /* the shared locks of the session */
	int64_t left;         /* since when it was left to others; boottime; 0: it was not */
	struct record record;
	bool changed;
	bool asked;    /* a question or heartbeat is not answered yet */
	char *backend; /* the process ID of the session, as the server says */
	char *reason;
};

static void
arm(struct advisory_lock *x, int64_t delay)
{
	struct timeval tv;

	timeval_from(delay > 0 ? delay : 0, &tv);
	event_add(&x->timer, &tv);
}

static void
set_label(struct advisory_lock *x, const char *label)
{
	free(x->named.label);
	x->named.label = xstrdup(label);
	x->origin.label = x->named.label;
	x->origin.label_length = strlen(label);
}

/* The only place that changes the state. Makes the record for advisory_lock_next(). */
static void
set_state(struct advisory_lock *x, enum lock_state state, const char *reason)
{
	char *line = reason ? server_error_line(reason) : NULL;
	bool same = state == x->told && (!line || (x->reason && strcmp(line, x->reason) == 0));

	if (state == LOCK_AWAY && x->state == LOCK_WAITING)
		x->due = clock_boottime() + LEASE;
	x->state = state;
	if (state == LOCK_ASKING || same) {
		free(line);
		return;
	}
	free(x->reason);
	x->reason = line;
	x->changed = true;
	x->told = state;
	x->record = (struct record){.kind = state == LOCK_ACTIVE ? RECORD_ACTIVE : RECORD_WAITING,
	    .origin = &x->origin,
	    .time = clock_realtime(),
	    .key = x->key,
	    .since = -1};
}

/* If we had the lock, it is gone with the session. */
static void
close_session(struct advisory_lock *x)
{
	if (x->connector)
		connector_cancel(x->connector);
	x->connector = NULL;
	x->asked = false;
	memset(x->held, 0, sizeof x->held);
	session_close(x->session);
	x->session = NULL;
	work_queue_remove(&x->job);
	event_del(&x->timer);
	free(x->place);
	x->place = NULL;
}

static void
leave(struct advisory_lock *x, const char *reason)
{
	set_state(x, LOCK_AWAY, reason);
	close_session(x);
	arm(x, backoff_next(&x->backoff, 0));
}

/* Why an answer does not tell who has the lock; NULL: it does. */
static const char *
unusable(const struct advisory_lock *x, const PGresult *result)
{
	if (request_failed(result))
		return PQresultErrorMessage(result);
	if (strcmp(request_value(result, 0, 1), x->place) != 0)
		return "it reached another server, or another database, than the first connection";
	if (!*request_value(result, 0, 0))
		return "the server is a standby, whose locks are its own";
	return NULL;
}

/* Holds the shared lock of a rank, or does not. */
static void
hold(struct advisory_lock *x, enum lock_rank rank, bool held)
{
	const char *parameters[] = {x->key_sent};

	if (x->held[rank] == held)
		return;
	x->held[rank] = held;
	session_request_with(x->session,
	    lock_rank_hold(rank, held, x->key, PQserverVersion(session_conn(x->session))),
	    parameters, 1, NULL, NULL);
}

static void
on_asked(void *arg, const PGresult *result)
{
	struct advisory_lock *x = arg;
	const char *answer;

	if (!result)
		return; /* the session fails or is closed */
	x->asked = false;
	if (unusable(x, result)) {
		session_fail(x->session, unusable(x, result), NULL);
		return;
	}
	x->backoff = (struct backoff){0};
	free(x->backend);
	x->backend = xstrdup(request_value(result, 0, 2));
	answer = request_value(result, 0, 0);
	if (strcmp(answer, LOCK_RANK_LEFT) != 0)
		x->left = 0;
	else if (!x->left)
		x->left = clock_boottime();
	x->waited = true;
	set_state(x, *answer == 't' ? LOCK_ACTIVE : LOCK_WAITING, NULL);
	if (x->state == LOCK_WAITING)
		hold(x, RANK_WAITING, true);
}

/* One that comes before may hang: after a lease the lock is left to nobody any more. */
static enum lock_rank
rank_of(const struct advisory_lock *x)
{
	if (x->is_complete(x->arg) || (x->left && clock_boottime() - x->left >= LEASE))
		return RANK_COMPLETE;
	return x->waited ? RANK_WAITING : RANK_STARTED;
}

static void
ask(struct advisory_lock *x)
{
	const char *parameters[] = {x->key_sent};

	if (x->state == LOCK_WAITING)
		hold(x, RANK_COMPLETE, x->is_complete(x->arg));
	x->asked = true;
	session_request_with(x->session,
	    lock_rank_question(rank_of(x), x->key, PQserverVersion(session_conn(x->session))),
	    parameters, 1, on_asked, x);
}

/* If another server process answered than that of the session, there is a pooler in between. */
static void
on_proven(void *arg, const PGresult *result)
{
	struct advisory_lock *x = arg;

	if (!result)
		return;
	x->asked = false;
	if (request_failed(result))
		session_fail(x->session, PQresultErrorMessage(result), NULL);
	else if (strcmp(request_value(result, 0, 0), x->backend) != 0)
		session_fail(x->session,
		    "a pooler in transaction or statement mode is in between, through which "
		    "nobody can hold a lock: connect to the server itself, or to a pooler in "
		    "session mode",
		    NULL);
}

/* Sends a heartbeat, whose answer renews the lease. */
static void
prove(struct advisory_lock *x)
{
	x->asked = true;
	session_request(x->session, xstrdup("SELECT pg_catalog.pg_backend_pid()"), on_proven, x);
}

/*
 * Has the server end the session 10 s after our host has vanished: after 5 s it sends five keepalives, 1 s apart; or
 * our host has not acknowledged for 10 s what the server sent last.
 */
static void
set_up(struct advisory_lock *x)
{
	bool user_timeout = PQserverVersion(session_conn(x->session)) >= 120000;

	session_request(x->session,
	    xasprintf("SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 1; "
		      "SET tcp_keepalives_count = 5%s",
		user_timeout ? "; SET tcp_user_timeout = 10000" : ""),
	    NULL, NULL);
}

/* Ends the request that was answered. The first answer that proves the lock is that to the question for it. */
static bool
finish_request(struct advisory_lock *x)
{
	if (!session_finish(x->session))
		return false;
	if (x->state == LOCK_ACTIVE)
		session_proven(x->session, &x->proven);
	return true;
}

static void
on_turn(void *arg)
{
	struct advisory_lock *x = arg;
	const char *sqlstate, *reason;
	PGnotify *n;

	while ((n = session_notify(x->session)) ||
	       finish_request(x)) /* session_notify() also finds why the server ended the session */
		PQfreemem(n);
	reason = session_failure(x->session, &sqlstate);
	if (reason)
		leave(x, reason);
}

static void
on_wake(void *arg)
{
	struct advisory_lock *x = arg;

	work_queue_add(&x->job);
}

static bool
encode_key(struct advisory_lock *x, const char *server_encoding)
{
	struct encoding *e = encoding_open(server_encoding);
	struct buffer b = {0};
	bool ok = encoding_from_utf8(e, x->key, strlen(x->key), &b);

	free(x->key_sent);
	x->key_sent = ok ? xstrndup(buffer_content(&b), buffer_length(&b)) : NULL;
	buffer_free(&b);
	encoding_close(e);
	return ok;
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct advisory_lock *x = arg;

	x->connector = NULL;
	if (!conn) {
		leave(x, failure->reason);
		return;
	}
	x->session = session_open(x->base, conn, &x->named, on_wake, x);
	if (!encode_key(x, PQparameterStatus(conn, "server_encoding"))) {
		leave(x, "the key has characters that do not exist in the server's encoding");
		return;
	}
	set_state(x, LOCK_ASKING, NULL);
	session_read(x->session, true);
	set_up(x);
	arm(x, 0);
}

/* Opens a session where the first connection is. If that does not listen, the owner will call advisory_lock_connect(). */
static void
connect_beside(struct advisory_lock *x)
{
	struct advisory_lock_place p;
	struct connector_policy policy = {.never_prompt = true};

	if (!x->where(&p, x->arg))
		return;
	set_label(x, p.label);
	free(x->place);
	x->place = xstrdup(p.name);
	policy.beside = p.beside;
	x->connector = connector_start(x->base, p.target, &policy, on_connected, x);
}

void
advisory_lock_give_up(struct advisory_lock *x, const char *label, const char *reason)
{
	set_label(x, label);
	set_state(x, LOCK_AWAY, reason);
	close_session(x);
}

void
advisory_lock_close(struct advisory_lock *x)
{
	close_session(x);
	x->state = x->told = LOCK_AWAY;
	x->changed = false;
	x->proven = (struct moment){0};
	free(x->reason);
	x->reason = NULL;
}

void
advisory_lock_connect(struct advisory_lock *x)
{
	if (x->session || x->connector)
		return;
	x->backoff = (struct backoff){0};
	arm(x, 0);
}

void
advisory_lock_unreachable(struct advisory_lock *x)
{
	if (x->connector)
		close_session(x);
}

void
advisory_lock_renamed(struct advisory_lock *x, const char *label)
{
	set_label(x, label);
}

const char *
advisory_lock_place(const struct advisory_lock *x)
{
	return x->place;
}

/*
 * If the server ended the session of a process that waits, it may have ended that of the active process, too, which may
 * not know until its lease is over. So a process that waited asks after that time (`due`); the active one asks at once.
 */
static bool
may_ask(const struct advisory_lock *x)
{
	return (x->state == LOCK_ASKING || x->state == LOCK_WAITING) && !x->asked &&
	       clock_boottime() >= x->due;
}

/* Makes the next attempt to connect, asks the next question, or sends the next heartbeat: once a second, or sooner. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct advisory_lock *x = arg;
	int64_t now = clock_monotonic(), due;

	(void)fd;
	(void)what;
	if (!x->session) {
		connect_beside(x);
		return;
	}
	if (may_ask(x))
		ask(x);
	/* The timer need not be exact to the microsecond. */
	if (x->state == LOCK_ACTIVE && !x->asked &&
	    now - session_sent_at(x->session).monotonic > HEARTBEAT - ASK / 2)
		prove(x);
	due = session_beat(x->session, now, 0, 0, PATIENCE);
	arm(x, due - now < ASK ? due - now : ASK);
}

/*
 * Whether there is something that we have not acted on yet: an answer that is not read, or the end of the session, which waits
 * in the work queue once it is read.
 */
static bool
has_news(const struct advisory_lock *x)
{
	struct pollfd p = {.fd = PQsocket(session_conn(x->session)), .events = POLLIN};

	return session_ends(x->session) || poll(&p, 1, 0) != 0;
}

bool
advisory_lock_holds(const struct advisory_lock *x)
{
	return x->state == LOCK_ACTIVE && x->session &&
	       clock_boottime() - x->proven.boottime < LEASE && !has_news(x);
}

struct advisory_lock *
advisory_lock_new(struct event_base *base, const char *key, advisory_lock_where *where,
    bool (*is_complete)(void *arg), void *arg)
{
	struct advisory_lock *x = xcalloc(1, sizeof *x);

	x->base = base;
	x->key = key;
	x->where = where;
	x->is_complete = is_complete;
	x->arg = arg;
	x->job.run = on_turn;
	x->job.arg = x;
	x->job.before = true;
	evtimer_assign(&x->timer, base, on_timer, x);
	return x;
}

void
advisory_lock_free(struct advisory_lock *x)
{
	if (!x)
		return;
	close_session(x);
	free(x->named.label);
	free(x->key_sent);
	free(x->backend);
	free(x->reason);
	free(x);
}

const struct record *
advisory_lock_next(struct advisory_lock *x)
{
	if (!x->changed)
		return NULL;
	x->changed = false;
	x->record.reason = x->reason;
	return &x->record;
}
