#include "config.h"

#include "stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "portable.h"

enum method {
	METHOD_DIRECT,   /* files and the like, which never block for long: write(2) */
	METHOD_REOPENED, /* a pipe or terminal, opened anew: our O_NONBLOCK is ours alone */
	METHOD_NOWAIT,   /* a pipe that another user made: pwritev2(RWF_NOWAIT) */
	METHOD_POLL, /* where the kernel does not have that: poll, and no more than fits for sure */
	METHOD_SOCKET, /* send(MSG_DONTWAIT) */
};

/* After POLLOUT a pipe takes this much without blocking. */
#define POLL_CHUNK PORTABLE_PIPE_BUF

struct stream {
	int fd;       /* what is written to */
	int original; /* what we were given */
	enum method method;
	struct event write_event, gone_event;
	bool watched;
	stream_event *writable, *gone;
	void *arg;
};

static enum method
choose_method(struct stream *s)
{
	struct stat st;
	int fd;

	if (fstat(s->original, &st) < 0)
		return METHOD_DIRECT;
	if (S_ISSOCK(st.st_mode))
		return METHOD_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !isatty(s->original))
		return METHOD_DIRECT;
	fd = portable_reopen(s->original);
	if (fd < 0)
		return METHOD_NOWAIT;
	s->fd = fd;
	return METHOD_REOPENED;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	s->writable(s->arg);
}

/* On a pipe's write end nothing is ever readable but the reader's leaving. */
static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct pollfd p = {.fd = fd};

	(void)what;
	if (poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLHUP)))
		return;
	event_del(&s->gone_event);
	s->gone(s->arg);
}

struct stream *
stream_open(struct event_base *base, int fd, stream_event *writable, stream_event *gone, void *arg)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->fd = s->original = fd;
	s->writable = writable;
	s->gone = gone;
	s->arg = arg;
	s->method = choose_method(s);
	if (s->method == METHOD_DIRECT)
		return s;
	/* Edges: a terminal on which somebody types stays readable, and we do not read it. */
	event_assign(&s->write_event, base, s->fd, EV_WRITE | EV_ET, on_writable, s);
	event_assign(&s->gone_event, base, s->fd, EV_READ | EV_PERSIST | EV_ET, on_gone, s);
	s->watched = event_add(&s->gone_event, NULL) == 0;
	return s;
}

static ssize_t
write_polled(const struct stream *s, const char *bytes, size_t n)
{
	struct pollfd p = {.fd = s->fd, .events = POLLOUT};
	size_t done = 0;

	while (done < n && poll(&p, 1, 0) > 0) {
		size_t chunk = n - done < POLL_CHUNK ? n - done : POLL_CHUNK;
		ssize_t w = write(s->fd, bytes + done, chunk);

		if (w < 0)
			return done ? (ssize_t)done : w;
		done += (size_t)w;
	}
	return (ssize_t)done;
}

static ssize_t
write_once(struct stream *s, const char *bytes, size_t n)
{
	switch (s->method) {
	case METHOD_SOCKET:
		return send(s->fd, bytes, n, MSG_DONTWAIT); /* SIGPIPE is ignored */
	case METHOD_NOWAIT: {
#if defined HAVE_PWRITEV2 && defined RWF_NOWAIT
		struct iovec v = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
		ssize_t w = pwritev2(s->fd, &v, 1, -1, RWF_NOWAIT);

		if (w >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != ESPIPE))
			return w;
#endif
		s->method = METHOD_POLL;
		return write_polled(s, bytes, n);
	}
	case METHOD_POLL:
		return write_polled(s, bytes, n);
	default:
		return write(s->fd, bytes, n);
	}
}

ssize_t
stream_write(struct stream *s, const char *bytes, size_t n)
{
	ssize_t w;

	do
		w = write_once(s, bytes, n);
	while (w < 0 && errno == EINTR);
	if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return w;
}

bool
stream_wait(struct stream *s)
{
	if (s->watched)
		return event_add(&s->write_event, NULL) == 0;
	/* Not pollable, though it said that it would block: the next pass tries again. */
	s->writable(s->arg);
	return true;
}

bool
stream_close(struct stream *s)
{
	bool ok;

	if (s->watched) {
		event_del(&s->write_event);
		event_del(&s->gone_event);
	}
	if (s->fd != s->original)
		close(s->fd);
	ok = close(s->original) == 0;
	free(s);
	return ok;
}
