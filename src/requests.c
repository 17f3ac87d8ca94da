#include "config.h"

#include "requests.h"

#include <stdlib.h>

struct request {
	char *sql;
	request_done *done;
	void *arg;
	struct request *next;
};

void
requests_add(struct requests *q, char *sql, request_done *done, void *arg)
{
	struct request *r = xcalloc(1, sizeof *r), **at = &q->first;

	r->sql = sql;
	r->done = done;
	r->arg = arg;
	while (*at)
		at = &(*at)->next;
	*at = r;
}

bool
requests_send(struct requests *q, PGconn *conn)
{
	if (q->sent || !q->first)
		return true;
	if (!PQsendQuery(conn, q->first->sql))
		return false;
	q->sent = true;
	return true;
}

/* libpq yields it again and again, until data is moved. */
static bool
is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

bool
requests_collect(struct requests *q, PGconn *conn)
{
	while (q->sent && !q->answered && !PQisBusy(conn)) {
		PGresult *result = PQgetResult(conn);
		bool copy = is_copy(result);

		if (!result)
			q->answered = true;
		else if (PQresultStatus(result) == PGRES_FATAL_ERROR && !q->error)
			q->error = result;
		else
			PQclear(result);
		if (copy)
			return false;
	}
	return true;
}

void
requests_finish(struct requests *q)
{
	struct request *r = q->first;
	PGresult *error = q->error;

	q->first = r->next;
	q->sent = q->answered = false;
	q->error = NULL;
	r->done(r->arg, error);
	PQclear(error);
	free(r->sql);
	free(r);
}

void
requests_free(struct requests *q)
{
	while (q->first) {
		struct request *r = q->first;

		q->first = r->next;
		free(r->sql);
		free(r);
	}
	PQclear(q->error);
	*q = (struct requests){0};
}
