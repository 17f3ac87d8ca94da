/*
 * A table as a work queue: the least that a libpq program can do, and what measures how soon a command starts.
 *
 * usage: queue drain LIMIT    takes the rows of bench_jobs, LIMIT in a transaction, and writes their payloads, until
 *                             there are none
 *        queue rows SQL       writes the rows of SQL, with channel and payload escaped as pgwait escapes them, in one
 *                             transaction
 *        queue send COUNT     adds COUNT rows, one at a time, each with the time right before it was sent as its payload
 *                             (bench/stamp.c is the command for them)
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "listener.h"

/* As many rows are written at once as one read brings at most, nearly. */
#define BATCH 16384

/* Between two rows that are sent: the command for the first one has ended. */
#define PAUSE ((struct timespec){.tv_nsec = 20000000})

static PGresult *
run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return result;
	fprintf(stderr, "bench: error: %s", PQerrorMessage(conn));
	exit(1);
}

static void
drain(PGconn *conn, const char *limit)
{
	char sql[300];
	int rows;

	snprintf(sql, sizeof sql,
	    "DELETE FROM bench_jobs WHERE id IN (SELECT id FROM bench_jobs ORDER BY id "
	    "FOR UPDATE SKIP LOCKED LIMIT %s) RETURNING payload",
	    limit);
	do {
		PGresult *result;

		PQclear(run(conn, "BEGIN"));
		result = run(conn, sql);
		rows = PQntuples(result);
		for (int i = 0; i < rows; i++)
			printf("bench\t%s\t0\n", PQgetvalue(result, i, 0));
		fflush(stdout);
		PQclear(result);
		PQclear(run(conn, "COMMIT"));
	} while (rows);
}

static void
write_out(const char *out, size_t n)
{
	if (fwrite(out, 1, n, stdout) != n || fflush(stdout) != 0)
		exit(1);
}

static void
write_rows(PGconn *conn, const char *sql)
{
	static const char channel[] = "bench";
	static char out[1 << 20];
	char *p = out;
	PGresult *result;

	PQclear(run(conn, "BEGIN"));
	if (!PQsendQuery(conn, sql) || !PQsetSingleRowMode(conn))
		exit(1);
	while ((result = PQgetResult(conn))) {
		if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			p = escape_text(p, channel, sizeof channel - 1);
			*p++ = '\t';
			p = escape_text(
			    p, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
			memcpy(p, "\t0\n", 3);
			p += 3;
		}
		PQclear(result);
		if (p - out > BATCH) {
			write_out(out, (size_t)(p - out));
			p = out;
		}
	}
	write_out(out, (size_t)(p - out));
	PQclear(run(conn, "COMMIT"));
}

static void
send_rows(PGconn *conn, long count)
{
	char sql[200];

	while (count--) {
		snprintf(sql, sizeof sql,
		    "BEGIN; INSERT INTO bench_jobs (payload) VALUES ('%lld'); NOTIFY bench; COMMIT",
		    (long long)clock_us(CLOCK_MONOTONIC));
		PQclear(run(conn, sql));
		nanosleep(&PAUSE, NULL);
	}
}

int
main(int argc, char **argv)
{
	PGconn *conn;

	if (argc != 3)
		return 1;
	conn = PQconnectdb("");
	if (strcmp(argv[1], "drain") == 0)
		drain(conn, argv[2]);
	else if (strcmp(argv[1], "rows") == 0)
		write_rows(conn, argv[2]);
	else
		send_rows(conn, atol(argv[2]));
	PQfinish(conn);
	return 0;
}
