#include "config.h"

#include "base/log.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/fd_writer.h"
#include "base/fifo.h"
#include "base/status_line.h"

/* The interval between two messages grows from the first of these to the second. */
#define DISTANCE     SECOND
#define DISTANCE_MAX (3600 * SECOND)

/* How much may wait; how often it is tried; how long at the end, in milliseconds. */
#define WAITING_MAX ((size_t)256 << 10)
#define RETRY       (SECOND / 20)
#define RETRY_MAX   SECOND
#define PATIENCE    1000

static enum log_level current = LOG_NORMAL;

void
log_set_level(enum log_level level)
{
	current = level;
}

bool
log_verbose(void)
{
	return current >= LOG_VERBOSE;
}

/* ----- Standard error, which may take nothing for a while, or for ever: nobody waits for that. */

static struct {
	struct fd_writer outlet;
	bool open;
	struct fifo
	    waiting; /* lines that the reader has not taken, and warnings of lines that were left out */
	uint64_t lines, told;    /* how many of both there were since nothing waited */
	uint64_t missing;        /* lines left out since */
	bool inside;             /* the last line was written in part */
	bool holds;              /* the status line */
	struct event_base *base; /* NULL: there is no loop */
	struct event retry;
	int64_t pause; /* until the next one */
} err;

/* Bytes written, 0 where nothing can be now; -1 where it failed. */
static ssize_t
put(const char *bytes, size_t n)
{
	/* A status line that cannot be erased is not written over. */
	ssize_t w = status_line_hide() ? fd_writer_write(&err.outlet, bytes, n) : 0;

	if (w > 0)
		err.inside = bytes[w - 1] != '\n';
	return w;
}

/* Where they are missing. */
static void
tell_missing(void)
{
	char line[128];
	int n = snprintf(line, sizeof line,
	    "%spgwait: warning: %" PRIu64 " line%s missing here: standard error did not take %s\n",
	    err.inside && err.waiting.length == 0 ? "\n" : "", err.missing,
	    err.missing == 1 ? " is" : "s are", err.missing == 1 ? "it" : "them");

	fifo_add(&err.waiting, line, (size_t)n);
	err.told += err.missing;
	err.missing = 0;
}

/* It failed, and may take the next line all the same. */
static void
give_up(void)
{
	fifo_consume(&err.waiting, err.waiting.length);
	err.missing += err.lines + err.told;
	err.lines = err.told = 0;
}

static void
flush(void)
{
	const char *bytes;
	size_t n;
	ssize_t w;

	while (err.waiting.length || err.missing) {
		if (err.waiting.length == 0)
			tell_missing();
		bytes = fifo_front(&err.waiting, &n);
		w = put(bytes, n);
		if (w < 0)
			give_up();
		if (w <= 0)
			return;
		err.pause = RETRY;
		fifo_consume(&err.waiting, (size_t)w);
		if (err.waiting.length == 0)
			err.lines = err.told = 0;
	}
}

/* While lines wait for the reader, hides the status line, and sets a timer to try again, if there is a loop. */
static void
settle(void)
{
	bool waits = err.waiting.length > 0;
	struct timeval tv;

	if (waits && !err.holds)
		status_line_hold();
	if (!waits && err.holds)
		status_line_release();
	err.holds = waits;
	if (!err.base || !waits || event_pending(&err.retry, EV_TIMEOUT, NULL))
		return;
	timeval_from(err.pause, &tv);
	if (err.pause < RETRY_MAX)
		err.pause *= 2;
	event_add(&err.retry, &tv);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	flush();
	settle();
}

/* How many quarters of the limit a line may use: other lines are left out before those that say that something is lost. */
static void
write_line(const char *line, size_t n, size_t quarters)
{
	ssize_t w = 0;

	if (!err.open)
		fd_writer_open(&err.outlet, STDERR_FILENO);
	err.open = true;
	if (err.waiting.length)
		flush();
	if (err.waiting.length > WAITING_MAX / 4 * quarters) {
		err.missing++;
		return;
	}
	if (err.missing)
		tell_missing();
	if (err.waiting.length == 0)
		w = put(line, n);
	if (w < 0) {
		err.missing++;
	} else if ((size_t)w < n) {
		err.lines++;
		fifo_add(&err.waiting, line + w, n - (size_t)w);
		flush();
		settle();
	}
}

void
log_watch(struct event_base *base)
{
	err.base = base;
	err.pause = RETRY;
	evtimer_assign(&err.retry, base, on_retry, NULL);
	settle();
}

void
log_release(void)
{
	if (err.base)
		event_del(&err.retry);
	err.base = NULL;
}

void
log_finish(void)
{
	struct pollfd p = {.fd = err.outlet.fd, .events = POLLOUT};
	size_t before;

	flush();
	/* As long as it takes something. */
	do {
		before = err.waiting.length;
		if (before && poll(&p, 1, PATIENCE) > 0)
			flush();
	} while (err.waiting.length < before);
	settle();
}

static void PRINTF_LIKE(3, 0)
    log_line(const char *kind, size_t quarters, const char *fmt, va_list ap)
{
	char *message, *line, *end;
	size_t n = xvasprintf(&message, fmt, ap);

	line = xmalloc(n * ESCAPE_TEXT_WORST + strlen(kind) + 16);
	end = line + sprintf(line, "pgwait: %s", kind);
	end = escape_shown(end, message, n, isatty(STDERR_FILENO));
	*end++ = '\n';
	write_line(line, (size_t)(end - line), quarters);
	free(line);
	free(message);
}

#define LOG_FUNCTION(name, kind, least, quarters)                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (current < (least))                                                             \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		log_line(kind, quarters, fmt, ap);                                                 \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_result, "", LOG_QUIET, 4)
LOG_FUNCTION(log_reply, "ok: ", LOG_QUIET, 3)
LOG_FUNCTION(log_error, "error: ", LOG_QUIET, 4)
LOG_FUNCTION(log_warning, "warning: ", LOG_QUIET, 4)
LOG_FUNCTION(log_hint, "hint: ", LOG_QUIET, 3)
LOG_FUNCTION(log_info, "", LOG_NORMAL, 2)
LOG_FUNCTION(log_debug, "debug: ", LOG_VERBOSE, 2)

bool
log_due(struct log_pace *p)
{
	int64_t now = clock_monotonic();

	if (now < p->next)
		return false;
	/* After an hour without a message the intervals begin anew. */
	if (p->distance == 0 || now - p->next > DISTANCE_MAX)
		p->distance = DISTANCE;
	p->next = now + p->distance;
	if (p->distance < DISTANCE_MAX)
		p->distance *= 2;
	return true;
}
