#include "config.h"

#include "diagnosis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "format.h"

/* Less than this is a danger to LISTEN and NOTIFY, which may have to wait for others. */
#define STATEMENT_TIMEOUT_LEAST SECOND

void
findings_free(struct findings *f)
{
	char *const strings[] = {f->reason, f->host, f->port, f->security, f->version, f->encoding,
	    f->role, f->database};

	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
		free(strings[i]);
	for (size_t i = 0; i < f->holder_count; i++) {
		free(f->holders[i].role);
		free(f->holders[i].database);
		free(f->holders[i].application);
		free(f->holders[i].state);
	}
	*f = (struct findings){0};
}

void
problems_free(struct problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].text);
		free(p->list[i].advice);
	}
	*p = (struct problems){0};
}

/* Takes `text`. */
static void
add(struct problems *p, const char *code, char *text, const char *advice)
{
	p->list[p->count++] = (struct problem){code, text, xstrdup(advice)};
}

struct remedy {
	const char *sqlstate, *code, *advice;
};

/* The one of this SQLSTATE; else the last. */
static const struct remedy *
find_remedy(const struct remedy *r, const char *sqlstate)
{
	while (r->sqlstate && strcmp(r->sqlstate, sqlstate) != 0)
		r++;
	return r;
}

static const struct remedy *
remedy_unreached(const struct findings *f)
{
	static const struct remedy no_password = {NULL, "password",
	    "give the password in the connection string, PGPASSWORD or the password file, or run "
	    "pgwait at a terminal"};
	static const struct remedy others[] = {
	    {"28P01", "password",
		"check the password, and where it comes from: connection string, PGPASSWORD, "
		"password file"},
	    {"28000", "authentication",
		"check the role, whether it may log in, and the server's pg_hba.conf"},
	    {"3D000", "database", "correct the name of the database, or create it"},
	    {"55000", "database", "let the database accept connections, or take another one"},
	    {"42501", "privilege", "let the role connect: GRANT CONNECT ON DATABASE ... TO ..."},
	    {"53300", "connections",
		"end sessions that nobody needs, or raise the limit: max_connections, or that of "
		"the role or the database"},
	    {"57P03", "starting", "wait until the server has started, or see its log"},
	    {NULL, "rejected", "the server or a pooler says why; its log may say more"},
	};
	static const struct remedy unreachable = {NULL, "unreachable",
	    "check that the server runs, that host and port are right, and what is in between"};

	if (f->wants_password)
		return &no_password;
	return f->sqlstate[0] ? find_remedy(others, f->sqlstate) : &unreachable;
}

static const struct remedy *
remedy_refused(const struct findings *f)
{
	static const struct remedy list[] = {
	    {"25006", "standby",
		"a standby has no notifications: connect to its primary (among several hosts, "
		"target_session_attrs=primary finds it)"},
	    {"22P05", "channel", "take a name that exists in the encoding of the database"},
	    {NULL, "refused", "see the server's log, and its documentation of LISTEN"},
	};

	return find_remedy(list, f->sqlstate);
}

static const struct remedy *
remedy_undelivered(const struct findings *f)
{
	static const struct remedy pooler = {
	    NULL, "pooler", "connect to the server itself, or to a pooler in session mode"};
	static const struct remedy second = {NULL, "second_connection",
	    "let two connections be made: one that listens, and one that notifies"};
	static const struct remedy list[] = {
	    {"54000", "queue_full", "end the transaction that keeps the queue full"},
	    {NULL, "undelivered", "see the server's load and its log, and check again"},
	};

	if (f->pooler == POOLER_OTHER)
		return &pooler;
	return f->second ? &second : find_remedy(list, f->sqlstate);
}

static void
diagnose_verdict(const struct findings *f, struct problems *p)
{
	const struct remedy *r;

	if (f->verdict == VERDICT_THROUGH)
		return;
	r = f->verdict == VERDICT_UNREACHED ? remedy_unreached(f)
	    : f->verdict == VERDICT_REFUSED ? remedy_refused(f)
					    : remedy_undelivered(f);
	add(p, r->code, xstrdup(f->reason), r->advice);
}

/* A session as a reader of pg_stat_activity would name it. */
static void
add_holder(struct buffer *b, const struct holder *h)
{
	buffer_addf(b, "%spid %" PRId64 " (", buffer_length(b) ? ", " : "", h->pid);
	if (*h->application)
		buffer_addf(b, "%s, ", h->application);
	buffer_addf(b, "role %s, database %s) %s since ", h->role, h->database, h->state);
	buffer_add_end(b, format_time(buffer_reserve(b, FORMAT_TIME_LENGTH), h->since));
}

static void
diagnose_queue(const struct findings *f, struct problems *p)
{
	struct buffer who = {0};
	char *advice;

	if (f->queue < QUEUE_WARNING)
		return;
	for (size_t i = 0; i < f->holder_count; i++)
		add_holder(&who, &f->holders[i]);
	if (f->holder_count) {
		advice = xasprintf("once it is full, every NOTIFY fails: end the oldest of them, "
				   "such as by SELECT pg_terminate_backend(%" PRId64 ")",
		    f->holders[0].pid);
		add(p, "queue",
		    xasprintf("the notification queue is %.1f %% full; what may hold it up, the "
			      "oldest first: %.*s",
			100 * f->queue, (int)buffer_length(&who), buffer_content(&who)),
		    advice);
	} else {
		advice = xstrdup("once it is full, every NOTIFY fails: check as a member of "
				 "pg_read_all_stats to see the transactions of others");
		add(p, "queue",
		    xasprintf("the notification queue is %.1f %% full, and no session can be seen "
			      "that holds it up",
			100 * f->queue),
		    advice);
	}
	free(advice);
	buffer_free(&who);
}

static void
diagnose_timeouts(const struct findings *f, struct problems *p)
{
	int64_t idle = f->idle_session_timeout, statement = f->statement_timeout;

	if (idle > 0 && (f->heartbeat == 0 || idle <= f->heartbeat))
		add(p, "idle_session_timeout",
		    xasprintf("idle_session_timeout ends a session that was idle for %g s, and "
			      "pgwait sends a query %s",
			(double)idle / SECOND,
			f->heartbeat ? "less often (--heartbeat)" : "never (--heartbeat 0)"),
		    "let pgwait send one sooner (--heartbeat), or set idle_session_timeout = 0 for "
		    "this role");
	if (statement > 0 && statement < STATEMENT_TIMEOUT_LEAST)
		add(p, "statement_timeout",
		    xasprintf("statement_timeout is %g s: LISTEN and NOTIFY have to wait for "
			      "others sometimes, and fail then",
			(double)statement / SECOND),
		    "set statement_timeout to 0, or some seconds, for this role");
}

static bool
nearly_full(const struct sessions *s)
{
	return s->limit > 0 && s->used * 10 >= s->limit * 9;
}

static void
diagnose_sessions(const struct findings *f, struct problems *p)
{
	static const char advice[] =
	    "a connection that was lost may not come back: raise the limit, or end sessions";
	const struct {
		const char *code, *whose;
		const struct sessions *sessions;
	} limits[] = {{"role_limit", "the role", &f->of_role},
	    {"database_limit", "the database", &f->of_database},
	    {"max_connections", "the server", &f->of_server}};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		if (nearly_full(limits[i].sessions))
			add(p, limits[i].code,
			    xasprintf("%s has %" PRId64 " of the %" PRId64
				      " connections that it may have",
				limits[i].whose, limits[i].sessions->used,
				limits[i].sessions->limit),
			    advice);
}

struct problems
diagnose(const struct findings *f)
{
	struct problems p = {0};

	diagnose_verdict(f, &p);
	if (!f->asked)
		return p;
	diagnose_queue(f, &p);
	diagnose_timeouts(f, &p);
	diagnose_sessions(f, &p);
	return p;
}
