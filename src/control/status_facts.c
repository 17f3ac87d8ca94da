#include "config.h"

#include "control/status_facts.h"

#include <stdlib.h>

#include "manager/runs.h"
#include "sinks/sink.h"
#include "sinks/spool.h"

static void
collect_connection(struct status_connection *c, const struct source *s)
{
	*c = (struct status_connection){
	    .label = source_label(s),
	    .state = source_state(s),
	    .reason = s->good ? NULL : connection_reason(s->connection),
	    .channels = (const char *const *)s->subscription.channels,
	    .channel_count = s->subscription.count,
	    .good = s->good,
	    .connecting = !s->settled,
	    .since = s->since,
	    .backend_pid = s->good ? s->counts.backend_pid : 0,
	    .attempt = s->attempt,
	    .counts = &s->counts,
	    .runs = runs_counts(s),
	};
	if (!c->runs)
		return;
	c->runs_state = runs_state(s);
	c->runs_are_work = runs_are_work(s);
}

void
status_facts_collect(struct status_facts *f, struct manager *m)
{
	const struct sources *set = manager_sources(m);
	struct spool *spool = manager_spool(m);

	*f = (struct status_facts){
	    .time = clock_realtime(),
	    .started = manager_began(m),
	    .phase = manager_phase(m),
	    .exclusive = manager_exclusive(m),
	    .connections = xcalloc(set->count + 1, sizeof *f->connections),
	    .sinks = manager_sinks(m),
	    .spooled = spool,
	};
	f->counted = spool && spool_count(spool, &f->spool);
	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves)
			collect_connection(&f->connections[f->count++], set->list[i]);
}

void
status_facts_free(struct status_facts *f)
{
	free(f->connections);
	f->connections = NULL;
}

bool
status_tells_of(const struct sink *s)
{
	return s->id && s->kinds;
}
