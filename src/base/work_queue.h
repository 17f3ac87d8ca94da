/*
 * Work that takes its time, done a little in each pass of the loop.
 *
 * A step of connecting can cost milliseconds (a password is hashed 4096 times), and to close a connection costs more than
 * to read it. When 1,000 connections are lost and come back together, that must not keep the good ones from being read. So
 * such work waits here, in order, and each pass does only as much of it as its time budget allows. There is one queue,
 * since there is one loop.
 */
#ifndef PGWAIT_WORK_QUEUE_H
#define PGWAIT_WORK_QUEUE_H

#include "base/util.h"

/* Embedded in its owner, who sets the first three once. `before`: what is short comes before what is not. */
struct work_queue_job {
	void (*run)(void *arg);
	void *arg;
	bool before;
	struct work_queue_job *next,
	    **at; /* `at`: what points to it; NULL: it is not in the queue */
};

/* Behind all others of its kind; nothing changes for a job that is in the queue. */
void work_queue_add(struct work_queue_job *job);
void work_queue_remove(struct work_queue_job *job);

/* Whether a pass is needed at once. */
bool work_queue_waiting(void);

/* At least one job, and more while `budget` microseconds are not used up. */
void work_queue_run(int64_t budget);

/* All that is left, at the end. */
void work_queue_finish(void);

#endif
