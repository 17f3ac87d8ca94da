#include "config.h"

#include "postgres/pooler_probe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/portable.h"
#include "base/work_queue.h"
#include "postgres/session.h"
#include "postgres/target.h"
#include "postgres/time_limit.h"

struct pooler_probe {
	struct event_base *base;
	struct target *target;
	const char *channel;
	struct connector *connector;
	struct session *session;
	struct work_queue_job job; /* the session woke us */
	struct time_limit limit;
	bool sent; /* committed: it should arrive */
	pooler_probe_done *done;
	void *arg;
};

char *
pooler_probe_channel(void)
{
	uint64_t number[2] = {(uint64_t)clock_realtime(), (uint64_t)(uintptr_t)&number};

	if (!portable_random(number, sizeof number))
		log_debug("no entropy: the channel of the proof could be guessed");
	return xasprintf("pgwait_%016" PRIx64 "%016" PRIx64, number[0], number[1]);
}

void
pooler_probe_cancel(struct pooler_probe *p)
{
	if (p->connector)
		connector_cancel(p->connector);
	work_queue_remove(&p->job);
	time_limit_clear(&p->limit);
	session_close(p->session);
	free(p);
}

static void
finish(struct pooler_probe *p, const char *error)
{
	pooler_probe_done *done = p->done;
	void *arg = p->arg;
	char *kept = error ? xstrdup(error) : NULL;

	pooler_probe_cancel(p);
	done(kept, arg);
	free(kept);
}

static void
on_limit(void *arg)
{
	struct pooler_probe *p = arg;

	finish(p, p->sent ? NULL : "no answer to NOTIFY");
}

void
pooler_probe_hold(struct pooler_probe *p, bool held)
{
	time_limit_hold(&p->limit, LIMIT_UNREAD, held);
}

static void
on_sent(void *arg, const PGresult *result)
{
	struct pooler_probe *p = arg;

	if (!result)
		return; /* the session fails or is closed */
	if (request_failed(result)) {
		session_fail(p->session, PQresultErrorMessage(result), NULL);
	} else {
		p->sent = true;
		time_limit_set(&p->limit, POOLER_PROBE_TIMEOUT);
	}
}

static void
on_turn(void *arg)
{
	struct pooler_probe *p = arg;
	const char *reason, *sqlstate;

	session_finish(p->session);
	reason = session_failure(p->session, &sqlstate);
	if (reason && !p->sent)
		finish(p, reason);
}

static void
on_wake(void *arg)
{
	struct pooler_probe *p = arg;

	work_queue_add(&p->job);
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct pooler_probe *p = arg;

	p->connector = NULL;
	if (!conn) {
		finish(p, failure->reason);
		return;
	}
	p->session = session_open(p->base, conn, p->target, on_wake, p);
	session_read(p->session, true);
	session_request_with(
	    p->session, xstrdup("SELECT pg_catalog.pg_notify($1, '')"), &p->channel, 1, on_sent, p);
	time_limit_set(&p->limit, POOLER_PROBE_TIMEOUT);
}

struct pooler_probe *
pooler_probe_start(struct event_base *base, struct target *target,
    const struct connector_policy *policy, const char *channel, pooler_probe_done *done, void *arg)
{
	struct pooler_probe *p = xcalloc(1, sizeof *p);

	p->base = base;
	p->target = target;
	p->channel = channel;
	p->done = done;
	p->arg = arg;
	p->job.run = on_turn;
	p->job.arg = p;
	p->job.before = true;
	time_limit_init(&p->limit, base, on_limit, p);
	p->connector = connector_start(base, target, policy, on_connected, p);
	return p;
}
