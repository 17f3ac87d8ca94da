#include "config.h"

#include "postgres/host_order.h"

#include <stdlib.h>

#include "base/random.h"

static void
set_beside(struct host_order *o, const PGconn *conn)
{
	const char *address = PQhostaddr(conn);

	o->beside.host = xstrdup(PQhost(conn));
	o->beside.hostaddr = xstrdup(address ? address : "");
	o->beside.port = xstrdup(PQport(conn));
	o->hosts = xmalloc(sizeof *o->hosts);
	o->hosts[o->count++] = &o->beside;
}

void
host_order_start(struct host_order *o, const struct target *target, const PGconn *beside)
{
	*o = (struct host_order){0};
	if (beside) {
		set_beside(o, beside);
		return;
	}
	o->standbys_only = target->prefer_standby;
	o->hosts = xcalloc(target->host_count, sizeof *o->hosts);
	for (; o->count < target->host_count; o->count++)
		o->hosts[o->count] = &target->hosts[o->count];
	if (target->load_balance)
		random_shuffle(o->hosts, o->count, sizeof *o->hosts);
}

const struct target_host *
host_order_current(const struct host_order *o)
{
	return o->hosts[o->current];
}

bool
host_order_next(struct host_order *o)
{
	return ++o->current < o->count;
}

bool
host_order_next_pass(struct host_order *o)
{
	if (!o->standbys_only)
		return false;
	o->standbys_only = false;
	o->current = 0;
	return true;
}

void
host_order_free(struct host_order *o)
{
	free(o->hosts);
	free(o->beside.host);
	free(o->beside.hostaddr);
	free(o->beside.port);
}
