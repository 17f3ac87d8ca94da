/*
 * usage: start PROGRAM [ARG]...
 *
 * Becomes the program, which has the default for every signal and none blocked, and makes files that others cannot
 * write: neither a parent that ignores SIGHUP (nohup), nor a shell that has its jobs ignore SIGINT, nor the umask 002 that
 * Debian's su gives to ordinary users decides what a test sees.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	if (argc < 2) {
		fprintf(stderr, "usage: start PROGRAM [ARG]...\n");
		return 1;
	}
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	execvp(argv[1], argv + 1);
	fprintf(stderr, "start: could not run \"%s\": %s\n", argv[1], strerror(errno));
	return 127;
}
