#include "config.h"

#include "base/stream.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd_writer.h"

struct stream {
	struct fd_writer outlet;
	struct event write_event, gone_event;
	bool watched;
	stream_event *writable, *gone;
	void *arg;
};

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	s->writable(s->arg);
}

/* The write end of a pipe becomes readable only when the reader closes its end. */
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

	fd_writer_open(&s->outlet, fd);
	s->writable = writable;
	s->gone = gone;
	s->arg = arg;
	if (s->outlet.method == FD_WRITER_DIRECT)
		return s;
	/*
	 * Edge-triggered: a terminal stays readable while somebody types, and pgwait does not read
	 * it.
	 */
	event_assign(&s->write_event, base, s->outlet.fd, EV_WRITE | EV_ET, on_writable, s);
	event_assign(&s->gone_event, base, s->outlet.fd, EV_READ | EV_PERSIST | EV_ET, on_gone, s);
	s->watched = event_add(&s->gone_event, NULL) == 0;
	return s;
}

ssize_t
stream_write(struct stream *s, const char *bytes, size_t n)
{
	return fd_writer_write(&s->outlet, bytes, n);
}

bool
stream_wait(struct stream *s)
{
	if (s->watched)
		return event_add(&s->write_event, NULL) == 0;
	/* The descriptor would block, but cannot be polled. The next pass tries again. */
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
	fd_writer_close(&s->outlet);
	ok = close(s->outlet.original) == 0;
	free(s);
	return ok;
}
