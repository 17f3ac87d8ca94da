#include "config.h"

/*
 * What it costs a program to listen.
 *
 * usage: measure [-r fast|none] LOAD COMMAND [ARG]...
 *
 * COMMAND writes a newline to descriptor 9 when it listens; LOAD is a shell command that runs then;
 * COMMAND ends by itself. Without that newline there is no load. COMMAND's standard output is
 * /dev/null; or with -r a pipe, whose reader takes everything at once and is in nobody's figures, or
 * reads nothing, and is gone when LOAD has ended.
 *
 * Writes one line of numbers:
 * - microseconds of user and system time since it listened
 * - the same before that
 * - microseconds by the clock until it listened
 * - the same until its end, or from listening to the end
 * - KiB of resident memory when it listened
 * - the most there were
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listener.h"

static long
resident(pid_t pid)
{
	char path[40], line[200];
	long size = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (!f)
		die(path);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "VmRSS:", 6) == 0)
			size = atol(line + 6);
	fclose(f);
	return size;
}

static int64_t
us(struct timeval t)
{
	return t.tv_sec * INT64_C(1000000) + t.tv_usec;
}

int
main(int argc, char **argv)
{
	int out[2] = {-1, -1}, status;
	const char *reader = "";
	int64_t before = 0, ended;
	struct listener l;
	struct rusage used;
	long memory = 0;

	if (argc > 2 && strcmp(argv[1], "-r") == 0) {
		reader = argv[2];
		argv += 2, argc -= 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: measure [-r fast|none] LOAD COMMAND [ARG]...\n");
		return 1;
	}
	if (*reader)
		make_pipe(out);
	else
		out[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (strcmp(reader, "fast") == 0)
		start_reader(out);
	l = listener_start(argv + 2, out[1]);
	if (l.ready >= 0) {
		before = processor_time(l.pid);
		memory = resident(l.pid);
		if (system(argv[1]) != 0)
			fprintf(stderr, "bench: warning: the load failed\n");
	}
	if (strcmp(reader, "none") == 0)
		close(out[0]);
	if (wait4(l.pid, &status, 0, &used) < 0)
		die("could not wait");
	ended = clock_us(CLOCK_MONOTONIC);
	if (status != 0 && strcmp(reader, "none") != 0)
		fprintf(stderr, "bench: warning: %s failed\n", argv[2]);
	printf("%lld %lld %lld %lld %ld %ld\n",
	    (long long)(us(used.ru_utime) + us(used.ru_stime) - before), (long long)before,
	    (long long)(l.ready < 0 ? 0 : l.ready - l.started),
	    (long long)(ended - (l.ready < 0 ? l.started : l.ready)), memory, used.ru_maxrss);
	return 0;
}
