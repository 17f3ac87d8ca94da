/*
 * "Did you mean ...?": of some names, the one that is nearest to a word that is none of them.
 *
 * Near is a name of which the word is an abbreviation or which the word goes on, and one that the
 * word becomes when few characters of it are changed, added, removed or swapped.
 */
#ifndef PGWAIT_NEAREST_H
#define PGWAIT_NEAREST_H

#include "base/util.h"

struct nearest {
	const char *word; /* not terminated; set it and `length`, leave the rest zero */
	size_t length;
	const char *name; /* the nearest one so far, the caller's; NULL: none is near */
	size_t distance;
};

void nearest_offer(struct nearest *n, const char *name);

/* " (did you mean PREFIXNAME?)", or nothing where none is near. Freed by the caller. */
char *nearest_question(const struct nearest *n, const char *prefix);

#endif
