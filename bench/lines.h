/*
 * The least that writing a notification takes: the fields that pgwait writes, but nothing is converted or checked, and
 * channel and payload are copied, or escaped, as who calls it says.
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

/* Writes `n` bytes, and returns where they end; as in base/escape.h. */
typedef char *put_function(char *p, const char *s, size_t n);

static inline char *
put_plain(char *p, const char *s, size_t n)
{
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
put_fields(char *p, const PGnotify *n, put_function *field, char between, char last)
{
	p = field(p, n->relname, strlen(n->relname));
	*p++ = between;
	p = field(p, n->extra, strlen(n->extra));
	*p++ = between;
	p = put_number(p, n->be_pid);
	*p++ = last;
	return p;
}

static inline char *
put_json(char *p, const PGnotify *n, put_function *field, const char *tail)
{
	p = put(p, "{\"channel\":\"");
	p = field(p, n->relname, strlen(n->relname));
	p = put(p, "\",\"payload\":\"");
	p = field(p, n->extra, strlen(n->extra));
	p = put(p, "\",\"pid\":");
	p = put_number(p, n->be_pid);
	return put(p, tail);
}

/* As `pgwait -f '%c %i %e'`. */
static inline char *
put_format(char *p, const PGnotify *n, put_function *field)
{
	p = field(p, n->relname, strlen(n->relname));
	*p++ = ' ';
	p = put_number(p, n->be_pid);
	*p++ = ' ';
	p = field(p, n->extra, strlen(n->extra));
	*p++ = '\n';
	return p;
}

/* The functions for what is text, and for JSON, are known where this is compiled. */
static inline __attribute__((always_inline)) char *
put_line(char *p, const PGnotify *n, enum line_kind kind, const char *tail, put_function *text,
    put_function *json)
{
	switch (kind) {
	case LINE_NUL:
		return put_fields(p, n, put_plain, '\0', '\0');
	case LINE_FORMAT:
		return put_format(p, n, text);
	case LINE_JSON:
		return put_json(p, n, json, tail);
	default:
		return put_fields(p, n, text, '\t', '\n');
	}
}

#endif
