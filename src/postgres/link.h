/*
 * ONE open connection: its socket, what is read from it, and its queue of requests.
 *
 * Its callbacks only read, note the time, and wake the owner, who pulls: link_notify() until there
 * is nothing, then link_finish() for an answer. So an answer comes after all that was received
 * before it. Once it has failed, what libpq had already read can still be pulled (fact F3).
 */
#ifndef PGWAIT_LINK_H
#define PGWAIT_LINK_H

#include <libpq-fe.h>

#include "postgres/requests.h"

struct event_base;
struct link;
struct target;

/* The usual patience with an unanswered request; microseconds. */
#define LINK_TIMEOUT (5 * SECOND)

/* There may be something to pull, or the link failed. Called from callbacks and from requests. */
typedef void link_wake(void *arg);

/*
 * Takes `conn`, in non-blocking mode. `target` outlives it; its label, which can change, is for
 * messages. Does not read yet.
 */
struct link *link_open(
    struct event_base *base, PGconn *conn, const struct target *target, link_wake *wake, void *arg);
/* Requests that are not answered end with NULL. */
void link_close(struct link *l);

/* Whether the socket is read. What was read can be pulled all the same. */
void link_read(struct link *l, bool on);

/* The next notification, freed with PQfreemem(); reads once more where the library may hold data. */
PGnotify *link_notify(struct link *l);

/* As requests_add_rows(), and the next row: the caller's; NULL: nothing now. */
void link_request_rows(struct link *l, char *sql, request_done *done, void *arg);
PGresult *link_row(struct link *l);

/* Ends the request whose answer is whole. False if there is none. */
bool link_finish(struct link *l);

/* When the last read was: Unix time, microseconds. */
int64_t link_read_time(const struct link *l);
/* When the last request was sent. */
struct moment link_sent_at(const struct link *l);
/*
 * When the last request was sent that the server answered to its end: what others had sent by then has come. `at` stays
 * as it is if there was none. A request ends without such an answer where the connection went.
 */
void link_proven(const struct link *l, struct moment *at);

/* As requests_add(), requests_add_table() and requests_add_with(). */
void link_request(struct link *l, char *sql, request_done *done, void *arg);
void link_request_table(struct link *l, char *sql, size_t rows, request_done *done, void *arg);
void link_request_with(struct link *l, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg);

/* Ends reading and writing for this reason, unless it has failed already. */
void link_fail(struct link *l, const char *reason, const char *sqlstate);

/*
 * Why it failed, in one line; NULL: it has not. Where the server gave a reason (fact F8), which may
 * come to light only while the rest is pulled, it is that. `sqlstate` is set to NULL if there is none.
 */
const char *link_failure(const struct link *l, const char **sqlstate);

/*
 * Sends an empty query if none was sent for `heartbeat` microseconds (0: never), or will not have
 * been in `slack` more; and fails if a request is left unanswered, with nothing else read either, for
 * `patience` (facts F6, F16). `now` is of the
 * monotonic clock, and so is what it returns: when to call again; INT64_MAX: no need.
 */
int64_t link_beat(struct link *l, int64_t now, int64_t heartbeat, int64_t slack, int64_t patience);

PGconn *link_conn(const struct link *l);

#endif
