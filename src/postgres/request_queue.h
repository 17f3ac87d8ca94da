/*
 * The queue of a connection's requests: one on the wire at a time.
 *
 * A request is a simple query, of one or more statements, or one statement with parameters. When its
 * answer comes, the queue only collects it. request_queue_finish() hands it on, once the owner has
 * pulled the notifications that were received before it.
 */
#ifndef PGWAIT_REQUEST_QUEUE_H
#define PGWAIT_REQUEST_QUEUE_H

#include <libpq-fe.h>

#include "base/util.h"

/*
 * `result` is the first error among the results of the request, or the last result; NULL: the
 * connection was lost before the answer came. The queue frees it.
 */
typedef void request_done(void *arg, const PGresult *result);

struct request;

/* Zeroed: empty. */
struct request_queue {
	struct request *first; /* on the wire once `sent` */
	bool sent, answered;
	struct moment sent_at; /* just before the last request was sent */
	/* The same of the last request that the server answered to its end; 0: none yet. */
	struct moment proven;
	PGresult *result;
	bool open;     /* `result` has rows of a statement, and more of its rows may come */
	PGresult *row; /* read, and not handed on; until then nothing behind it is collected */
};

/*
 * Takes over `sql`, from malloc. `done` may be NULL, if nothing depends on the answer. If the server answers a statement
 * with more than one row, that is an error: libpq would keep all rows, however many a faulty server sends.
 */
void request_queue_add(struct request_queue *q, char *sql, request_done *done, void *arg);

/* The same, for statements that return up to `rows` rows. */
void request_queue_add_table(
    struct request_queue *q, char *sql, size_t rows, request_done *done, void *arg);

#define REQUEST_PARAMETERS 2

/* The same for a statement with $1 and so on; `parameters` is copied. */
void request_queue_add_with(struct request_queue *q, char *sql, const char *const parameters[],
    int count, request_done *done, void *arg);

/*
 * Adds one statement; the extended protocol makes sure that it is a single one. request_queue_row() returns its rows one
 * by one, before the answer, which has no rows.
 */
void request_queue_add_rows(struct request_queue *q, char *sql, request_done *done, void *arg);

/* The next row that was read, which the caller frees; NULL: there is none now. */
PGresult *request_queue_row(struct request_queue *q, PGconn *conn);

/* Sends the next request if none is on the wire. False: the connection failed. */
MUST_CHECK bool request_queue_send(struct request_queue *q, PGconn *conn);

/*
 * Collects what libpq has read of the answer, and sets `answered` when the answer is complete. Returns NULL, or why the
 * connection cannot be used any more: the server sends what nobody asked for. (COPY as the answer to a request for rows
 * is handed on as the answer; the connection cannot be used then, either.)
 */
MUST_CHECK const char *request_queue_collect(struct request_queue *q, PGconn *conn);

/* Ends the request that was answered: runs its `done`, which may add requests. */
void request_queue_finish(struct request_queue *q);

/* The connection was lost: ends all requests without an answer. */
void request_queue_abandon(struct request_queue *q);

/* Whether an answer is an error, or NULL. */
MUST_CHECK bool request_failed(const PGresult *result);

/* Whether an answer that failed is the server's ERROR. If not, it also ends the connection (FATAL). */
MUST_CHECK bool request_refused(const PGresult *result);

/*
 * A value of an answer; it is part of the result. "" if the value is NULL, or there is no such row or
 * column, whatever the server sent. Never NULL, which PQgetvalue() can return.
 */
const char *request_value(const PGresult *result, int row, int column);

/* The error message of an answer that failed, as short as possible; it is part of the result. */
const char *request_message(const PGresult *result);

#endif
