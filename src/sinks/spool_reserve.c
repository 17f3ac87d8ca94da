#include "config.h"

#include "sinks/spool_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/portable.h"

/* Bytes: more than SQLite's log has before it is copied to the database (spool_db.c). */
#define RESERVE (INT64_C(4) << 20)
#define STEP    (INT64_C(1) << 18)

/* Whether we may use the file. pgwait does not touch anything else that has this name. */
static bool
is_ours(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	errno = EEXIST;
	return S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

static void
fill(int fd)
{
	struct statvfs v;

	if (lseek(fd, 0, SEEK_END) < RESERVE && fstatvfs(fd, &v) == 0 &&
	    v.f_bavail >= 2 * RESERVE / v.f_frsize)
		spool_reserve_restore(fd, RESERVE);
}

int
spool_reserve_open(const char *spool)
{
	char *path = xasprintf("%s.reserve", spool);
	int fd =
	    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
	int error;

	free(path);
	if (fd < 0)
		return -1;
	if (is_ours(fd)) {
		fill(fd);
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void
spool_reserve_restore(int fd, int64_t size)
{
	while (size > 0 && !portable_allocate(fd, size))
		size /= 2;
}

int64_t
spool_reserve_release(int fd)
{
	int64_t size = lseek(fd, 0, SEEK_END);

	return ftruncate(fd, 0) == 0 ? size : 0;
}
