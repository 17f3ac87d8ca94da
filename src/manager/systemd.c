#include "config.h"

#include "manager/systemd.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/ticker.h"

/* How long a full socket is waited for; milliseconds. */
#define PATIENCE 1000
/* The least time between two signs to the watchdog. */
#define WATCHDOG_MIN (SECOND / 1000)

struct systemd {
	const char *path; /* of the environment */
	struct ticker watchdog;
	struct systemd_facts shown;
	char status[160];   /* what systemd was told last */
	int64_t lost_since; /* Unix time; 0: no connection is lost */
	bool ready, stopping, warned;
};

/* Returns a socket that sends to `path`, or -1 with errno. */
static int
open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), saved;

	if (fd < 0)
		return -1;
	fd_cloexec(fd);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	if (connect(fd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A full socket is waited for up to `patience`, in milliseconds. False: `message` was not sent. */
static bool
send_message(struct systemd *s, const char *message, int patience)
{
	int fd = open_socket(s->path);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	bool ok = fd >= 0;

	if (ok && patience)
		(void)poll(&p, 1, patience);
	/* SIGPIPE is ignored. */
	if (ok)
		ok = send(fd, message, strlen(message), MSG_DONTWAIT) >= 0;
	if (!ok && !s->warned)
		log_warning("could not tell NOTIFY_SOCKET \"%s\": %s", s->path, strerror(errno));
	s->warned = !ok;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* How often the watchdog wants a sign, in microseconds; 0: never. */
static int64_t
watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t n;

	if (!usec)
		return 0;
	if (pid && (!parse_integer(pid, 1, INT64_MAX, &n) || n != getpid()))
		return 0; /* it waits for another process */
	if (!parse_integer(usec, 1, INT64_MAX, &n)) {
		log_warning("WATCHDOG_USEC is no number of microseconds: \"%s\"", usec);
		return 0;
	}
	return n / 2 > WATCHDOG_MIN ? n / 2 : WATCHDOG_MIN;
}

struct systemd *
systemd_new(struct event_base *base)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	struct systemd *s;
	int64_t interval;

	if (!path)
		return NULL;
	if (length == 0 || length >= sizeof((struct sockaddr_un *)0)->sun_path) {
		log_warning("NOTIFY_SOCKET is no socket's path: \"%s\"", path);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->path = path;
	interval = watchdog_interval();
	if (interval)
		ticker_start(&s->watchdog, base, interval, clock_monotonic());
	return s;
}

void
systemd_free(struct systemd *s)
{
	if (!s)
		return;
	ticker_stop(&s->watchdog);
	free(s);
}

void
systemd_ready(struct systemd *s)
{
	if (!s)
		return;
	s->ready = true;
	(void)send_message(s, "READY=1", PATIENCE);
}

void
systemd_reload(struct systemd *s, bool begins)
{
	char message[64];

	if (!s || !s->ready || s->stopping)
		return;
	if (begins)
		snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		    clock_monotonic());
	else
		snprintf(message, sizeof message, "READY=1");
	(void)send_message(s, message, PATIENCE);
}

void
systemd_stopping(struct systemd *s)
{
	if (!s)
		return;
	s->stopping = true;
	(void)send_message(s, "STOPPING=1\nSTATUS=ending", PATIENCE);
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
write_status(const struct systemd *s, const struct systemd_facts *f, char *p, size_t size)
{
	time_t since = (time_t)(s->lost_since / SECOND);
	char *end = p + size;
	struct tm tm;

	p += snprintf(p, (size_t)(end - p),
	    "STATUS=%slistening on %zu channel%s over %zu connection%s",
	    f->active ? "" : "waiting for the lock; ", f->channels, plural(f->channels), f->good,
	    plural(f->good));
	if (f->connecting)
		p += snprintf(p, (size_t)(end - p), ", %zu connecting", f->connecting);
	if (f->lost)
		p += snprintf(p, (size_t)(end - p), "; %zu lost", f->lost);
	if (f->lost && localtime_r(&since, &tm))
		strftime(p, (size_t)(end - p), " since %H:%M", &tm);
}

static bool
is_same(const struct systemd_facts *a, const struct systemd_facts *b)
{
	return a->channels == b->channels && a->good == b->good && a->connecting == b->connecting &&
	       a->lost == b->lost && a->active == b->active;
}

/* What a full socket does not take now, the next pass sends. */
static void
tell_status(struct systemd *s, const struct systemd_facts *f)
{
	char text[sizeof s->status];

	if (*s->status && is_same(f, &s->shown))
		return;
	if (f->lost == 0)
		s->lost_since = 0;
	else if (s->lost_since == 0)
		s->lost_since = clock_realtime();
	write_status(s, f, text, sizeof text);
	if (strcmp(text, s->status) != 0 && !send_message(s, text, 0))
		return;
	memcpy(s->status, text, sizeof text);
	s->shown = *f;
}

void
systemd_pass(struct systemd *s, const struct systemd_facts *f)
{
	if (!s)
		return;
	if (ticker_ticks(&s->watchdog, 0))
		(void)send_message(s, "WATCHDOG=1", 0);
	if (!s->stopping)
		tell_status(s, f);
}
