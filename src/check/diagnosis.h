/*
 * What --check found out about a connection, and what is wrong with it: one line for each problem,
 * and one on what to do.
 *
 * It asks no server: it only turns findings into problems. Strings are UTF-8, but for what the
 * server sent in another encoding that could not be converted.
 */
#ifndef PGWAIT_DIAGNOSIS_H
#define PGWAIT_DIAGNOSIS_H

#include "base/util.h"

/* What the exit status is made of. */
enum verdict {
	VERDICT_THROUGH,     /* notifications get through */
	VERDICT_UNREACHED,   /* no connection, or it went */
	VERDICT_REFUSED,     /* LISTEN was, or a channel cannot be */
	VERDICT_UNDELIVERED, /* not all that were sent arrived */
};

enum pooler {
	POOLER_UNKNOWN, /* there is one, or not; or of a kind that was not found out */
	POOLER_NONE,
	POOLER_SESSION,
	POOLER_OTHER,   /* transaction or statement */
	POOLER_CONSOLE, /* no database is behind it */
};

/* A session that keeps the notification queue from being emptied, or may. */
struct holder {
	int64_t pid;
	char *role, *database, *application, *state;
	int64_t since; /* Unix time, microseconds */
};

/* Sessions of something, and the most that it may have; a `limit` of 0: no limit. */
struct sessions {
	int64_t used, limit;
};

/* How full the queue may be before it is a problem, as a fraction. */
#define QUEUE_WARNING 0.01

#define HOLDERS_MAX 3

/* Owned strings; NULL: not found out. Times are microseconds. */
struct findings {
	enum verdict verdict;
	char *reason; /* NULL with VERDICT_THROUGH */
	char sqlstate[6];
	bool second; /* it was the second connection that failed */

	char *host, *port, *security; /* how it was reached; security: "TLSv1.3", NULL: plain */
	char *version, *encoding;
	bool asked; /* all of the following are known */
	char *role, *database;
	bool standby;
	int64_t idle_session_timeout, statement_timeout; /* 0: none */
	struct sessions of_role, of_database, of_server;
	double queue; /* used, as a fraction; -1: not known */
	struct holder holders[HOLDERS_MAX];
	size_t holder_count;

	enum pooler pooler;
	int sent, delivered;
	int64_t median;    /* of delivery; -1: nothing was delivered */
	int64_t heartbeat; /* pgwait's own; 0: none */
};

void findings_free(struct findings *f);

/* `code` is for programs, and stays what it is. */
struct problem {
	const char *code;
	char *text;
	char *advice;
};

#define PROBLEMS_MAX 8

struct problems {
	struct problem list[PROBLEMS_MAX];
	size_t count;
};

/* What kept notifications from getting through comes first. The caller frees it. */
struct problems diagnose(const struct findings *f);
void problems_free(struct problems *p);

#endif
