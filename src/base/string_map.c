#include "config.h"

#include "base/string_map.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The tree keeps pointers to the strings in the entries: a string that is looked for is in none. */
static struct string_map_entry *
entry_of(void *node)
{
	char *string = *(char **)node;

	return (
	    struct string_map_entry *)(void *)(string - offsetof(struct string_map_entry, string));
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct string_map_entry *
string_map_find(const struct string_map *m, const char *s)
{
	void *node = tfind(s, &m->root, compare);

	return node ? entry_of(node) : NULL;
}

struct string_map_entry *
string_map_add(struct string_map *m, const char *s)
{
	struct string_map_entry *e = string_map_find(m, s);
	size_t size = strlen(s) + 1;

	if (e)
		return e;
	e = xmalloc(sizeof *e + size);
	e->number = 0;
	memcpy(e->string, s, size);
	if (!tsearch(e->string, &m->root, compare))
		out_of_memory();
	return e;
}

void
string_map_remove(struct string_map *m, struct string_map_entry *e)
{
	(void)tdelete(e->string, &m->root, compare);
	free(e);
}

void
string_map_free(struct string_map *m)
{
	while (m->root)
		string_map_remove(m, entry_of(m->root));
}
