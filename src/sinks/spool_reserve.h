/*
 * The file beside a spool, FILE.reserve, holds disk space in reserve: to remove rows takes space
 * first, and a drain must be able to do so when the disk is full. Anybody may remove the file; the
 * next process makes it again. It is no part of spool_db.c, since it has nothing to do with SQLite.
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
