/*
 * The queue of a connection's requests: one on the wire at a time.
 *
 * A request is a simple query, of one or more statements, or one statement with parameters. Its
 * answer is only collected when it comes; request_queue_finish() hands it on when the owner has pulled
 * what was received before it.
 */
#ifndef PGWAIT_REQUEST_QUEUE_H
#define PGWAIT_REQUEST_QUEUE_H

#include <libpq-fe.h>

#include "base/util.h"

/*
 * `result` is the first error among the results, or the last one; NULL where the connection went
 * before the answer came. It is the queue's.
 */
typedef void request_done(void *arg, const PGresult *result);

struct request;

/* Zeroed: empty. */
struct request_queue {
	struct request *first; /* on the wire once `sent` */
	bool sent, answered;
	struct moment sent_at; /* just before the first was sent */
	struct moment
	    proven; /* the same of the last that the server answered to its end; 0: none yet */
	PGresult *result;
	bool open;     /* `result` has rows of a statement that is not answered to its end yet */
	PGresult *row; /* read, and not handed on; nothing behind it is collected */
};

/*
 * Takes `sql`, from malloc. `done` may be NULL, where nothing depends on the answer. No statement may be
 * answered with more than one row: libpq collects what comes, whoever sends it, and however much it is.
 */
void request_queue_add(struct request_queue *q, char *sql, request_done *done, void *arg);

/* The same where as many as `rows` may come. */
void request_queue_add_table(
    struct request_queue *q, char *sql, size_t rows, request_done *done, void *arg);

#define REQUEST_PARAMETERS 2

/* The same for a statement with $1 and so on; `parameters` is copied. */
void request_queue_add_with(struct request_queue *q, char *sql, const char *const parameters[],
    int count, request_done *done, void *arg);

/*
 * One statement by the extended protocol, so it is one. Its rows come singly, from request_queue_row(), before
 * its answer, which has none of them.
 */
void request_queue_add_rows(struct request_queue *q, char *sql, request_done *done, void *arg);

/* The next row that was read, the caller's; NULL: there is none now. */
PGresult *request_queue_row(struct request_queue *q, PGconn *conn);

/* Sends the next, where nothing is on the wire. False if the connection failed. */
MUST_CHECK bool request_queue_send(struct request_queue *q, PGconn *conn);

/*
 * Takes what was read of the answer; `answered` is set when it is whole. Otherwise NULL, or why the
 * connection is of no use any more: the server sends what was not asked for. (To a request for rows COPY
 * is an answer, and of no use either.)
 */
MUST_CHECK const char *request_queue_collect(struct request_queue *q, PGconn *conn);

/* Ends the answered request: runs its `done`, which may add others. */
void request_queue_finish(struct request_queue *q);

/* The connection went: ends all of them without an answer. */
void request_queue_abandon(struct request_queue *q);

/* Whether an answer is an error, or there is none. */
MUST_CHECK bool request_failed(const PGresult *result);

/* Whether a failed one is the server's ERROR; what is fatal ends the connection, too. */
MUST_CHECK bool request_refused(const PGresult *result);

/*
 * A value of an answer, which is the result's; "" where it is NULL, or where there is no such row or
 * column, whatever the server sent. Never NULL, as PQgetvalue() can be.
 */
const char *request_value(const PGresult *result, int row, int column);

/* The error of a failed one, as short as can be; it is the result's. */
const char *request_message(const PGresult *result);

#endif
