/*
 * Runs one blocking job in a thread of its own, and tells the event loop when it has ended.
 *
 * For what no library does without blocking: resolving a name (fact F19). `work` runs in the thread
 * and touches `job` only; `done` runs in the loop and then owns `job`. After worker_thread_cancel()
 * `done` never runs; `drop` frees `job` when the thread has ended. So a job that never returns
 * delays nothing.
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
