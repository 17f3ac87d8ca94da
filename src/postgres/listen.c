#include "config.h"

#include "postgres/listen.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"
#include "postgres/pooler_probe.h"
#include "postgres/session.h"
#include "postgres/sql.h"
#include "postgres/subscription.h"
#include "postgres/target.h"

struct listen {
	struct event_base *base;
	struct session *session;
	const struct subscription *subscription;
	struct encoding *encoding;
	bool answered; /* LISTEN was */
	bool paused;
	struct pooler_probe *probe; /* under way */
	char *private;              /* its channel; NULL: no pooler */
	listen_done *done;
	void *arg;
};

static void
refuse(struct listen *l, const char *reason, const char *sqlstate, const char *hint)
{
	const struct listen_failure failure = {reason, sqlstate, hint, true};

	l->done(&failure, l->arg);
}

static void
on_unproven(const char *error, void *arg)
{
	struct listen *l = arg;

	l->probe = NULL;
	if (error) {
		log_warning("\"%s\" is reached through a pooler, and whether notifications get "
			    "through it could not be tested: %s",
		    l->subscription->target->label, error);
		l->done(NULL, l->arg);
		return;
	}
	refuse(l,
	    "a pooler in transaction or statement mode is in between, and notifications do not "
	    "get through it",
	    NULL, "connect to the server itself, or to a pooler in session mode");
}

static void
on_private_listening(void *arg, const PGresult *result)
{
	struct listen *l = arg;
	const struct connector_policy policy = {
	    .never_prompt = true, .beside = session_conn(l->session)};

	if (!result)
		return;
	if (request_failed(result)) {
		on_unproven(PQresultErrorMessage(result), l);
	} else {
		l->probe = pooler_probe_start(
		    l->base, l->subscription->target, &policy, l->private, on_unproven, l);
		pooler_probe_hold(l->probe, l->paused);
	}
}

static void
start_probe(struct listen *l)
{
	l->private = pooler_probe_channel();
	session_request(l->session, xasprintf("LISTEN %s", l->private), on_private_listening, l);
}

char *const *
listen_private(const struct listen *l)
{
	return &l->private;
}

bool
listen_hides(const struct listen *l, const char *channel)
{
	return l->private && strcmp(channel, l->private) == 0;
}

bool
listen_takes(struct listen *l, const char *channel)
{
	if (!listen_hides(l, channel))
		return false;
	if (l->probe) {
		pooler_probe_cancel(l->probe);
		l->probe = NULL;
		log_debug("%s: a pooler is in between, and notifications get through",
		    l->subscription->target->label);
		session_request(l->session, xasprintf("UNLISTEN %s", l->private), NULL, NULL);
		l->done(NULL, l->arg);
	}
	return true;
}

void
listen_pause(struct listen *l, bool paused)
{
	l->paused = paused;
	if (l->probe)
		pooler_probe_hold(l->probe, paused);
}

bool
listen_waits(const struct listen *l)
{
	return !l->answered;
}

/* PQbackendPID() is what a pooler made up, if there is one. */
static bool
is_pooled(const struct listen *l, const PGresult *result)
{
	int64_t pid;

	return parse_integer(request_value(result, 0, 0), 0, INT32_MAX, &pid) &&
	       pid != PQbackendPID(session_conn(l->session));
}

static void
on_refused(struct listen *l, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	struct listen_failure failure = {
	    .reason = request_message(result),
	    .sqlstate = sqlstate,
	    .refused = request_refused(result), /* FATAL: the connection went */
	};

	if (sqlstate && strcmp(sqlstate, "25006") == 0)
		failure.hint = "a standby has no notifications: connect to its primary "
			       "(among several hosts, target_session_attrs=primary finds it)";
	l->done(&failure, l->arg);
}

static void
on_listening(void *arg, const PGresult *result)
{
	struct listen *l = arg;

	if (!result)
		return; /* the connection went, and tells */
	l->answered = true;
	if (request_failed(result))
		on_refused(l, result);
	else if (is_pooled(l, result))
		start_probe(l);
	else
		l->done(NULL, l->arg);
}

struct listen *
listen_start(struct event_base *base, struct session *session, const struct subscription *s,
    struct encoding *encoding, listen_done *done, void *arg)
{
	struct listen *l = xcalloc(1, sizeof *l);
	struct buffer sql = {0};
	char *reason;

	*l = (struct listen){.base = base,
	    .session = session,
	    .subscription = s,
	    .encoding = encoding,
	    .done = done,
	    .arg = arg};
	reason = sql_add_listen(&sql, s, session_conn(session), encoding);
	if (reason) {
		refuse(l, reason, "22P05", NULL);
		free(reason);
	} else {
		buffer_addf(&sql, "%sSELECT pg_catalog.pg_backend_pid()", s->count ? ";" : "");
		session_request(
		    session, xstrndup(buffer_content(&sql), buffer_length(&sql)), on_listening, l);
	}
	buffer_free(&sql);
	return l;
}

void
listen_free(struct listen *l)
{
	if (!l)
		return;
	if (l->probe)
		pooler_probe_cancel(l->probe);
	free(l->private);
	free(l);
}
