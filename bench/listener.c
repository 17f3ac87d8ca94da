#include "config.h"

#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READY_FD 9
#define DEADLINE 300 /* seconds for everything: a listener that waits for ever is a mistake */

void
die(const char *what)
{
	fprintf(stderr, "bench: error: %s: %s\n", what, strerror(errno));
	exit(1);
}

int64_t
clock_us(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		die("could not read a clock");
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int64_t
processor_time(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		die("could not get the clock of a process");
	return clock_us(clock);
}

void
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		die("could not make a pipe");
}

static pid_t
start_process(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("could not fork");
	return pid;
}

struct listener
listener_start(char **command, int out)
{
	struct listener l;
	int ready[2];
	char byte;

	alarm(DEADLINE);
	make_pipe(ready);
	l.started = clock_us(CLOCK_MONOTONIC);
	l.pid = start_process();
	if (l.pid == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(ready[1], READY_FD);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	close(out);
	close(ready[1]);
	l.ready = read(ready[0], &byte, 1) == 1 ? clock_us(CLOCK_MONOTONIC) : -1;
	close(ready[0]);
	return l;
}

void
start_reader(const int fds[2])
{
	static char bytes[1 << 18];

	if (start_process() == 0) {
		close(fds[1]);
		while (read(fds[0], bytes, sizeof bytes) > 0)
			;
		_exit(0);
	}
	close(fds[0]);
}
