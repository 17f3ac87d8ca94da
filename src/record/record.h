/*
 * The record: everything that happens is one, in one ordered stream.
 *
 * A record is borrowed: what it points to is the source's and valid until the source is asked for
 * the next one. Who keeps a record copies it.
 */
#ifndef PGWAIT_RECORD_H
#define PGWAIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoding;

enum record_kind {
	RECORD_NOTIFICATION,
	RECORD_IDLE,      /* the interval of --timeout has passed */
	RECORD_LISTENING, /* LISTEN took effect on every channel of a connection */
	RECORD_LOST,      /* a connection failed, at any time of its life */
	RECORD_DROPPED,   /* notifications that a full buffer discarded at this place */
	RECORD_REPLY,     /* the answer to a command of --control */
	RECORD_CAUGHT_UP, /* the rows of a catch-up are delivered, and their transaction committed */
	RECORD_WORKED,    /* the same of a run of --work-sql */
	RECORD_SIGNAL,    /* a notification that starts a run of --work-sql, and goes nowhere */
	RECORD_RUN_FAILED, /* it was rolled back */
	RECORD_ACTIVE,     /* this process got the lock of --exclusive */
	RECORD_WAITING,    /* it does not have it, and nothing is delivered meanwhile */
};

/* A set of kinds, for a sink to say what it takes. */
#define RECORD_BIT(kind) (1u << (kind))

/* Where a record comes from. `serial` differs for each, so that bytes made of it can be kept. */
struct origin {
	const char *label; /* dbname@host[:port] or a service; UTF-8, a C string */
	size_t label_length;
	struct encoding *encoding; /* of channel and payload; NULL: UTF-8 as they are */
	unsigned serial;
};

/* When a connection was lost. */
enum lost_phase {
	LOST_CONNECTING,
	LOST_LISTENING, /* connected, but the server answered LISTEN with an error */
	LOST_LATER,     /* it had been listening */
};

/* Why a run of a statement failed. */
enum run_trouble {
	RUN_UNREACHED,   /* no connection, or it was lost */
	RUN_REFUSED,     /* the statement cannot be run, or is none that could be */
	RUN_CONFLICT,    /* with another transaction */
	RUN_UNDELIVERED, /* a command failed, or a write */
};

struct record {
	enum record_kind kind;
	const struct origin *origin; /* NULL for what concerns no single connection */
	int64_t time;                /* Unix time in microseconds: when pgwait read it */

	/* RECORD_NOTIFICATION: in the server's encoding */
	const char *channel, *payload;
	size_t channel_length, payload_length;
	int pid;       /* of the notifying backend; 0: a row of a catch-up */
	bool row;      /* it is one, and no full buffer discards it */
	bool takeover; /* it came while another process was active, which may have delivered it */

	/* RECORD_LISTENING */
	const char *const *channels; /* UTF-8 */
	size_t channel_count;
	int backend_pid; /* of the server process that listens */
	/* RECORD_LISTENING, RECORD_ACTIVE; `since` of a notification: a moment before which it was not sent */
	int64_t since;   /* Unix time in microseconds from which on something may have been missed,
			    because the connection was lost before; -1: it was not */
	int64_t gap;     /* microseconds from then until LISTEN took effect again */
	const char *key; /* RECORD_ACTIVE, RECORD_WAITING: of the lock */
	bool covered;    /* RECORD_ACTIVE: by a catch-up */

	/*
	 * RECORD_IDLE: notifications since the last idle event. RECORD_DROPPED: notifications.
	 * RECORD_CAUGHT_UP, RECORD_WORKED, RECORD_RUN_FAILED: rows.
	 */
	uint64_t count;
	const char *garbage; /* RECORD_IDLE: labels of the failed connections, one a line */

	/* RECORD_REPLY */
	const char *command; /* its name; "" if none was understood */
	const char *error;   /* NULL: done */
	const char *answer;  /* what it came to, for people; "" if there is nothing to say */
	const char *keys;    /* the same as JSON: `"KEY":VALUE,...`, or "" */

	/* RECORD_LOST, RECORD_RUN_FAILED */
	const char *reason;
	const char *sqlstate; /* five characters, or NULL: the network */
	const char *hint;     /* what to do about it, or NULL */
	enum lost_phase phase;
	enum run_trouble trouble;
	bool work;      /* RECORD_RUN_FAILED: a run of --work-sql */
	bool repeated;  /* the attempt before failed for the same reason */
	bool permanent; /* no retry can mend it */
	/* Set by the manager: */
	bool fatal;       /* pgwait ends for it */
	unsigned attempt; /* 1: the loss itself, or the first attempt; more: that many in a row */
	int64_t retry;    /* microseconds until the next attempt; -1: none */
};

#endif
