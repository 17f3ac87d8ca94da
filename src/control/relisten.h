/*
 * Adds channels to a connection while it listens, and removes them.
 *
 * The subscription changes at once, and takes effect on the server in one batch. If the connection
 * is not open, or is lost before the server answers, the change takes effect when it listens next.
 * What the server refuses is taken back.
 */
#ifndef PGWAIT_RELISTEN_H
#define PGWAIT_RELISTEN_H

#include "manager/source.h"

/*
 * `refused`: why the server refused the change, with the names of the connection and the channels; NULL: the change has
 * taken effect, or will. Runs once, perhaps before relisten_add() or relisten_remove() returns.
 */
typedef void relisten_done(const char *refused, void *arg);

struct relisten_channels {
	char *const *list; /* valid names */
	size_t count;
	unsigned origin; /* who wants them, or no longer wants them: ORIGIN_* */
};

void relisten_add(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg);

/* Does not change channels that another origin wants too, or that the connection does not listen on. */
void relisten_remove(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg);

#endif
