#include "config.h"

#include "base/portable.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#ifdef HAVE_SYS_RANDOM_H
#include <sys/random.h>
#endif
#if defined __linux__ && !defined PORTABLE
#include <sys/syscall.h>
#endif

bool
portable_pipe(int fds[2])
{
#ifdef HAVE_PIPE2
	return pipe2(fds, O_CLOEXEC) == 0;
#else
	if (pipe(fds) < 0)
		return false;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return true;
#endif
}

/* Opening a descriptor in /dev/fd may be no more than dup() on other systems, so they do not use it. */
int
portable_reopen(int fd)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
#if defined __linux__ && !defined PORTABLE
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, flags);
#else
	struct stat given, opened;
	char path[128];
	int again;

	if (ttyname_r(fd, path, sizeof path) != 0)
		return -1;
	again = open(path, flags);
	if (again >= 0 && (fstat(fd, &given) < 0 || fstat(again, &opened) < 0 ||
			      given.st_rdev != opened.st_rdev)) {
		close(again);
		again = -1;
	}
	return again;
#endif
}

bool
portable_random(void *bytes, size_t n)
{
#ifdef HAVE_GETENTROPY
	return getentropy(bytes, n) == 0;
#else
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok = fd >= 0 && read(fd, bytes, n) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return ok;
#endif
}

bool
portable_allocate(int fd, int64_t size)
{
#ifdef HAVE_POSIX_FALLOCATE
	return posix_fallocate(fd, 0, size) == 0;
#else
	static const char zeros[65536];
	off_t before = lseek(fd, 0, SEEK_END), at = before;

	while (at >= 0 && at < size) {
		size_t n =
		    (uint64_t)(size - at) < sizeof zeros ? (size_t)(size - at) : sizeof zeros;
		ssize_t w = pwrite(fd, zeros, n, at);

		if (w <= 0 && (w == 0 || errno != EINTR))
			break;
		at += w > 0 ? w : 0;
	}
	/* What is there is as good as it was before, whether the file can be cut or not. */
	return at >= size || (ftruncate(fd, before) != 0 && false);
#endif
}

int
portable_extend(int fd, int64_t size)
{
#ifdef HAVE_POSIX_FALLOCATE
	return posix_fallocate(fd, 0, size);
#else
	struct statvfs v;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatvfs(fd, &v) < 0)
		return errno;
	return st.st_size < size && (uint64_t)(size - st.st_size) / v.f_frsize >= v.f_bavail
		   ? ENOSPC
		   : 0;
#endif
}

struct timespec
portable_changed(const struct stat *st)
{
#ifdef HAVE_STRUCT_STAT_ST_MTIM
	return st->st_mtim;
#elif defined HAVE_STRUCT_STAT_ST_MTIMESPEC
	return st->st_mtimespec;
#else
	return (struct timespec){.tv_sec = st->st_mtime};
#endif
}

void
portable_close_from(int first, int most)
{
#if !defined PORTABLE && defined SYS_close_range
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
#elif defined HAVE_CLOSEFROM
	closefrom(first);
	return;
#endif
	for (int fd = first; fd < most; fd++)
		close(fd);
}

bool
portable_hung_up(int fd)
{
#if defined POLLRDHUP && !defined PORTABLE
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0;
#else
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	if (poll(&p, 1, 0) <= 0)
		return false;
	return p.revents & (POLLERR | POLLHUP) || recv(fd, &byte, 1, MSG_PEEK) == 0;
#endif
}

void
portable_return_memory(void)
{
#ifdef HAVE_MALLOC_TRIM
	malloc_trim(0);
#endif
}

void
portable_wipe(void *bytes, size_t n)
{
#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(bytes, n);
#else
	volatile unsigned char *p = bytes;

	while (n-- > 0)
		*p++ = 0;
#endif
}
