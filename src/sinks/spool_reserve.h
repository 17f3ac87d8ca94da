/*
 * The file FILE.reserve beside a spool holds disk space in reserve: SQLite needs space before it
 * removes rows, and a drain must be able to remove rows when the disk is full. Anybody may remove
 * the file; the next process makes it again. It is no part of spool_db.c, since it has nothing to
 * do with SQLite.
 */
#ifndef PGWAIT_SPOOL_RESERVE_H
#define PGWAIT_SPOOL_RESERVE_H

#include "base/util.h"

/* Opens the file, and takes the reserve if the disk has as much again for others. Returns a descriptor; -1 with errno. */
int spool_reserve_open(const char *spool);

/* Gives the reserve up, and returns how many bytes it had. */
int64_t spool_reserve_release(int fd);
/* Takes `size` bytes again, or as much as the disk has. */
void spool_reserve_restore(int fd, int64_t size);

#endif
