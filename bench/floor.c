/*
 * The floor: the least that a libpq program can do to write notifications as lines.
 *
 * usage: floor text|json CHANNEL COUNT
 *
 * Reads, and writes what one read brought with one write, with the fields that pgwait writes, but
 * escapes nothing, looks for no encoding, and knows no signal, timer or second connection. Writes a
 * newline to descriptor 9 when it listens.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char out[1 << 22];

static char *
put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

static char *
put_number(char *p, int n)
{
	char digits[12], *d = digits + sizeof digits;

	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10));
	memcpy(p, d, (size_t)(digits + sizeof digits - d));
	return p + (digits + sizeof digits - d);
}

static char *
put_line(char *p, const PGnotify *n, const char *tail)
{
	if (!tail) {
		p = put(p, n->relname);
		*p++ = '\t';
		p = put(p, n->extra);
		*p++ = '\t';
		p = put_number(p, n->be_pid);
	} else {
		p = put(p, "{\"channel\":\"");
		p = put(p, n->relname);
		p = put(p, "\",\"payload\":\"");
		p = put(p, n->extra);
		p = put(p, "\",\"pid\":");
		p = put_number(p, n->be_pid);
		p = put(p, tail);
	}
	*p++ = '\n';
	return p;
}

static long
write_batch(PGconn *conn, int json)
{
	char tail[100], *p = out;
	struct timespec now;
	struct tm tm;
	PGnotify *n;
	long count = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	if (json) {
		size_t at = strftime(tail, sizeof tail,
		    ",\"connection\":\"postgres@server\",\"time\":\"%Y-%m-%dT%H:%M:%S", &tm);

		snprintf(tail + at, sizeof tail - at, ".%06ldZ\"}", now.tv_nsec / 1000);
	}
	for (; (n = PQnotifies(conn)); count++) {
		p = put_line(p, n, json ? tail : NULL);
		PQfreemem(n);
	}
	for (char *q = out; q < p;) {
		ssize_t w = write(STDOUT_FILENO, q, (size_t)(p - q));

		if (w < 0)
			exit(1);
		q += w;
	}
	return count;
}

int
main(int argc, char **argv)
{
	PGconn *conn;
	char sql[100];
	long left;

	if (argc != 4)
		return 1;
	left = atol(argv[3]);
	conn = PQconnectdb("client_encoding=SQL_ASCII");
	snprintf(sql, sizeof sql, "LISTEN %s", argv[2]);
	PQclear(PQexec(conn, sql));
	if (PQstatus(conn) != CONNECTION_OK) {
		fputs(PQerrorMessage(conn), stderr);
		return 1;
	}
	if (write(9, "\n", 1) < 0)
		left += 0;
	while (left > 0) {
		struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};

		poll(&p, 1, -1);
		if (!PQconsumeInput(conn))
			return 1;
		left -= write_batch(conn, argv[1][0] == 'j');
	}
	PQfinish(conn);
	return 0;
}
