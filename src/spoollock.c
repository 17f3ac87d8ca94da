#include "config.h"

#include "spoollock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Bytes: more than what waits in SQLite's log until it goes to its place (spoolfile.c). */
#define RESERVE (INT64_C(4) << 20)

int
spoollock_open(const char *spool)
{
	char *path = xasprintf("%s.lock", spool);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	free(path);
	return fd;
}

bool
spoollock_take(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void
spoollock_reserve(int fd)
{
	struct statvfs v;

	if (lseek(fd, 0, SEEK_END) < RESERVE && fstatvfs(fd, &v) == 0 &&
	    v.f_bavail >= 2 * RESERVE / v.f_frsize)
		spoollock_restore(fd, RESERVE);
}

void
spoollock_restore(int fd, int64_t size)
{
	while (size > 0 && posix_fallocate(fd, 0, size) != 0)
		size /= 2;
}

int64_t
spoollock_release(int fd)
{
	int64_t size = lseek(fd, 0, SEEK_END);

	return ftruncate(fd, 0) == 0 ? size : 0;
}
