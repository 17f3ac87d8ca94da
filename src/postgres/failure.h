/* Why an attempt to connect and listen failed, and the one before it. */
#ifndef PGWAIT_FAILURE_H
#define PGWAIT_FAILURE_H

#include "base/util.h"

/* Zeroed: none failed. */
struct failure {
	char *reason;      /* of this attempt, one line; NULL: it has not failed */
	char *last_reason; /* of the attempt before, where that failed as well */
	char sqlstate[6];  /* "": none */
	const char *hint;  /* what to do about it; static, or NULL */
	bool permanent;    /* no retry can mend it */
	bool refused;      /* connected, but the server or a pooler answered LISTEN with an error */
};

/* Both are copied; `sqlstate` may be NULL, or none. */
void failure_set(struct failure *f, const char *reason, const char *sqlstate);

/* Another attempt begins. */
void failure_next(struct failure *f);

/* The attempt succeeded: there is nothing to compare the next failure with. */
void failure_forget(struct failure *f);

/* Of this attempt, or else of the one before; NULL: none has failed. */
const char *failure_reason(const struct failure *f);

/* Whether the attempt before failed for the same reason. */
bool failure_repeated(const struct failure *f);

void failure_free(struct failure *f);

#endif
