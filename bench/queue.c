/*
 * A table as a work queue: the least that a libpq program can do, and what measures how soon a command starts.
 *
 * usage: queue drain LIMIT    takes the rows of bench_jobs, LIMIT in a transaction, and writes their payloads, until
 *                             there are none
 *        queue send COUNT     adds COUNT rows, one at a time, each with the time right before it was sent as its payload
 *                             (bench/stamp.c is the command for them)
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "listener.h"

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
	else
		send_rows(conn, atol(argv[2]));
	PQfinish(conn);
	return 0;
}
