/*
 * A library for LD_PRELOAD that measures the turns of an event loop, from one epoll_wait() to the next. It adds a line to
 * the file TURNS for each turn that took TURNS_LEAST microseconds of processor time or more (default 1,000): the Unix time
 * at its end, its processor time, and its time by the clock, all in microseconds. Processor time does not depend on what
 * else the machine does. Children are left alone.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int (*next)(int, struct epoll_event *, int, int);
static FILE *out;
static int64_t least = 1000, cpu, wall; /* the last two: when epoll_wait() returned, 0: never yet */

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("TURNS"), *text = getenv("TURNS_LEAST");

	next = (int (*)(int, struct epoll_event *, int, int))dlsym(RTLD_NEXT, "epoll_wait");
	out = path ? fopen(path, "ae") : NULL;
	least = text ? atol(text) : least;
	unsetenv("LD_PRELOAD");
}

__attribute__((visibility("default"))) int
epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
	int64_t spent = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
	int result;

	if (out && wall && spent >= least) {
		fprintf(out, "%" PRId64 " %" PRId64 " %" PRId64 "\n", read_clock(CLOCK_REALTIME),
		    spent, read_clock(CLOCK_MONOTONIC) - wall);
		fflush(out);
	}
	result = next(epoll, events, count, timeout);
	cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
	wall = read_clock(CLOCK_MONOTONIC);
	return result;
}
