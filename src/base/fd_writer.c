#include "config.h"

#include "base/fd_writer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/portable.h"

/* After POLLOUT a pipe takes this much without blocking. */
#define POLL_CHUNK PORTABLE_PIPE_BUF

static enum fd_writer_method
choose_method(struct fd_writer *o)
{
	struct stat st;
	int fd;

	if (fstat(o->original, &st) < 0)
		return FD_WRITER_DIRECT;
	if (S_ISSOCK(st.st_mode))
		return FD_WRITER_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !isatty(o->original))
		return FD_WRITER_DIRECT;
	fd = portable_reopen(o->original);
	if (fd < 0)
		return FD_WRITER_NOWAIT;
	o->fd = fd;
	return FD_WRITER_REOPENED;
}

void
fd_writer_open(struct fd_writer *o, int fd)
{
	o->fd = o->original = fd;
	o->method = choose_method(o);
}

void
fd_writer_close(struct fd_writer *o)
{
	if (o->fd != o->original)
		close(o->fd);
}

static ssize_t
write_polled(const struct fd_writer *o, const char *bytes, size_t n)
{
	struct pollfd p = {.fd = o->fd, .events = POLLOUT};
	size_t done = 0;

	while (done < n && poll(&p, 1, 0) > 0) {
		size_t chunk = n - done < POLL_CHUNK ? n - done : POLL_CHUNK;
		ssize_t w = write(o->fd, bytes + done, chunk);

		if (w < 0)
			return done ? (ssize_t)done : w;
		done += (size_t)w;
	}
	return (ssize_t)done;
}

static ssize_t
write_once(struct fd_writer *o, const char *bytes, size_t n)
{
	switch (o->method) {
	case FD_WRITER_SOCKET:
		return send(o->fd, bytes, n, MSG_DONTWAIT); /* SIGPIPE is ignored */
	case FD_WRITER_NOWAIT: {
#if defined HAVE_PWRITEV2 && defined RWF_NOWAIT
		struct iovec v = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
		ssize_t w = pwritev2(o->fd, &v, 1, -1, RWF_NOWAIT);

		if (w >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != ESPIPE))
			return w;
#endif
		o->method = FD_WRITER_POLL;
		return write_polled(o, bytes, n);
	}
	case FD_WRITER_POLL:
		return write_polled(o, bytes, n);
	default:
		return write(o->fd, bytes, n);
	}
}

ssize_t
fd_writer_write(struct fd_writer *o, const char *bytes, size_t n)
{
	ssize_t w;

	do
		w = write_once(o, bytes, n);
	while (w < 0 && errno == EINTR);
	if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return w;
}
