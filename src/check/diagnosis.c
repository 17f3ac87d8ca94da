#include "config.h"

#include "check/diagnosis.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "check/remedy.h"
#include "record/format.h"

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

static const struct remedy *
remedy_of(const struct findings *f)
{
	static const struct remedy console = {
	    "console", "connect to a database behind the pgbouncer"};
	static const struct remedy pooler = {
	    "pooler", "connect to the server itself, or to a pooler in session mode"};
	static const struct remedy second = {"second_connection",
	    "let two connections be made: one that listens, and one that notifies"};

	if (f->verdict == VERDICT_UNREACHED)
		return remedy_unreached(f->sqlstate, f->reason);
	if (f->verdict == VERDICT_REFUSED)
		return f->pooler == POOLER_CONSOLE ? &console : remedy_refused(f->sqlstate);
	if (f->pooler == POOLER_OTHER)
		return &pooler;
	return f->second ? &second : remedy_undelivered(f->sqlstate);
}

static void
diagnose_verdict(const struct findings *f, struct problems *p)
{
	const struct remedy *r;

	if (f->verdict == VERDICT_THROUGH)
		return;
	r = remedy_of(f);
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
