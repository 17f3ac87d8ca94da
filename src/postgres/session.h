/*
 * An open connection to a server: its socket, what was read from it, and its queue of requests.
 *
 * Its callbacks only read, note the time, and wake the owner. The owner then calls session_notify()
 * until it returns NULL, and session_finish() for an answer. So it sees an answer after all that
 * was received before. After a failure the owner can still pull what libpq had read (fact F3).
 */
#ifndef PGWAIT_SESSION_H
#define PGWAIT_SESSION_H

#include <libpq-fe.h>

#include "postgres/request_queue.h"

struct event_base;
struct session;
struct target;

/* How long to wait for the answer to a request, usually; microseconds. */
#define SESSION_TIMEOUT (5 * SECOND)

/* There may be something to pull, or the session failed. Called from callbacks and from requests. */
typedef void session_wake(void *arg);

/*
 * Takes `conn`, in non-blocking mode. `target` outlives it; its label, which can change, is for
 * messages. Does not read yet.
 */
struct session *session_open(struct event_base *base, PGconn *conn, const struct target *target,
    session_wake *wake, void *arg);
/*
 * Nothing is read or woken any more, and requests that are not answered end with NULL. The work queue closes the socket:
 * to end TLS takes its time.
 */
void session_close(struct session *s);

/* Whether the socket is read. What was read can be pulled all the same. */
void session_read(struct session *s, bool on);

/*
 * The next notification, which the caller frees with PQfreemem(). Reads once more if libpq may hold
 * data that the socket does not show.
 */
PGnotify *session_notify(struct session *s);

/* As request_queue_add_rows(), and the next row: the caller's; NULL: nothing now. */
void session_request_rows(struct session *s, char *sql, request_done *done, void *arg);
PGresult *session_row(struct session *s);

/* Whether there is an answer to finish, or a failure. */
bool session_has_news(const struct session *s);

/* Ends the request whose answer is whole. False if there is none. */
bool session_finish(struct session *s);

/* When the last read was: Unix time, microseconds. */
int64_t session_read_time(const struct session *s);
/* When the last request was sent. */
struct moment session_sent_at(const struct session *s);
/*
 * When the last request was sent that the server answered to its end: what others had sent by then has come. `at` stays
 * as it is if there was none. A request ends without such an answer where the connection went.
 */
void session_proven(const struct session *s, struct moment *at);

/* As request_queue_add(), request_queue_add_table() and request_queue_add_with(). */
void session_request(struct session *s, char *sql, request_done *done, void *arg);
void session_request_table(
    struct session *s, char *sql, size_t rows, request_done *done, void *arg);
void session_request_with(struct session *s, char *sql, const char *const parameters[], int count,
    request_done *done, void *arg);

/* Ends reading and writing for this reason, unless it has failed already. */
void session_fail(struct session *s, const char *reason, const char *sqlstate);

/*
 * Why it failed, in one line; NULL: it has not. Where the server gave a reason (fact F8), which may
 * come to light only while the rest is pulled, it is that. `sqlstate` is set to NULL if there is none.
 */
const char *session_failure(const struct session *s, const char **sqlstate);

/*
 * Sends an empty query if none was sent for `heartbeat` microseconds (0: never), or will not have
 * been in `slack` more; and fails if a request is left unanswered, with nothing else read either, for
 * `patience` (facts F6, F16). `now` is of the
 * monotonic clock, and so is what it returns: when to call again; INT64_MAX: no need.
 */
int64_t session_beat(
    struct session *s, int64_t now, int64_t heartbeat, int64_t slack, int64_t patience);

/* It failed, or will: the server has said that it ends it. Then there may be no socket any more. */
bool session_ends(const struct session *s);

PGconn *session_conn(const struct session *s);

#endif
