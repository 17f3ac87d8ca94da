/*
 * Starts the program that is measured.
 */
#ifndef BENCH_LISTENER_H
#define BENCH_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct listener {
	pid_t pid;
	int64_t started, ready; /* microseconds of CLOCK_MONOTONIC; ready: -1 if it ended before */
};

/* Says what failed, with errno's text, and ends this program. */
void die(const char *what) __attribute__((noreturn));

int64_t clock_us(clockid_t clock);

/* Of user and system, in microseconds, since the process was made. */
int64_t processor_time(pid_t pid);

/* Both ends close on exec. */
void make_pipe(int fds[2]);

/*
 * Runs a command with `out` as its standard output, which is closed here, and waits until it has
 * written a newline to descriptor 9, or has closed that.
 */
struct listener listener_start(char **command, int out);

/* A process that reads a pipe until its end. Its read end is closed here. */
void start_reader(const int fds[2]);

#endif
