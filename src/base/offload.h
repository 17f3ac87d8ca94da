/*
 * One blocking job in a thread of its own, its end reported to the event loop.
 *
 * For what no library does without blocking: resolving a name (fact F19). `work` runs in the thread and touches `job` only; `done` runs in the loop and
 * then owns `job`. After offload_cancel() `done` never runs, and `drop` frees `job` when the thread
 * is through with it: a job that never returns delays nothing.
 */
#ifndef PGWAIT_OFFLOAD_H
#define PGWAIT_OFFLOAD_H

struct event_base;
struct offload;

struct offload_job {
	void (*work)(void *job);
	void (*done)(void *job, void *arg);
	void (*drop)(void *job);
};

/* NULL with errno set where the system refuses a thread or a pipe; `job` stays the caller's. */
struct offload *offload_start(
    struct event_base *base, const struct offload_job *kind, void *job, void *arg);
void offload_cancel(struct offload *o);

#endif
