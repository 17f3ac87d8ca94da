/*
 * The queue of a connection's requests: one on the wire at a time.
 *
 * A request is a simple query, of one or more statements. Its answer is only collected when it
 * comes; requests_finish() hands it on when the owner has pulled what was received before it.
 */
#ifndef PGWAIT_REQUESTS_H
#define PGWAIT_REQUESTS_H

#include <libpq-fe.h>

#include "util.h"

/* `error` is the first error among the results, NULL if there was none; it is the queue's. */
typedef void request_done(void *arg, const PGresult *error);

struct request;

/* Zeroed: empty. */
struct requests {
	struct request *first; /* on the wire once `sent` */
	bool sent, answered;
	PGresult *error;
};

/* Takes `sql`, from malloc. */
void requests_add(struct requests *q, char *sql, request_done *done, void *arg);

/* Sends the next, where nothing is on the wire. False if the connection failed. */
MUST_CHECK bool requests_send(struct requests *q, PGconn *conn);

/*
 * Takes what was read of the answer; `answered` is set when it is whole. False if the server started
 * a COPY, which no request asks for: the connection is of no use then.
 */
MUST_CHECK bool requests_collect(struct requests *q, PGconn *conn);

/* Ends the answered request: runs its `done`, which may add others. */
void requests_finish(struct requests *q);
void requests_free(struct requests *q);

#endif
