/*
 * Runs commands, one after another: each is /bin/sh -c COMMAND in a process group of its own.
 *
 * A command is done when it has exited and its standard input was written to the end, or the
 * command closed it. It need not read its input.
 */
#ifndef PGWAIT_CHILD_H
#define PGWAIT_CHILD_H

#include "base/fifo.h"
#include "base/util.h"

struct child;
struct event_base;

/* `wait_status` is waitpid()'s. Called from the loop; the next command may be started from it. */
typedef void child_done(int wait_status, void *arg);

/* How long a command has between SIGTERM and SIGKILL. */
#define CHILD_GRACE (5 * SECOND)

struct child_spec {
	const char *command;
	char *const *environment; /* for execve */
	int output;               /* becomes its stdout; stderr is ours */
	int64_t timeout;          /* microseconds until SIGTERM goes to its group; negative: none */
	struct fifo *input;       /* its stdin, which is left empty; empty before: /dev/null */
};

struct child *child_new(struct event_base *base, child_done *done, void *arg);
void child_free(struct child *c);

/* Starts a command; only while none runs. False with errno if it could not be started. */
MUST_CHECK bool child_start(struct child *c, const struct child_spec *spec);

/* Bytes that it has not read yet. */
size_t child_input_left(const struct child *c);

/*
 * Sends SIGTERM to the process group of the running command, if one runs, and CHILD_GRACE later
 * SIGKILL to what is left of the group. Processes of the group may outlive the command. What had
 * SIGTERM already keeps its time.
 */
void child_terminate(struct child *c);

/*
 * Whether there is a process group that got SIGTERM, has outlived its command, and has not had
 * SIGKILL yet.
 */
bool child_lingers(const struct child *c);

#endif
