/*
 * Writes to a descriptor that another process made, without blocking, and without changing the
 * descriptor for other processes (fact F13).
 */
#ifndef PGWAIT_FD_WRITER_H
#define PGWAIT_FD_WRITER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/util.h"

struct fd_writer {
	int fd;       /* it writes to this one, and polls it */
	int original; /* the caller's, who closes it */
	enum fd_writer_method {
		FD_WRITER_DIRECT, /* files and the like, which never block for long: write(2) */
		FD_WRITER_REOPENED, /* a pipe or terminal, opened anew: our O_NONBLOCK is ours alone */
		FD_WRITER_NOWAIT, /* a pipe that another user made: pwritev2(RWF_NOWAIT) */
		FD_WRITER_POLL, /* where the kernel does not have that: poll, and no more than fits for sure */
		FD_WRITER_SOCKET, /* send(MSG_DONTWAIT) */
	} method;
};

void fd_writer_open(struct fd_writer *o, int fd);
void fd_writer_close(struct fd_writer *o);

/* Bytes written, 0 where nothing can be now; -1 with errno. */
MUST_CHECK ssize_t fd_writer_write(struct fd_writer *o, const char *bytes, size_t n);

#endif
