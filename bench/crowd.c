/*
 * The floor for many connections: all are made at the same time, and one epoll instance waits for
 * all of them.
 *
 * usage: crowd COUNT CHANNEL CONNINFO...
 *
 * Every connection listens on CHANNEL. Writes a newline to descriptor 9 when all do, and text lines
 * until there were COUNT; with a COUNT of 0 it makes one round trip on each after LISTEN, and ends.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lines.h"

struct member {
	PGconn *conn;
	int fd; /* as it is registered; -1: it is not */
	enum { CONNECTING, STARTING, LISTENING } state;
	bool asked; /* a query is on the wire */
};

static int epoll;
static long count, left;
static size_t members, listening, drained;
static char sql[100], out[1 << 22];

static void
die(PGconn *conn)
{
	fprintf(stderr, "crowd: error: %s", PQerrorMessage(conn));
	exit(1);
}

static void
watch(struct member *m, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = m};

	if (m->fd >= 0)
		epoll_ctl(epoll, EPOLL_CTL_DEL, m->fd, NULL);
	m->fd = PQsocket(m->conn);
	epoll_ctl(epoll, EPOLL_CTL_ADD, m->fd, &e);
}

static void
send_query(struct member *m, const char *query)
{
	if (!PQsendQuery(m->conn, query) || PQflush(m->conn) != 0)
		die(m->conn);
	m->asked = true;
}

static void
go_on_connecting(struct member *m)
{
	switch (PQconnectPoll(m->conn)) {
	case PGRES_POLLING_OK:
		m->state = STARTING;
		send_query(m, sql);
		watch(m, EPOLLIN);
		break;
	case PGRES_POLLING_READING:
		watch(m, EPOLLIN);
		break;
	case PGRES_POLLING_WRITING:
		watch(m, EPOLLOUT);
		break;
	default:
		die(m->conn);
	}
}

/* An answer is complete: that to LISTEN, or the one after it. */
static void
answered(struct member *m)
{
	if (m->state == LISTENING) {
		drained++;
		return;
	}
	m->state = LISTENING;
	if (++listening == members && count && write(9, "\n", 1) != 1)
		exit(1);
	if (!count)
		send_query(m, "");
}

static void
write_lines(struct member *m)
{
	char *p = out;
	PGnotify *n;

	for (; (n = PQnotifies(m->conn)); left--) {
		p = put_line(p, n, LINE_TEXT, NULL, put_plain, put_plain);
		PQfreemem(n);
	}
	if (p > out && write(STDOUT_FILENO, out, (size_t)(p - out)) != p - out)
		exit(1);
}

static void
go_on(struct member *m)
{
	PGresult *result;

	if (m->state == CONNECTING) {
		go_on_connecting(m);
		return;
	}
	if (!PQconsumeInput(m->conn))
		die(m->conn);
	while (m->asked && !PQisBusy(m->conn)) {
		result = PQgetResult(m->conn);
		if (PQresultStatus(result) == PGRES_FATAL_ERROR && result)
			die(m->conn);
		m->asked = result != NULL;
		if (!result)
			answered(m);
		PQclear(result);
	}
	write_lines(m);
}

static void
start(struct member *m, const char *conninfo)
{
	char text[300];

	snprintf(text, sizeof text, "client_encoding=SQL_ASCII %s", conninfo);
	m->conn = PQconnectStart(text);
	if (PQstatus(m->conn) == CONNECTION_BAD)
		die(m->conn);
	m->fd = -1;
	watch(m, EPOLLOUT);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64];
	struct rlimit limit;
	struct member *list;

	if (argc < 4)
		return 1;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	count = left = atol(argv[1]);
	snprintf(sql, sizeof sql, "LISTEN %s", argv[2]);
	members = (size_t)argc - 3;
	list = calloc(members, sizeof *list);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < members; i++)
		start(&list[i], argv[i + 3]);
	while (count ? left > 0 : drained < members) {
		int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++)
			go_on(events[i].data.ptr);
	}
	for (size_t i = 0; i < members; i++)
		PQfinish(list[i].conn);
	return 0;
}
