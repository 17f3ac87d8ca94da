/*
 * The least that writing a notification takes: the fields that pgwait writes, but nothing is escaped,
 * converted or checked.
 */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum line_kind { LINE_TEXT, LINE_NUL, LINE_FORMAT, LINE_JSON };

static inline char *
put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

static inline char *
put_number(char *p, int n)
{
	char digits[12], *d = digits + sizeof digits;

	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10));
	memcpy(p, d, (size_t)(digits + sizeof digits - d));
	return p + (digits + sizeof digits - d);
}

/* What follows the pid in JSON: the same for all that one read brought. */
static inline void
make_tail(char *tail, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t at;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	at = strftime(
	    tail, size, ",\"connection\":\"postgres@server\",\"time\":\"%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(tail + at, size - at, ".%06ldZ\"}\n", now.tv_nsec / 1000);
}

/* channel, payload, pid; with an end after each of the first two, and one after the last. */
static inline char *
put_fields(char *p, const PGnotify *n, char between, char last)
{
	p = put(p, n->relname);
	*p++ = between;
	p = put(p, n->extra);
	*p++ = between;
	p = put_number(p, n->be_pid);
	*p++ = last;
	return p;
}

static inline char *
put_json(char *p, const PGnotify *n, const char *tail)
{
	p = put(p, "{\"channel\":\"");
	p = put(p, n->relname);
	p = put(p, "\",\"payload\":\"");
	p = put(p, n->extra);
	p = put(p, "\",\"pid\":");
	p = put_number(p, n->be_pid);
	return put(p, tail);
}

/* As `pgwait -f '%c %i %e'`. */
static inline char *
put_format(char *p, const PGnotify *n)
{
	p = put(p, n->relname);
	*p++ = ' ';
	p = put_number(p, n->be_pid);
	*p++ = ' ';
	p = put(p, n->extra);
	*p++ = '\n';
	return p;
}

static inline char *
put_line(char *p, const PGnotify *n, enum line_kind kind, const char *tail)
{
	switch (kind) {
	case LINE_NUL:
		return put_fields(p, n, '\0', '\0');
	case LINE_FORMAT:
		return put_format(p, n);
	case LINE_JSON:
		return put_json(p, n, tail);
	default:
		return put_fields(p, n, '\t', '\n');
	}
}

#endif
