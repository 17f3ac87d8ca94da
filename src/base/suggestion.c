#include "config.h"

#include "base/suggestion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* No name is longer than this. A word that is longer is near to no name. */
#define LONGEST 40

/* A word with fewer characters is near to no name. */
#define SHORTEST 2

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many characters have to be changed, added, removed, or swapped with their neighbours. */
static size_t
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *swap = before;

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = last[j - 1] + !same(a[i - 1], b[j - 1]);

			row[j] = least(change, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last, last = row, row = swap;
	}
	return last[b_length];
}

void
suggestion_offer(struct suggestion *n, const char *name)
{
	size_t length = strlen(name), shorter = least(length, n->length), d;

	if (n->length < SHORTEST || n->length > LONGEST || length > LONGEST)
		return;
	/* A name that begins in the same way is nearer than one with another letter. */
	if (strncasecmp(n->word, name, shorter) == 0 && (shorter == n->length || shorter >= 4))
		d = length != n->length;
	else if ((d = distance(n->word, n->length, name, length)) > n->length / 3)
		return;
	if (n->name && (d > n->distance || (d == n->distance && length >= strlen(n->name))))
		return;
	n->name = name;
	n->distance = d;
}

char *
suggestion_question(const struct suggestion *n, const char *prefix)
{
	return n->name ? xasprintf(" (did you mean %s%s?)", prefix, n->name) : xstrdup("");
}
