/*
 * Process 1 of a container is the parent of every process that has lost its own, and nobody else
 * reaps those.
 *
 * So whatever ends is reaped there, but for the processes that somebody in pgwait waits for.
 */
#ifndef PGWAIT_ORPHANS_H
#define PGWAIT_ORPHANS_H

#include <sys/types.h>

struct event_base;

/* Does nothing where pgwait is not process 1. */
void orphans_watch(struct event_base *base);
void orphans_release(void);

/* *pid, where that is not 0, is somebody's, as long as it is kept. */
void orphans_keep(const pid_t *pid);
void orphans_forget(const pid_t *pid);

#endif
