#include "config.h"

#include "postgres/request_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct request {
	char *sql;
	char *parameters[REQUEST_PARAMETERS];
	int parameter_count; /* 0: a simple query, unless `rows` */
	bool rows;           /* request_queue_row() hands on its rows one by one */
	size_t rows_most;    /* unless `rows`: how many rows each statement may return */
	request_done *done;
	void *arg;
	struct request *next;
};

static struct request *
add(struct request_queue *q, char *sql, request_done *done, void *arg)
{
	struct request *r = xcalloc(1, sizeof *r), **at = &q->first;

	r->sql = sql;
	r->rows_most = 1;
	r->done = done;
	r->arg = arg;
	while (*at)
		at = &(*at)->next;
	*at = r;
	return r;
}

void
request_queue_add_with(struct request_queue *q, char *sql, const char *const parameters[],
    int count, request_done *done, void *arg)
{
	struct request *r = add(q, sql, done, arg);

	assert(count <= REQUEST_PARAMETERS);
	for (int i = 0; i < count; i++)
		r->parameters[i] = xstrdup(parameters[i]);
	r->parameter_count = count;
}

void
request_queue_add_rows(struct request_queue *q, char *sql, request_done *done, void *arg)
{
	add(q, sql, done, arg)->rows = true;
}

void
request_queue_add_table(
    struct request_queue *q, char *sql, size_t rows, request_done *done, void *arg)
{
	add(q, sql, done, arg)->rows_most = rows;
}

void
request_queue_add(struct request_queue *q, char *sql, request_done *done, void *arg)
{
	request_queue_add_with(q, sql, NULL, 0, done, arg);
}

bool
request_queue_send(struct request_queue *q, PGconn *conn)
{
	const struct request *r = q->first;
	int ok;

	if (q->sent || !r)
		return true;
	q->sent_at = moment_now(); /* before sending: this process may be stopped after it */
	if (r->rows || r->parameter_count)
		ok = PQsendQueryParams(conn, r->sql, r->parameter_count, NULL,
		    (const char *const *)r->parameters, NULL, NULL, 0);
	else
		ok = PQsendQuery(conn, r->sql);
	q->sent = ok && PQsetSingleRowMode(conn);
	return q->sent;
}

/* PQgetResult() would return it again and again, until somebody copies the data. */
static bool
is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* Keeps the first error, or else the last result. */
static void
keep(struct request_queue *q, PGresult *result)
{
	if (q->result && request_failed(q->result)) {
		PQclear(result);
		return;
	}
	PQclear(q->result);
	q->result = result;
}

/* Appends a row to the rows of the same statement. False: libpq has no memory for it. */
static bool
append(PGresult *to, const PGresult *row)
{
	int n = PQntuples(to);

	for (int i = 0; i < PQnfields(row) && i < PQnfields(to); i++) {
		bool null = PQgetisnull(row, 0, i);

		if (!PQsetvalue(to, n, i, null ? NULL : PQgetvalue(row, 0, i),
			null ? -1 : PQgetlength(row, 0, i)))
			return false;
	}
	return true;
}

static const char *
keep_row(struct request_queue *q, PGresult *row)
{
	const char *trouble = NULL;

	if (q->first->rows) {
		q->row = row;
		return NULL;
	}
	if (!q->open) {
		q->open = true;
		keep(q, row);
		return NULL;
	}
	if ((size_t)PQntuples(q->result) >= q->first->rows_most)
		trouble = "the server answered with more rows than it was asked for";
	else if (!append(q->result, row))
		trouble = "no memory is left for the server's answer";
	PQclear(row);
	return trouble;
}

const char *
request_queue_collect(struct request_queue *q, PGconn *conn)
{
	const char *trouble = NULL;

	while (!trouble && q->sent && !q->answered && !q->row && !PQisBusy(conn)) {
		PGresult *result = PQgetResult(conn);
		bool copy = is_copy(result);

		if (!result) {
			q->answered = true;
			/* Otherwise libpq has ended the request, since the session has ended (fact F25). */
			if (PQstatus(conn) == CONNECTION_OK)
				q->proven = q->sent_at;
		} else if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			trouble = keep_row(q, result);
		} else if (PQresultStatus(result) == PGRES_TUPLES_OK && q->open) {
			q->open = false; /* its rows came before it */
			PQclear(result);
		} else {
			q->open = false;
			keep(q, result);
		}
		if (copy && !q->first->rows)
			trouble = "the server answered with COPY";
		q->answered |= copy;
	}
	return trouble;
}

PGresult *
request_queue_row(struct request_queue *q, PGconn *conn)
{
	PGresult *row = q->row;

	q->row = NULL;
	return row && !request_queue_collect(q, conn) ? row : NULL;
}

static void
finish(struct request_queue *q, PGresult *result)
{
	struct request *r = q->first;

	q->first = r->next;
	q->sent = q->answered = q->open = false;
	q->result = NULL;
	if (r->done)
		r->done(r->arg, result);
	PQclear(result);
	free(r->sql);
	for (int i = 0; i < r->parameter_count; i++)
		free(r->parameters[i]);
	free(r);
}

void
request_queue_finish(struct request_queue *q)
{
	finish(q, q->result);
}

void
request_queue_abandon(struct request_queue *q)
{
	PQclear(q->row);
	PQclear(q->result);
	q->row = NULL;
	while (q->first)
		finish(q, NULL);
}

bool
request_failed(const PGresult *result)
{
	return !result || PQresultStatus(result) == PGRES_FATAL_ERROR;
}

bool
request_refused(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (!severity) /* servers before 9.6, and poolers */
		severity = PQresultErrorField(result, PG_DIAG_SEVERITY);
	return severity && strcmp(severity, "ERROR") == 0;
}

const char *
request_value(const PGresult *result, int row, int column)
{
	if (row >= PQntuples(result) || column >= PQnfields(result))
		return "";
	return PQgetvalue(result, row, column);
}

const char *
request_message(const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	return primary ? primary : PQresultErrorMessage(result);
}
