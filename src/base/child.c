#include "config.h"

#include "base/child.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/orphans.h"
#include "base/portable.h"

/* How often pgwait looks whether processes of an ended command's group are still there. */
#define CHECK (SECOND / 20)

/* What is left of a group that got SIGTERM, when its leader has ended. */
struct remnant {
	pid_t group;
	int64_t due; /* SIGKILL */
	struct remnant *next;
};

struct child {
	pid_t pid;    /* and process group; 0: none runs */
	int input_fd; /* its stdin is written to it; -1: through, or closed */
	struct fifo input;
	struct event_base *base;
	struct event exited, writable, limit, check;
	int limit_signal;
	int64_t due; /* SIGKILL, once SIGTERM was sent */
	struct remnant *remnants;
	child_done *done;
	void *arg;
};

/*
 * While one process of a group is left, the kernel gives the number of the group to no one else.
 * pgwait looks often, and not only when SIGKILL is due, so that it never signals another group of
 * the same number.
 */
static void
check_remnants(struct child *c)
{
	struct remnant **at = &c->remnants, *r;
	struct timeval tv;

	while ((r = *at)) {
		bool due = clock_monotonic() >= r->due;

		if (kill(-r->group, due ? SIGKILL : 0) == 0 && !due) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
	timeval_from(CHECK, &tv);
	if (c->remnants)
		event_add(&c->check, &tv);
}

static void
on_check(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	check_remnants(arg);
}

static void
add_remnant(struct child *c, pid_t group)
{
	struct remnant *r = xmalloc(sizeof *r);

	*r = (struct remnant){.group = group, .due = c->due, .next = c->remnants};
	c->remnants = r;
	check_remnants(c);
}

/*
 * The process is not reaped before its input is written to the end. So its pid, which is the number
 * of its group, belongs to no other process when the time limit passes.
 */
static void
reap(struct child *c)
{
	pid_t pid = c->pid;
	int status;

	if (pid == 0 || c->input_fd >= 0 || waitpid(pid, &status, WNOHANG) != pid)
		return;
	c->pid = 0;
	event_del(&c->limit);
	if (c->limit_signal == SIGKILL)
		add_remnant(c, pid);
	c->done(status, c->arg);
}

/* Waits for this pid alone: libraries may fork processes of their own, and wait for them. */
static void
on_sigchld(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	reap(arg);
}

static void
close_input(struct child *c)
{
	if (c->input_fd < 0)
		return;
	event_del(&c->writable);
	close(c->input_fd);
	c->input_fd = -1;
	fifo_consume(&c->input, c->input.length);
}

/*
 * The command must not take a part of its input for the whole. So it is killed, which counts as a
 * failure.
 */
static void
cut_input(struct child *c)
{
	log_warning("could not write to a command: %s", strerror(errno));
	child_terminate(c);
	close_input(c);
}

/* Writes once, as much as the pipe takes. It is no error if nobody reads any more (EPIPE). */
static void
feed(struct child *c)
{
	size_t n;
	const char *bytes = fifo_front(&c->input, &n);
	ssize_t w = write(c->input_fd, bytes, n);

	if (w > 0)
		fifo_consume(&c->input, (size_t)w);
	else if (errno == EPIPE)
		fifo_consume(&c->input, c->input.length);
	else if (errno != EAGAIN && errno != EINTR)
		cut_input(c);
	if (c->input.length == 0)
		close_input(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	feed(arg);
	reap(arg);
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
	c->due = clock_monotonic() + CHILD_GRACE;
	timeval_from(CHILD_GRACE, &tv);
	event_add(&c->limit, &tv);
}

void
child_terminate(struct child *c)
{
	if (c->pid == 0 || c->limit_signal == SIGKILL)
		return;
	event_del(&c->limit);
	on_limit(-1, 0, c);
}

/* The descriptor of the child that tells why exec fails, where it is no vfork() that does. */
#define REPORT 3

/*
 * In the child, up to exec: system calls only, since it shares our memory. Returns where exec fails.
 */
static void
child_exec(const struct child_spec *spec, int input, int report)
{
	const char *const argv[] = {"sh", "-c", spec->command, NULL};
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	setpgid(0, 0);
	if (input < 0)
		input = open("/dev/null", O_RDONLY);
	dup2(input, STDIN_FILENO);
	dup2(spec->output, STDOUT_FILENO);
	if (report >= 0) {
		dup2(report, REPORT);
		fd_cloexec(REPORT);
	}
	portable_close_from(report < 0 ? REPORT : REPORT + 1, limits_descriptors());
	limits_restore();
	/*
	 * exec resets handlers to the default. It keeps ignored signals ignored, so those that
	 * pgwait ignores are reset here.
	 */
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve("/bin/sh", (char *const *)(uintptr_t)argv, spec->environment);
}

#ifdef PORTABLE_VFORK

/*
 * vfork(), since fork() takes the longer the more memory waits for slow commands: with 64 MiB, twice
 * as long for all of a run. posix_spawn() cannot set limits, and changing our own around it would
 * let other threads run out of descriptors. Returns as fork(), and sets *error where exec failed.
 */
static pid_t
fork_and_exec(const struct child_spec *spec, int input, int *error)
{
	volatile int failed = 0; /* the child sets it */
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): why, see above */
	pid_t pid = vfork();

	if (pid == 0) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): it makes system calls only */
		child_exec(spec, input, -1);
		failed = errno;
		_exit(127);
	}
	*error = failed;
	return pid;
}

#else

/* What the child of fork() does to its memory is not seen here: a pipe that exec closes tells of a failure. */
static pid_t
fork_and_exec(const struct child_spec *spec, int input, int *error)
{
	int fds[2];
	pid_t pid;

	if (!portable_pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		child_exec(spec, input, fds[1]);
		*error = errno;
		if (write(REPORT, error, sizeof *error) < 0)
			_exit(126);
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && read(fds[0], error, sizeof *error) < 0 && errno == EINTR)
		;
	close(fds[0]);
	return pid;
}

#endif

/* Returns 0 with errno where it fails. */
static pid_t
spawn(const struct child_spec *spec, int input)
{
	int error = 0;
	sigset_t all, before;
	pid_t pid;

	/* No handler of ours may run in the child: it would write to our event loop's pipe. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork_and_exec(spec, input, &error);
	if (pid < 0)
		error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && error)
		waitpid(pid, NULL, 0);
	errno = error;
	return error ? 0 : pid;
}

/* A pipe for its input, of which only our end is non-blocking; fds stay -1 where there is none. */
static bool
open_input(const struct fifo *input, int fds[2])
{
	if (input->length == 0)
		return true;
	if (!portable_pipe(fds))
		return false;
	fd_nonblock(fds[1]);
	return true;
}

static void
close_both(const int fds[2])
{
	int error = errno;

	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	errno = error;
}

bool
child_start(struct child *c, const struct child_spec *spec)
{
	int fds[2] = {-1, -1};
	struct fifo emptied;
	struct timeval tv;

	if (!open_input(spec->input, fds))
		return false;
	c->pid = spawn(spec, fds[0]);
	if (c->pid == 0) {
		close_both(fds);
		return false;
	}
	c->limit_signal = SIGTERM;
	if (spec->timeout >= 0) {
		timeval_from(spec->timeout, &tv);
		event_add(&c->limit, &tv);
	}
	if (fds[1] < 0)
		return true;
	close(fds[0]);
	c->input_fd = fds[1];
	emptied = c->input;
	c->input = *spec->input;
	*spec->input = emptied;
	event_assign(&c->writable, c->base, c->input_fd, EV_WRITE | EV_PERSIST, on_writable, c);
	feed(c);
	if (c->input_fd >= 0 && event_add(&c->writable, NULL) < 0)
		cut_input(c);
	return true;
}

struct child *
child_new(struct event_base *base, child_done *done, void *arg)
{
	struct child *c = xcalloc(1, sizeof *c);

	c->base = base;
	c->input_fd = -1;
	c->done = done;
	c->arg = arg;
	/*
	 * One event serves all commands of this child, which run one after another. Where the parent left SIGCHLD
	 * ignored, waitpid() tells how a command ended only because the event catches it.
	 */
	evsignal_assign(&c->exited, base, SIGCHLD, on_sigchld, c);
	evtimer_assign(&c->limit, base, on_limit, c);
	evtimer_assign(&c->check, base, on_check, c);
	event_add(&c->exited, NULL);
	orphans_keep(&c->pid);
	return c;
}

size_t
child_input_left(const struct child *c)
{
	return c->input.length;
}

bool
child_lingers(const struct child *c)
{
	return c->remnants;
}

void
child_free(struct child *c)
{
	struct remnant *next;

	for (struct remnant *r = c->remnants; r; r = next) {
		next = r->next;
		free(r);
	}
	close_input(c);
	orphans_forget(&c->pid);
	event_del(&c->exited);
	event_del(&c->limit);
	event_del(&c->check);
	fifo_free(&c->input);
	free(c);
}
