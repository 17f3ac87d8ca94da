/*
 * Finds out whether notifications get through a pooler (fact F5): a second connection to the same
 * target sends one on a private channel, to which the first connection listens.
 */
#ifndef PGWAIT_POOLER_PROBE_H
#define PGWAIT_POOLER_PROBE_H

#include "postgres/connector.h"

struct event_base;
struct pooler_probe;
struct target;

/* How long a notification may take that was committed; microseconds. */
#define POOLER_PROBE_TIMEOUT (5 * SECOND)

/*
 * Called when the probe ends, after which it is gone. `error`: why it could not send a
 * notification; nothing is known about the pooler then. NULL: it sent one, which did not arrive
 * within POOLER_PROBE_TIMEOUT. (When it arrives, the owner cancels the probe.)
 */
typedef void pooler_probe_done(const char *error, void *arg);

/* A name for the channel that nobody can guess, and that needs no quotes. The caller frees it. */
char *pooler_probe_channel(void);

/* `target` and `channel` outlive the probe; `done` is not called from here. */
struct pooler_probe *pooler_probe_start(struct event_base *base, struct target *target,
    const struct connector_policy *policy, const char *channel, pooler_probe_done *done, void *arg);
void pooler_probe_cancel(struct pooler_probe *p);

/* The connection that listens is not read, so that nothing can arrive: the time does not count. */
void pooler_probe_hold(struct pooler_probe *p, bool held);

#endif
