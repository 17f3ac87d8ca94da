#include "config.h"

#include "spoollock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* Bytes: more than what waits in SQLite's log until it goes to its place (spoolfile.c). */
#define RESERVE ((off_t)4 << 20)

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
	if (lseek(fd, 0, SEEK_END) < RESERVE && posix_fallocate(fd, 0, RESERVE) != 0)
		spoollock_release(fd);
}

void
spoollock_release(int fd)
{
	/* Where that fails there is nothing to be done about it. */
	if (ftruncate(fd, 0) < 0)
		return;
}
