/*
 * Resolves host names in threads: libpq would block the event loop meanwhile (fact F19).
 *
 * If a thread is already looking up a name, others that ask for it wait for the same answer. So
 * there are never more threads than names, even if a name server does not answer.
 */
#ifndef PGWAIT_RESOLVE_H
#define PGWAIT_RESOLVE_H

#include "base/util.h"

struct event_base;
struct resolve;

/* Numeric addresses in the system's order; count 0: `error` says why. */
struct addresses {
	char **list;
	size_t count;
	char *error;
};

/* `found` is the resolver's: addresses_copy() keeps it. */
typedef void resolve_done(const struct addresses *found, void *arg);

/* A name that getaddrinfo() has to ask about: not an address, not a socket path, not empty. */
MUST_CHECK bool resolve_needed(const char *host);

/* NULL with errno where no thread can be started. `done` is called from the loop, never from here. */
MUST_CHECK struct resolve *resolve_start(
    struct event_base *base, const char *host, resolve_done *done, void *arg);

/* `done` never runs. */
void resolve_cancel(struct resolve *r);

void addresses_copy(struct addresses *to, const struct addresses *from);
void addresses_free(struct addresses *a);

#endif
