/*
 * What to do so that one set of wanted connections becomes another, and nothing besides.
 *
 * A connection is its parameters (target.h, identity), and its name is the target's label. So a
 * connection under a new name stays open, and one whose parameters changed under the same name is
 * closed and a new one opened.
 */
#ifndef PGWAIT_CHANGES_H
#define PGWAIT_CHANGES_H

#include "subscription.h"

/*
 * One connection that does not stay as it is. Everything is borrowed from the two sets, but the
 * arrays.
 */
struct change {
	const struct subscription *before; /* NULL: to be opened, with the channels of `after` */
	const struct subscription *after;  /* NULL: to be closed */
	/* Of one that stays open; if its label differs in `before` and `after`, it is renamed. */
	const char **listen, **unlisten;
	size_t listen_count, unlisten_count;
};

/*
 * In this order: those to be closed, so that their names are free; those that stay open; those to
 * be opened. Names can move around in a circle among those that stay: who renames does so with all of
 * them at once.
 */
struct changes {
	struct change *list;
	size_t count;
};

void changes_find(
    const struct subscriptions *before, const struct subscriptions *after, struct changes *changes);
void changes_free(struct changes *changes);

#endif
