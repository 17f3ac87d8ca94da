#include "config.h"

#include "postgres/listener.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"
#include "postgres/link.h"
#include "postgres/proof.h"
#include "postgres/sql.h"
#include "postgres/subscription.h"
#include "postgres/target.h"

struct listener {
	struct event_base *base;
	struct link *link;
	const struct subscription *subscription;
	struct encoding *encoding;
	bool answered; /* LISTEN was */
	bool paused;
	struct proof *proof; /* under way */
	char *private;       /* its channel; NULL: no pooler */
	listener_done *done;
	void *arg;
};

static void
refuse(struct listener *l, const char *reason, const char *sqlstate, const char *hint)
{
	const struct listener_failure failure = {reason, sqlstate, hint, true};

	l->done(&failure, l->arg);
}

static void
on_unproven(const char *error, void *arg)
{
	struct listener *l = arg;

	l->proof = NULL;
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
	struct listener *l = arg;
	const struct connector_policy policy = {.never_prompt = true, .beside = link_conn(l->link)};

	if (!result)
		return;
	if (request_failed(result)) {
		on_unproven(PQresultErrorMessage(result), l);
	} else {
		l->proof = proof_start(
		    l->base, l->subscription->target, &policy, l->private, on_unproven, l);
		proof_hold(l->proof, l->paused);
	}
}

static void
start_proof(struct listener *l)
{
	l->private = proof_channel();
	link_request(l->link, xasprintf("LISTEN %s", l->private), on_private_listening, l);
}

char *const *
listener_private(const struct listener *l)
{
	return &l->private;
}

bool
listener_hides(const struct listener *l, const char *channel)
{
	return l->private && strcmp(channel, l->private) == 0;
}

bool
listener_takes(struct listener *l, const char *channel)
{
	if (!listener_hides(l, channel))
		return false;
	if (l->proof) {
		proof_cancel(l->proof);
		l->proof = NULL;
		log_debug("%s: a pooler is in between, and notifications get through",
		    l->subscription->target->label);
		link_request(l->link, xasprintf("UNLISTEN %s", l->private), NULL, NULL);
		l->done(NULL, l->arg);
	}
	return true;
}

void
listener_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	if (l->proof)
		proof_hold(l->proof, paused);
}

bool
listener_waits(const struct listener *l)
{
	return !l->answered;
}

/* PQbackendPID() is what a pooler made up, if there is one. */
static bool
is_pooled(const struct listener *l, const PGresult *result)
{
	int64_t pid;

	return parse_integer(request_value(result, 0, 0), 0, INT32_MAX, &pid) &&
	       pid != PQbackendPID(link_conn(l->link));
}

static void
on_refused(struct listener *l, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	struct listener_failure failure = {
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
	struct listener *l = arg;

	if (!result)
		return; /* the connection went, and tells */
	l->answered = true;
	if (request_failed(result))
		on_refused(l, result);
	else if (is_pooled(l, result))
		start_proof(l);
	else
		l->done(NULL, l->arg);
}

struct listener *
listener_start(struct event_base *base, struct link *link, const struct subscription *s,
    struct encoding *encoding, listener_done *done, void *arg)
{
	struct listener *l = xcalloc(1, sizeof *l);
	struct buffer sql = {0};
	char *reason;

	*l = (struct listener){.base = base,
	    .link = link,
	    .subscription = s,
	    .encoding = encoding,
	    .done = done,
	    .arg = arg};
	reason = sql_add_listen(&sql, s, link_conn(link), encoding);
	if (reason) {
		refuse(l, reason, "22P05", NULL);
		free(reason);
	} else {
		buffer_addf(&sql, "%sSELECT pg_catalog.pg_backend_pid()", s->count ? ";" : "");
		link_request(
		    link, xstrndup(buffer_content(&sql), buffer_length(&sql)), on_listening, l);
	}
	buffer_free(&sql);
	return l;
}

void
listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->proof)
		proof_cancel(l->proof);
	free(l->private);
	free(l);
}
