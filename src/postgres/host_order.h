/*
 * The hosts of a target in the order in which an attempt to connect tries them, as libpq does (its documentation,
 * Specifying Multiple Hosts): in their own order, or with load_balance_hosts=random in a random one. With
 * target_session_attrs=prefer-standby there are two passes over them, and the first takes standbys only.
 */
#ifndef PGWAIT_HOST_ORDER_H
#define PGWAIT_HOST_ORDER_H

#include <libpq-fe.h>

#include "base/util.h"
#include "postgres/target.h"

struct host_order {
	const struct target_host **hosts;
	size_t count, current;
	bool standbys_only;
	struct target_host beside; /* the only host, of another connection; else NULLs */
};

/* Begins with the first. `beside` NULL, or an open connection whose host is the only one. */
void host_order_start(struct host_order *o, const struct target *target, const PGconn *beside);
const struct target_host *host_order_current(const struct host_order *o);

/* Goes to the next host of this pass. False: there is none. */
bool host_order_next(struct host_order *o);

/* Begins the pass that takes any server. False: this was it. */
bool host_order_next_pass(struct host_order *o);

void host_order_free(struct host_order *o);

#endif
