/*
 * Diagnostics: lines on stderr, in the style of PostgreSQL's clients.
 *
 * Each call writes one line with one write(2): `pgwait: error: ...`. The message is escaped like
 * text output, so that nothing in it, from a server, a name or an argument, can control a terminal
 * or begin a second line.
 *
 * No call waits for the reader. What it does not take is written later, in order. Where too much
 * waits, lines are left out, errors last, and a line says how many, at their place.
 */
#ifndef PGWAIT_LOG_H
#define PGWAIT_LOG_H

#include "base/util.h"

enum log_level {
	LOG_QUIET = -1, /* -q: errors, warnings and their hints */
	LOG_NORMAL = 0,
	LOG_VERBOSE = 1, /* -v: state changes too */
};

struct event_base;

/* From here on, and until there is no loop any more, what waits is written as soon as it can be. */
void log_watch(struct event_base *base);
void log_release(void);
/* Before the process ends: waits for the reader as long as it takes something within a second. */
void log_finish(void);

void log_set_level(enum log_level level);
bool log_verbose(void);

void log_result(const char *fmt, ...) PRINTF_LIKE(1, 2); /* that was asked for; with -q, too */
void log_reply(const char *fmt, ...) PRINTF_LIKE(1, 2);  /* to a command; with -q, too */
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Limits how often something that may happen often is logged. Zeroed at first. log_due() is true at
 * once, and then at growing intervals.
 */
struct log_pace {
	int64_t next, distance; /* microseconds; `next` of the monotonic clock */
};

MUST_CHECK bool log_due(struct log_pace *p);

#endif
