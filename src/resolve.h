/*
 * Host names to addresses, off the event loop: libpq would stall it (fact F19).
 */
#ifndef PGWAIT_RESOLVE_H
#define PGWAIT_RESOLVE_H

#include "util.h"

struct event_base;
struct offload;

/* Numeric addresses in the system's order; count 0: *error says why. 
 * The callback may take them by zeroing the struct. */
struct addresses {
	char **list;
	size_t count;
	char *error;
};

typedef void resolve_done(struct addresses *found, void *arg);

/* A name that getaddrinfo() has to ask about: not an address, not a socket path, not empty. */
MUST_CHECK bool resolve_needed(const char *host);

/*
 * NULL with errno where no thread can be started. `done` is called from the loop, never from here;
 * offload_cancel() takes it back.
 */
MUST_CHECK struct offload *resolve_start(
    struct event_base *base, const char *host, resolve_done *done, void *arg);
void addresses_free(struct addresses *a);

#endif
