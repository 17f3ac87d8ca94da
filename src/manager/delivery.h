/* Makes the sinks that the options ask for, and ends them. */
#ifndef PGWAIT_DELIVERY_H
#define PGWAIT_DELIVERY_H

#include "base/util.h"

struct delivery;
struct event_base;
struct options;
struct sinks;
struct spool;

/*
 * Fills `set`, which is zeroed; both outlive it. `changed` runs when a sink can go on, or has ended. NULL:
 * the spool cannot be opened, which has been said.
 */
struct delivery *delivery_new(struct event_base *base, const struct options *options,
    struct sinks *set, void (*changed)(void *arg), void *arg);

/* Every first attempt to connect has ended. */
void delivery_started(struct delivery *d);

/* True once standard output takes nothing more. */
bool delivery_ended(const struct delivery *d);

/* NULL: there is none. */
struct spool *delivery_spool(const struct delivery *d);

/* Says on stderr what was not delivered, and frees it. False if anything was lost. */
MUST_CHECK bool delivery_finish(struct delivery *d);

#endif
