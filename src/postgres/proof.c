#include "config.h"

#include "postgres/proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pace.h"
#include "base/portable.h"
#include "postgres/limit.h"
#include "postgres/link.h"
#include "postgres/target.h"

struct proof {
	struct event_base *base;
	struct target *target;
	const char *channel;
	struct connector *connector;
	struct link *link;
	struct pace_job job; /* the link woke us */
	struct limit limit;
	bool sent; /* committed: it should arrive */
	proof_done *done;
	void *arg;
};

char *
proof_channel(void)
{
	uint64_t number[2] = {(uint64_t)clock_realtime(), (uint64_t)(uintptr_t)&number};

	if (!portable_random(number, sizeof number))
		log_debug("no entropy: the channel of the proof could be guessed");
	return xasprintf("pgwait_%016" PRIx64 "%016" PRIx64, number[0], number[1]);
}

void
proof_cancel(struct proof *p)
{
	if (p->connector)
		connector_cancel(p->connector);
	pace_remove(&p->job);
	limit_clear(&p->limit);
	link_close(p->link);
	free(p);
}

static void
finish(struct proof *p, const char *error)
{
	proof_done *done = p->done;
	void *arg = p->arg;
	char *kept = error ? xstrdup(error) : NULL;

	proof_cancel(p);
	done(kept, arg);
	free(kept);
}

static void
on_limit(void *arg)
{
	struct proof *p = arg;

	finish(p, p->sent ? NULL : "no answer to NOTIFY");
}

void
proof_hold(struct proof *p, bool held)
{
	limit_hold(&p->limit, LIMIT_UNREAD, held);
}

static void
on_sent(void *arg, const PGresult *result)
{
	struct proof *p = arg;

	if (!result)
		return; /* the link fails or is closed */
	if (request_failed(result)) {
		link_fail(p->link, PQresultErrorMessage(result), NULL);
	} else {
		p->sent = true;
		limit_set(&p->limit, PROOF_TIMEOUT);
	}
}

static void
on_turn(void *arg)
{
	struct proof *p = arg;
	const char *reason, *sqlstate;

	link_finish(p->link);
	reason = link_failure(p->link, &sqlstate);
	if (reason && !p->sent)
		finish(p, reason);
}

static void
on_wake(void *arg)
{
	struct proof *p = arg;

	pace_add(&p->job);
}

static void
on_connected(PGconn *conn, const struct connector_failure *failure, void *arg)
{
	struct proof *p = arg;

	p->connector = NULL;
	if (!conn) {
		finish(p, failure->reason);
		return;
	}
	p->link = link_open(p->base, conn, p->target, on_wake, p);
	link_read(p->link, true);
	link_request_with(
	    p->link, xstrdup("SELECT pg_catalog.pg_notify($1, '')"), &p->channel, 1, on_sent, p);
	limit_set(&p->limit, PROOF_TIMEOUT);
}

struct proof *
proof_start(struct event_base *base, struct target *target, const struct connector_policy *policy,
    const char *channel, proof_done *done, void *arg)
{
	struct proof *p = xcalloc(1, sizeof *p);

	p->base = base;
	p->target = target;
	p->channel = channel;
	p->done = done;
	p->arg = arg;
	p->job.run = on_turn;
	p->job.arg = p;
	limit_init(&p->limit, base, on_limit, p);
	p->connector = connector_start(base, target, policy, on_connected, p);
	return p;
}
