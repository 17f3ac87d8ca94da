/*
 * The file beside a spool, FILE.lock: the lock of drains, and disk space in reserve, so that a drain can
 * remove something when the disk is full, which takes space first.
 */
#ifndef PGWAIT_SPOOLLOCK_H
#define PGWAIT_SPOOLLOCK_H

#include "util.h"

/* A descriptor; -1 with errno. The file is never removed, since that would let two drains in. */
int spoollock_open(const char *spool);

/* False with errno: EWOULDBLOCK where another process has it. */
MUST_CHECK bool spoollock_take(int fd);

/* Takes the reserve, if that leaves as much again to others. */
void spoollock_reserve(int fd);

/* Gives it up; returns how much that was. */
int64_t spoollock_release(int fd);
/* Takes so much of it again, or what is left of that. */
void spoollock_restore(int fd, int64_t size);

#endif
