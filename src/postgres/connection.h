/*
 * ONE connection: a source of records.
 *
 * It connects, listens on its channels, and queues requests, one on the wire at a time. Its
 * callbacks only read the socket, note the time, and tell the owner that there may be something to
 * pull; connection_next() does the rest. When it fails, everything that libpq had already read is
 * pulled first (fact F3), then one RECORD_LOST; after that it can be started again.
 */
#ifndef PGWAIT_CONNECTION_H
#define PGWAIT_CONNECTION_H

#include "base/util.h"
#include "postgres/connector.h"
#include "postgres/request_queue.h"
#include "record/record.h"

struct connection;
struct encoding;
struct event_base;
struct subscription;

enum connection_state {
	/* Not started yet, or failed: nothing comes. connection_start() moves it to CONNECTING. */
	CONN_LOST,
	/*
	 * Being reached: names, addresses, authentication, perhaps a password prompt. Goes on to READY
	 * or DYING when the connector is done.
	 */
	CONN_CONNECTING,
	/*
	 * Open, with the LISTEN batch on the wire, and then, behind a pooler, the probe whether
	 * notifications get through (fact F5). Goes on to LISTENING or DYING.
	 */
	CONN_READY,
	/* Every channel is listened to. Only the end of the connection moves it on. */
	CONN_LISTENING,
	/* Failed; what was received is still to be pulled. LOST once that is done. */
	CONN_DYING,
};

/* `c` may have something to pull. Called from callbacks, any number of times. */
typedef void connection_wake(struct connection *c, void *arg);

/* A request was answered; runs inside connection_next(), after everything received before it. */
typedef void connection_answer(struct connection *c, void *arg);

struct connection_settings {
	struct event_base *base;
	struct connector_policy policy; /* of the first start; later ones never prompt */
	bool drain;        /* one deadline for everything, from the start to the end of the drain */
	int64_t heartbeat; /* microseconds between queries; 0: none */
	connection_wake *wake;
	void *arg;
};

/* `s` and what it points to outlive the connection. */
struct connection *connection_new(
    struct subscription *s, const struct connection_settings *settings);
void connection_free(struct connection *c);

/* Starts to connect, where the connection is LOST. */
void connection_start(struct connection *c);

/* The next record, borrowed until the next call with `c`; NULL: nothing now. */
const struct record *connection_next(struct connection *c);

/* While paused the socket is not read. What was read can still be pulled. */
void connection_pause(struct connection *c, bool paused);

/*
 * Sends an empty query over a connection that listens: when `answer` runs, all that was sent before has been pulled (fact
 * F2). The time limit is that of an attempt to connect; in a drain, what is left of that.
 */
void connection_barrier(struct connection *c, connection_answer *answer);

/* Has the connection fail for this reason, once what was received is pulled. */
void connection_give_up(struct connection *c, const char *reason);

/* Why it does not listen now, for people; the connection frees it. */
const char *connection_progress(const struct connection *c);

/*
 * Sends a heartbeat if one is due in `slack` microseconds, and gives up a connection that leaves a
 * request unanswered (facts F6, F16). `now` is of the monotonic clock, and so is what it returns:
 * when to call again; INT64_MAX where there is no need.
 */
int64_t connection_beat(struct connection *c, int64_t now, int64_t slack);

/*
 * Sends a request; takes `sql`. `done` runs inside connection_next(), after everything that was
 * received before the answer; with NULL if the connection is lost before. False, and nothing is
 * kept, if the connection is not open. The request waits until a LISTEN batch that is on the wire
 * is answered.
 */
MUST_CHECK bool connection_ask(struct connection *c, char *sql, const char *const parameters[],
    int count, request_done *done, void *arg);

/* The same with as many as `rows` in the answer, and no parameters. */
MUST_CHECK bool connection_ask_table(
    struct connection *c, char *sql, size_t rows, request_done *done, void *arg);

/* While a catch-up goes on, which has no deadline, the clock of a drain stands still. */
void connection_catches_up(struct connection *c, bool on);

/* Of its records. */
const struct origin *connection_origin(const struct connection *c);
/* Of an open connection: for the text of requests. */
PGconn *connection_conn(const struct connection *c);
/* Whether a channel is pgwait's own, whose notifications are not delivered. */
bool connection_hides(const struct connection *c, const char *channel);

/* Why it failed; NULL: it has not. */
const char *connection_reason(const struct connection *c);

/* Its target has another label, or was replaced by another target (only if it is LOST). */
void connection_renamed(struct connection *c);

enum connection_state connection_state(const struct connection *c);

static inline const char *
connection_label(const struct connection *c)
{
	return connection_origin(c)->label;
}

#endif
