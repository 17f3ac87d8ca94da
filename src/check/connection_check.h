/*
 * Checks one connection for --check: whether notifications get through it, and what else there is
 * to know about it.
 *
 * One connection listens on a private channel of random name, a second one notifies it, one
 * notification after another. Every step has a deadline, and none blocks the loop.
 */
#ifndef PGWAIT_CONNECTION_CHECK_H
#define PGWAIT_CONNECTION_CHECK_H

#include "base/util.h"
#include "postgres/connector.h"

struct connection_check;
struct event_base;
struct findings;
struct subscription;

/* How many notifications are sent. */
#define CONNECTION_CHECK_NOTIFICATIONS 20

/* How long each answer and each notification may take; microseconds. */
#define CONNECTION_CHECK_TIMEOUT (5 * SECOND)

/* `findings` are the check's; its connections are closed. */
typedef void connection_check_done(const struct findings *findings, void *arg);

/*
 * `s` outlives the check; its target gets a typed password. `heartbeat` is what pgwait would be run
 * with; microseconds. `done` is called from the loop or from work_queue_run(), once, never from here.
 */
struct connection_check *connection_check_start(struct event_base *base, struct subscription *s,
    const struct connector_policy *policy, int64_t heartbeat, connection_check_done *done,
    void *arg);

/* Before its end, too. */
void connection_check_free(struct connection_check *c);

#endif
