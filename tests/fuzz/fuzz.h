/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput(), and linked with
 * libFuzzer (--enable-fuzzing) or with replay.c, which runs inputs that are kept as files.
 *
 * An input is read from the front, as numbers and as strings that end with a NUL byte, so that a seed
 * can be written by hand.
 */
#ifndef PGWAIT_FUZZ_H
#define PGWAIT_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold: both drivers report an abort with the input. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(                                                                   \
			    stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next byte; 0 at the end. */
static inline uint8_t
input_byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* What stands before the next `end`, or the rest; freed by the caller. A C string if `end` is 0. */
static inline char *
input_until(struct input *in, char end, size_t *length)
{
	const uint8_t *found = in->left ? memchr(in->at, end, in->left) : NULL;
	size_t n = found ? (size_t)(found - in->at) : in->left;
	char *s = xmalloc(n + 1);

	if (n)
		memcpy(s, in->at, n);
	s[n] = '\0';
	in->at += n + (found != NULL);
	in->left -= n + (found != NULL);
	if (length)
		*length = n;
	return s;
}

static inline char *
input_string(struct input *in)
{
	return input_until(in, '\0', NULL);
}

/* libpq shall look at nothing outside: no variables, no files. */
static inline void
forget_environment(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	clearenv();
	setenv("PGSERVICEFILE", "/dev/null", 1);
	setenv("PGSYSCONFDIR", "/dev/null", 1);
	setenv("PGPASSFILE", "/nonexistent", 1);
}

#endif
