/*
 * "Did you mean ...?": of some names, the one that is nearest to a word that is none of them.
 *
 * Near is a name of which the word is an abbreviation or which the word goes on, and one that the
 * word becomes when few characters of it are changed, added, removed or swapped.
 */
#ifndef PGWAIT_SUGGESTION_H
#define PGWAIT_SUGGESTION_H

#include "base/util.h"

struct suggestion {
	const char *word; /* not terminated; set it and `length`, leave the rest zero */
	size_t length;
	const char *name; /* the nearest one so far, the caller's; NULL: none is near */
	size_t distance;
};

void suggestion_offer(struct suggestion *n, const char *name);

/* " (did you mean PREFIXNAME?)", or nothing where none is near. Freed by the caller. */
char *suggestion_question(const struct suggestion *n, const char *prefix);

#endif
