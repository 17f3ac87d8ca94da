/*
 * "Did you mean ...?": finds the name that is nearest to a word that is none of the names.
 *
 * A name is near if it begins with the word, or the word begins with it; or if the word becomes the
 * name when a few characters are changed, added, removed or swapped.
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

/* Considers one more name, which must outlive `n`. */
void suggestion_offer(struct suggestion *n, const char *name);

/* " (did you mean PREFIXNAME?)", or "" if no name is near. The caller frees it. */
char *suggestion_question(const struct suggestion *n, const char *prefix);

#endif
