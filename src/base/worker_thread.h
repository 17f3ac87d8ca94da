/*
 * One blocking job in a thread of its own, its end reported to the event loop.
 *
 * For what no library does without blocking: resolving a name (fact F19). `work` runs in the thread and touches `job` only; `done` runs in the loop and
 * then owns `job`. After worker_thread_cancel() `done` never runs, and `drop` frees `job` when the thread
 * is through with it: a job that never returns delays nothing.
 */
#ifndef PGWAIT_WORKER_THREAD_H
#define PGWAIT_WORKER_THREAD_H

struct event_base;
struct worker_thread;

struct worker_thread_job {
	void (*work)(void *job);
	void (*done)(void *job, void *arg);
	void (*drop)(void *job);
};

/* NULL with errno set where the system refuses a thread or a pipe; `job` stays the caller's. */
struct worker_thread *worker_thread_start(
    struct event_base *base, const struct worker_thread_job *kind, void *job, void *arg);
void worker_thread_cancel(struct worker_thread *t);

#endif
