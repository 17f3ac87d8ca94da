/*
 * What the unit tests share: a check is a line of TAP.
 */
#ifndef PGWAIT_TAP_H
#define PGWAIT_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/util.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int check_count;
static bool check_failed;

/* `what` is looked at, `detail` tells this case from the others. */
static inline void
check(bool ok, const char *what, const char *detail)
{
	printf("%sok %d - %s: ", ok ? "" : "not ", ++check_count, what);
	for (; *detail; detail++)
		printf(*detail >= ' ' && *detail != '#' && *detail != '\\' ? "%c" : "<%02x>",
		    (unsigned char)*detail);
	printf("\n");
	check_failed |= !ok;
}

static inline void
check_bytes(const char *what, const char *got, size_t n, const char *expected, size_t m)
{
	check(n == m && memcmp(got, expected, n) == 0, what, expected);
}

/* What was built, compared as text. */
static inline void
check_buffer(const char *what, struct buffer *b, const char *expected, const char *detail)
{
	size_t n = buffer_length(b);
	bool ok = n == strlen(expected) && (n == 0 || memcmp(buffer_content(b), expected, n) == 0);

	check(ok, what, detail);
	if (!ok)
		printf(
		    "# \"%.*s\" instead of \"%s\"\n", (int)n, n ? buffer_content(b) : "", expected);
	buffer_free(b);
}

/* An error must hold each of these words, of which "|" stands between two. */
static inline void
check_error(const char *what, char *error, const char *words, const char *detail)
{
	char *wanted = xstrdup(words), *rest = wanted, *word;
	bool ok = error != NULL;

	while (ok && (word = strsep(&rest, "|")))
		ok = strstr(error, word) != NULL;
	check(ok, what, detail);
	if (!ok)
		printf("# \"%s\" instead of one with \"%s\"\n", error ? error : "no error", words);
	free(wanted);
	free(error);
}

/* The plan; what main() returns. */
static inline int
check_end(void)
{
	printf("1..%d\n", check_count);
	return check_failed;
}

#endif
