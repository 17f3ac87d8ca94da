/*
 * Strings, each once, with a number for each. To find one among n takes log n comparisons (tsearch(3)).
 */
#ifndef PGWAIT_STRING_MAP_H
#define PGWAIT_STRING_MAP_H

#include "base/util.h"

/* An entry does not move until it is removed. */
struct string_map_entry {
	size_t number; /* the caller's */
	char string[];
};

/* Zero is an empty one. */
struct string_map {
	void *root;
};

/* NULL: it is not there. */
struct string_map_entry *string_map_find(const struct string_map *m, const char *s);

/* Finds the entry of `s`; if there is none, adds a copy of `s`, with the number 0. */
struct string_map_entry *string_map_add(struct string_map *m, const char *s);

/* Frees it. */
void string_map_remove(struct string_map *m, struct string_map_entry *e);

/* Leaves it empty. */
void string_map_free(struct string_map *m);

#endif
