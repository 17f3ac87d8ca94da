/*
 * Adds channels to a connection while it listens, and removes them.
 *
 * What is wanted changes at once, and takes effect on the server in one batch; on a connection that
 * is not open, or is lost before the batch is answered, when it listens next. What the server
 * refuses is taken back.
 */
#ifndef PGWAIT_RELISTEN_H
#define PGWAIT_RELISTEN_H

#include "manager/source.h"

/*
 * `refused`: why, with the connection's name and the channel's, where the server refused it; NULL: it has
 * taken effect, or will. Runs once, perhaps before the call returns.
 */
typedef void relisten_done(const char *refused, void *arg);

struct relisten_channels {
	char *const *list; /* valid names */
	size_t count;
	unsigned origin; /* who wants them, or no longer does */
};

void relisten_add(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg);

/* Channels that others want, or that are not listened to, stay as they are. */
void relisten_remove(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg);

#endif
