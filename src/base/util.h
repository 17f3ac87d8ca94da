/*
 * Leaf helpers: memory that is never refused, strict numbers, clocks, descriptors.
 *
 * Memory: the x functions never return NULL; when the system has no memory left they end the
 * process with status 1. What they return is freed with free().
 */
#ifndef PGWAIT_UTIL_H
#define PGWAIT_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define RARELY                 __attribute__((cold, noinline)) /* so that who calls it stays short */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define SECOND                 INT64_C(1000000) /* times are microseconds everywhere */

/* Exit statuses (man page, EXIT STATUS). */
enum status {
	STATUS_OK = 0,
	STATUS_ERROR = 1,   /* usage, internal, or what was received could not be delivered */
	STATUS_LOST = 2,    /* no connection, or all lost */
	STATUS_REFUSED = 3, /* the server refused LISTEN */
	STATUS_UNMET = 124, /* ended before --count was met */
};

void out_of_memory(void) __attribute__((noreturn)); /* ends the process so */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n); /* `s` may be NULL where `n` is 0 */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
size_t xvasprintf(char **out, const char *fmt, va_list ap) PRINTF_LIKE(2, 0); /* its length */

/*
 * Microseconds: of a clock that never jumps, and stands still while the machine sleeps, for timers; of one that
 * goes on meanwhile, where the system has one (CLOCK_BOOTTIME), for gaps and leases; and of Unix time.
 */
int64_t clock_monotonic(void);
int64_t clock_boottime(void);
int64_t clock_realtime(void);

/* The same moment by all three. */
struct moment {
	int64_t monotonic, boottime, realtime;
};

struct moment moment_now(void);

/*
 * Decimal seconds (`5`, `0.25`, `.5`) to microseconds: no sign, no exponent, no unit. The least
 * value is 0.01 s, the greatest 10^9 s; 0 only where `zero` allows it. False if `s` is anything else.
 */
MUST_CHECK bool parse_seconds(const char *s, bool zero, int64_t *us);

/* A decimal integer from `min` to `max`, with a sign only if below 0; false if `s` is anything else. */
MUST_CHECK bool parse_integer(const char *s, int64_t min, int64_t max, int64_t *value);

/*
 * Bytes (`65536`), or whole KiB, MiB or GiB (`64MiB`; exactly so, without a space), 1 or more. False
 * if `s` is anything else, or more than a size can be.
 */
MUST_CHECK bool parse_size(const char *s, size_t *bytes);

/* A size in the largest unit in which it is whole ("64 MiB"), into `out`, which is returned. */
#define SIZE_TEXT 32
const char *size_text(char out[SIZE_TEXT], size_t bytes);

/* Of values that are not negative, which it sorts; -1: there are none. */
int64_t median(int64_t *values, size_t n);

/* The value of a hexadecimal digit; -1: it is none. */
int parse_hex_digit(char c);

struct timeval;
void timeval_from(int64_t us, struct timeval *tv);

void fd_cloexec(int fd);
void fd_nonblock(int fd);

/*
 * The limit on open descriptors is raised to the most that the system allows, once, at the start;
 * limits_restore() is for a child between fork and exec, so that hooks see what pgwait's caller had.
 */
void limits_raise(void);
void limits_restore(void);
/* More than any descriptor that pgwait's caller has left open. */
int limits_descriptors(void);

#endif
