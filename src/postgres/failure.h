/* Why the last attempt to connect and listen failed, and why the one before it failed. */
#ifndef PGWAIT_FAILURE_H
#define PGWAIT_FAILURE_H

#include "base/util.h"
#include "postgres/server_error.h"

/* Zeroed: no attempt failed. */
struct failure {
	struct server_error error; /* of the last attempt; none: it has not failed */
	char *last_reason;         /* of the attempt before; NULL: it did not fail */
	const char *hint;          /* what to do about it; static, or NULL */
	bool permanent;            /* another attempt would fail, too */
	bool refused; /* connected, but the server or a pooler answered LISTEN with an error */
};

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
