/*
 * Writes what is known about every connection into a reply, as text and as keys of a JSON object.
 */
#ifndef PGWAIT_STATUS_H
#define PGWAIT_STATUS_H

#include "control/reply.h"
#include "manager/manager.h"
#include "manager/source.h"

/* Every connection, with its state, its channels, and why it does not listen. */
void status_connections(struct reply *a, const struct sources *set);

/* Whether this process is the active one of those with its KEY. Nothing without --exclusive. */
void status_exclusive(struct reply *a, const struct manager *m);

/* The connections that failed, and why. */
void status_garbage(struct reply *a, const struct sources *set);

#endif
