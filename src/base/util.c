#include "config.h"

#include "base/util.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct rlimit nofile_before;

void
out_of_memory(void)
{
	static const char message[] = "pgwait: error: out of memory\n";
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	/* Nobody waits long for a reader that does not read. */
	if (poll(&p, 1, 1000) > 0 && write(STDERR_FILENO, message, sizeof message - 1) < 0)
		_exit(STATUS_ERROR);
	_exit(STATUS_ERROR);
}

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

char *
xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);

	if (n) /* an empty buffer has no bytes to point to */
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

size_t
xvasprintf(char **out, const char *fmt, va_list ap)
{
	int n = vasprintf(out, fmt, ap);

	if (n < 0)
		out_of_memory();
	return (size_t)n;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	xvasprintf(&s, fmt, ap);
	va_end(ap);
	return s;
}

static int64_t
clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t
clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_boottime(void)
{
#if defined CLOCK_BOOTTIME && !defined PORTABLE
	return clock_read(CLOCK_BOOTTIME);
#else
	return clock_read(CLOCK_MONOTONIC);
#endif
}

int64_t
clock_realtime(void)
{
	return clock_read(CLOCK_REALTIME);
}

struct moment
moment_now(void)
{
	return (struct moment){clock_monotonic(), clock_boottime(), clock_realtime()};
}

bool
parse_seconds(const char *s, bool zero, int64_t *us)
{
	int64_t whole = 0, fraction = 0, unit = SECOND;
	bool digits = false, more = false;

	for (; *s >= '0' && *s <= '9'; s++, digits = true) {
		whole = whole * 10 + (*s - '0');
		if (whole > 1000000000)
			return false;
	}
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++, digits = true) {
			unit /= 10;
			fraction += (*s - '0') * unit;
			more |= *s != '0';
		}
	}
	if (*s != '\0' || !digits)
		return false;
	*us = whole * SECOND + fraction;
	return *us >= SECOND / 100 || (zero && *us == 0 && !more);
}

bool
parse_integer(const char *s, int64_t min, int64_t max, int64_t *value)
{
	bool negative = min < 0 && *s == '-';
	int64_t n = 0; /* below 0, where there is one number more */

	s += negative;
	if (*s == '\0')
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (n < (INT64_MIN + (*s - '0')) / 10)
			return false;
		n = n * 10 - (*s - '0');
	}
	if (!negative && n == INT64_MIN)
		return false;
	*value = negative ? n : -n;
	return *value >= min && *value <= max;
}

static const struct {
	const char *name;
	unsigned shift;
} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

bool
parse_size(const char *s, size_t *bytes)
{
	size_t digits = strspn(s, "0123456789");
	char *number = xstrndup(s, digits);
	unsigned shift = 0;
	int64_t n;
	bool ok;

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(s + digits, units[i].name) == 0)
			shift = units[i].shift;
	ok = (shift || !s[digits]) &&
	     parse_integer(number, 1, (int64_t)(SIZE_MAX >> 1 >> shift), &n);
	free(number);
	if (ok)
		*bytes = (size_t)n << shift;
	return ok;
}

const char *
size_text(char out[SIZE_TEXT], size_t bytes)
{
	const char *unit = bytes == 1 ? "byte" : "bytes";

	for (size_t i = 0; i < sizeof units / sizeof units[0] && bytes % 1024 == 0; i++) {
		bytes /= 1024;
		unit = units[i].name;
	}
	snprintf(out, SIZE_TEXT, "%zu %s", bytes, unit);
	return out;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t
median(int64_t *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return n ? (values[(n - 1) / 2] + values[n / 2]) / 2 : -1;
}

int
parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

void
timeval_from(int64_t us, struct timeval *tv)
{
	if (us < 0)
		us = 0;
	tv->tv_sec = us / SECOND;
	tv->tv_usec = us % SECOND;
}

void
fd_cloexec(int fd)
{
	fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
}

void
fd_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void
limits_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	nofile_before = limit;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int
limits_descriptors(void)
{
	const rlim_t most = 65536; /* and not for ever, where there is no limit */

	return (int)(nofile_before.rlim_cur && nofile_before.rlim_cur < most
			 ? nofile_before.rlim_cur
			 : most);
}

void
limits_restore(void)
{
	if (nofile_before.rlim_max)
		setrlimit(RLIMIT_NOFILE, &nofile_before);
}
