/*
 * The file beside a spool, FILE.reserve: disk space, so that a drain can remove something when the disk is
 * full, which takes space first. It may be removed; the next process makes it again.
 */
#ifndef PGWAIT_SPOOL_RESERVE_H
#define PGWAIT_SPOOL_RESERVE_H

#include "base/util.h"

/* A descriptor, of a file that holds the reserve if that leaves as much again to others; -1 with errno. */
int spool_reserve_open(const char *spool);

/* Gives the reserve up; returns how many bytes that was. */
int64_t spool_reserve_release(int fd);
/* Takes so much of it again, or what is left of that. */
void spool_reserve_restore(int fd, int64_t size);

#endif
