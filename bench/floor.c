/*
 * The floor: the least that a libpq program can do to write notifications as lines.
 *
 * usage: floor [-e] text|nul|format|json CHANNEL COUNT
 *
 * -e: escapes as pgwait does, so that what it writes is the same for any payload.
 *
 * Reads, and writes what one read brought with one write; knows no signal, timer or second connection.
 * Writes a newline to descriptor 9 when it listens. With a COUNT of 0 it makes one round trip after
 * LISTEN, writes what is there by then, and ends.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/escape.h"
#include "lines.h"

static char out[1 << 22];
static bool escapes;

static long
write_batch(PGconn *conn, enum line_kind kind)
{
	char tail[100] = "", *p = out;
	PGnotify *n;
	long count = 0;

	if (kind == LINE_JSON)
		make_tail(tail, sizeof tail);
	for (; (n = PQnotifies(conn)); count++) {
		p = escapes ? put_line(p, n, kind, tail, escape_text, escape_json)
			    : put_line(p, n, kind, tail, put_plain, put_plain);
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

static enum line_kind
kind_of(const char *name)
{
	static const char letters[] = {
	    [LINE_TEXT] = 't', [LINE_NUL] = 'n', [LINE_FORMAT] = 'f', [LINE_JSON] = 'j'};
	int kind = LINE_JSON;

	while (kind > LINE_TEXT && letters[kind] != name[0])
		kind--;
	return (enum line_kind)kind;
}

int
main(int argc, char **argv)
{
	enum line_kind kind;
	PGconn *conn;
	char sql[100];
	long left;

	if (argc > 1 && strcmp(argv[1], "-e") == 0) {
		escapes = true;
		argv++, argc--;
	}
	if (argc != 4)
		return 1;
	kind = kind_of(argv[1]);
	left = atol(argv[3]);
	conn = PQconnectdb("client_encoding=SQL_ASCII");
	snprintf(sql, sizeof sql, "LISTEN %s", argv[2]);
	PQclear(PQexec(conn, sql));
	if (PQstatus(conn) != CONNECTION_OK) {
		fputs(PQerrorMessage(conn), stderr);
		return 1;
	}
	if (left == 0) {
		PQclear(PQexec(conn, ""));
		write_batch(conn, kind);
	} else if (write(9, "\n", 1) != 1) {
		return 1;
	}
	while (left > 0) {
		struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};

		poll(&p, 1, -1);
		if (!PQconsumeInput(conn))
			return 1;
		left -= write_batch(conn, kind);
	}
	PQfinish(conn);
	return 0;
}
