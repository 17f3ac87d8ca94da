/*
 * From sending NOTIFY to the line on a pipe, one at a time.
 *
 * usage: latency CHANNEL COUNT COMMAND [ARG]...
 *
 * COMMAND writes a newline to descriptor 9 when it listens on CHANNEL, and ends after COUNT + 100
 * lines, of which the first 100 do not count. Writes microseconds: the median, the 99th percentile, and
 * the processor time of COMMAND for each, which wakes up for every single one here.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listener.h"

#define WARM_UP 100

static void
require(bool ok, PGconn *conn)
{
	if (ok)
		return;
	fprintf(stderr, "bench: error: %s", PQerrorMessage(conn));
	exit(1);
}

static void
read_line(int in)
{
	char bytes[4096];
	ssize_t n;

	do
		n = read(in, bytes, sizeof bytes);
	while (n > 0 && bytes[n - 1] != '\n');
	if (n <= 0)
		die("the listener ended");
}

static int64_t
once(PGconn *conn, const char *sql, int in)
{
	int64_t sent = clock_us(CLOCK_MONOTONIC), took;

	require(PQsendQuery(conn, sql) && PQflush(conn) == 0, conn);
	read_line(in);
	took = clock_us(CLOCK_MONOTONIC) - sent;
	for (PGresult *result; (result = PQgetResult(conn)); PQclear(result))
		require(PQresultStatus(result) == PGRES_COMMAND_OK, conn);
	return took;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	PGconn *conn = PQconnectdb("");
	char sql[200];
	struct listener l;
	int64_t *times, used;
	size_t count;
	int out[2];

	if (argc < 4) {
		fprintf(stderr, "usage: latency CHANNEL COUNT COMMAND [ARG]...\n");
		return 1;
	}
	require(PQstatus(conn) == CONNECTION_OK, conn);
	snprintf(sql, sizeof sql, "NOTIFY %s, '%060d'", argv[1], 1);
	count = (size_t)atol(argv[2]);
	times = calloc(count, sizeof *times);
	make_pipe(out);
	l = listener_start(argv + 3, out[1]);
	if (l.ready < 0)
		die("it does not listen");
	for (size_t i = 0; i < WARM_UP; i++)
		once(conn, sql, out[0]);
	used = processor_time(l.pid);
	/* The last one is left out of the processor time: the command ends after it. */
	for (size_t i = 0; i < count; i++) {
		if (i == count - 1)
			used = processor_time(l.pid) - used;
		times[i] = once(conn, sql, out[0]);
	}
	qsort(times, count, sizeof *times, compare);
	printf("%lld %lld %.3f\n", (long long)times[count / 2], (long long)times[count * 99 / 100],
	    (double)used / (double)(count - 1));
	wait(NULL);
	return 0;
}
