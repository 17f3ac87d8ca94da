/*
 * Work that may take some milliseconds, done a little in each pass of the loop.
 *
 * A step of connecting can cost that much (a password is hashed 4096 times), and 500 connections
 * that come back at once must not keep the good ones from being read. So such steps wait here, in
 * order, and each pass runs no more of them than fit its budget. One queue: there is one loop.
 */
#ifndef PGWAIT_PACE_H
#define PGWAIT_PACE_H

#include "base/util.h"

/* Embedded in its owner, who sets `run` and `arg` once. */
struct pace_job {
	void (*run)(void *arg);
	void *arg;
	bool queued;
	struct pace_job *next;
};

/* To the end of the queue; nothing changes for a job that is in it. */
void pace_add(struct pace_job *job);
void pace_remove(struct pace_job *job);

/* Whether a pass is needed at once. */
bool pace_waiting(void);

/* At least one job, and more while `budget` microseconds are not used up. */
void pace_run(int64_t budget);

#endif
