/*
 * Reaps orphans if pgwait is process 1 of a container: the kernel makes process 1 the parent of
 * every process whose own parent has ended, and nobody else reaps those.
 *
 * It reaps every child that ends, except the processes that another part of pgwait waits for.
 */
#ifndef PGWAIT_ORPHANS_H
#define PGWAIT_ORPHANS_H

#include <sys/types.h>

struct event_base;

/* Begins to reap; does nothing if pgwait is not process 1. */
void orphans_watch(struct event_base *base);
void orphans_release(void);

/* The caller reaps the process *pid itself (none if it is 0), until orphans_forget(). */
void orphans_keep(const pid_t *pid);
void orphans_forget(const pid_t *pid);

#endif
