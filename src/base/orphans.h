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

/* Does nothing where pgwait is not process 1. */
void orphans_watch(struct event_base *base);
void orphans_release(void);

/* orphans_keep(): the process *pid, if not 0, is left to the caller, until orphans_forget(). */
void orphans_keep(const pid_t *pid);
void orphans_forget(const pid_t *pid);

#endif
