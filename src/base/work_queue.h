/*
 * Work that may take some milliseconds, done a little in each pass of the loop.
 *
 * A step of connecting can cost that much (a password is hashed 4096 times), and 500 connections
 * that come back at once must not keep the good ones from being read. So such steps wait here, in
 * order, and each pass runs only as many of them as its time budget allows. There is one queue,
 * since there is one loop.
 */
#ifndef PGWAIT_WORK_QUEUE_H
#define PGWAIT_WORK_QUEUE_H

#include "base/util.h"

/* Embedded in its owner, who sets `run` and `arg` once. */
struct work_queue_job {
	void (*run)(void *arg);
	void *arg;
	bool queued;
	struct work_queue_job *next;
};

/* To the end of the queue; nothing changes for a job that is in it. */
void work_queue_add(struct work_queue_job *job);
void work_queue_remove(struct work_queue_job *job);

/* Whether a pass is needed at once. */
bool work_queue_waiting(void);

/* At least one job, and more while `budget` microseconds are not used up. */
void work_queue_run(int64_t budget);

#endif
