/*
 * ONE child process: /bin/sh -c COMMAND in a process group of its own.
 */
#ifndef PGWAIT_CHILD_H
#define PGWAIT_CHILD_H

#include "util.h"

struct child;
struct event_base;

/* `wait_status` is waitpid()'s. The child is gone after it. */
typedef void child_done(int wait_status, void *arg);

/* How long a child has between SIGTERM and SIGKILL. */
#define CHILD_GRACE (5 * SECOND)

struct child_spec {
	const char *command;
	char *const *environment; /* for execve */
	int output;               /* becomes its stdout; stdin is /dev/null, stderr is ours */
	int64_t timeout;          /* microseconds until SIGTERM goes to its group; negative: none */
};

/* NULL with errno where it could not be started; `done` is called from the loop. */
struct child *child_start(
    struct event_base *base, const struct child_spec *spec, child_done *done, void *arg);

/* SIGTERM to its group now, SIGKILL CHILD_GRACE later. */
void child_terminate(struct child *c);

#endif
