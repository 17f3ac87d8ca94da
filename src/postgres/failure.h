/* Why the last attempt to connect and listen failed, and why the one before it failed. */
#ifndef PGWAIT_FAILURE_H
#define PGWAIT_FAILURE_H

#include "base/util.h"

/* Zeroed: no attempt failed. */
struct failure {
	char *reason;      /* of the last attempt, one line; NULL: it has not failed */
	char *last_reason; /* of the attempt before; NULL: it did not fail */
	char sqlstate[6];  /* the server's code; "": none */
	const char *hint;  /* what to do about it; static, or NULL */
	bool permanent;    /* another attempt would fail, too */
	bool refused;      /* connected, but the server or a pooler answered LISTEN with an error */
};

/* The last attempt failed. Copies both; `sqlstate` may be NULL, or no valid code. */
void failure_set(struct failure *f, const char *reason, const char *sqlstate);

/* Another attempt begins. */
void failure_next(struct failure *f);

/* The attempt succeeded: there is nothing to compare the next failure with. */
void failure_forget(struct failure *f);

/* Why the last attempt failed, or else the one before; NULL: neither has failed. */
const char *failure_reason(const struct failure *f);

/* Whether the last two attempts failed for the same reason. */
bool failure_repeated(const struct failure *f);

void failure_free(struct failure *f);

#endif
