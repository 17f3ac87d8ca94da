#include "config.h"

#include "child.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	pid_t pid; /* and process group */
	struct event exited, limit;
	int limit_signal;
	child_done *done;
	void *arg;
};

/* Each child looks after its own pid only: what a library forks is not ours to wait for. */
static void
on_sigchld(evutil_socket_t signo, short what, void *arg)
{
	struct child *c = arg;
	child_done *done = c->done;
	void *done_arg = c->arg;
	int status;

	(void)signo;
	(void)what;
	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	event_del(&c->exited);
	event_del(&c->limit);
	free(c);
	done(status, done_arg);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	struct timeval tv;

	(void)fd;
	(void)what;
	kill(-c->pid, c->limit_signal);
	if (c->limit_signal == SIGKILL)
		return;
	c->limit_signal = SIGKILL;
	timeval_from(CHILD_GRACE, &tv);
	event_add(&c->limit, &tv);
}

void
child_terminate(struct child *c)
{
	event_del(&c->limit);
	c->limit_signal = SIGTERM;
	on_limit(-1, 0, c);
}

/* Between fork and exec: only what is safe after fork in a program with threads. */
static void __attribute__((noreturn)) child_exec(const struct child_spec *spec)
{
	const char *const argv[] = {"sh", "-c", spec->command, NULL};
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(spec->output, STDOUT_FILENO);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3, ~0U, 0) < 0)
#endif
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	limits_restore();
	/* Handlers go with exec; what pgwait ignores does not. */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve("/bin/sh", (char *const *)(uintptr_t)argv, spec->environment);
	_exit(127);
}

struct child *
child_start(struct event_base *base, const struct child_spec *spec, child_done *done, void *arg)
{
	struct child *c = xcalloc(1, sizeof *c);
	struct timeval tv;
	sigset_t all, before;
	int error;

	c->done = done;
	c->arg = arg;
	c->limit_signal = SIGTERM;
	evsignal_assign(&c->exited, base, SIGCHLD, on_sigchld, c);
	evtimer_assign(&c->limit, base, on_limit, c);
	event_add(&c->exited, NULL);
	/* No handler of ours may run in the child: it would write to our event loop's pipe. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	c->pid = fork();
	error = errno;
	if (c->pid == 0)
		child_exec(spec);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (c->pid < 0) {
		event_del(&c->exited);
		free(c);
		errno = error;
		return NULL;
	}
	setpgid(c->pid, c->pid);
	if (spec->timeout >= 0) {
		timeval_from(spec->timeout, &tv);
		event_add(&c->limit, &tv);
	}
	return c;
}
