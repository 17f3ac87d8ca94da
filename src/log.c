#include "config.h"

#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "statusline.h"

/* Growing distances: the first, and the longest. */
#define DISTANCE     SECOND
#define DISTANCE_MAX (3600 * SECOND)

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

/* stderr may be a pipe that somebody made non-blocking: wait for it, a second at most. */
static void
write_line(const char *line, size_t n)
{
	while (n) {
		ssize_t w = write(STDERR_FILENO, line, n);

		if (w > 0) {
			line += w, n -= (size_t)w;
		} else if (w < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

			if (poll(&p, 1, 1000) <= 0)
				return;
		} else if (!(w < 0 && errno == EINTR)) {
			return;
		}
	}
}

static void PRINTF_LIKE(2, 0) log_line(const char *kind, const char *fmt, va_list ap)
{
	char *message, *line, *end;
	size_t n = xvasprintf(&message, fmt, ap);

	line = xmalloc(n * ESCAPE_TEXT_WORST + strlen(kind) + 16);
	end = line + sprintf(line, "pgwait: %s", kind);
	end = escape_shown(end, message, n, isatty(STDERR_FILENO));
	*end++ = '\n';
	statusline_hide();
	write_line(line, (size_t)(end - line));
	free(line);
	free(message);
}

#define LOG_FUNCTION(name, kind, least)                                                            \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (current < (least))                                                             \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		log_line(kind, fmt, ap);                                                           \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_result, "", LOG_QUIET)
LOG_FUNCTION(log_reply, "ok: ", LOG_QUIET)
LOG_FUNCTION(log_error, "error: ", LOG_QUIET)
LOG_FUNCTION(log_warning, "warning: ", LOG_QUIET)
LOG_FUNCTION(log_hint, "hint: ", LOG_QUIET)
LOG_FUNCTION(log_info, "", LOG_NORMAL)
LOG_FUNCTION(log_debug, "debug: ", LOG_VERBOSE)

bool
log_due(struct log_pace *p)
{
	int64_t now = clock_monotonic();

	if (now < p->next)
		return false;
	/* After an hour of silence it is another matter. */
	if (p->distance == 0 || now - p->next > DISTANCE_MAX)
		p->distance = DISTANCE;
	p->next = now + p->distance;
	if (p->distance < DISTANCE_MAX)
		p->distance *= 2;
	return true;
}
