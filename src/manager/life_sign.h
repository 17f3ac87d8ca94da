/*
 * Signs of life (--exclusive): the notifications that processes with the same KEY send one another, on a channel that
 * pgwait shows to nobody. This file reads and writes one.
 */
#ifndef PGWAIT_LIFE_SIGN_H
#define PGWAIT_LIFE_SIGN_H

#include "base/util.h"

/* The name of the channel for a KEY, which SQL needs not quote. The caller frees it. */
char *life_sign_channel(const char *key);

#define LIFE_SIGN_PLACE 48

struct life_sign {
	char place[LIFE_SIGN_PLACE]; /* of the lock: the answer to SQL_PLACE */
	/* A process that waits asks the active one for a sign; what follows is not set then. */
	bool asks;
	int64_t process; /* the sender: a new number each time that a process becomes active */
	int64_t number;  /* of this sign, from 1 */
	/* The sender has delivered all that was sent before its sign of this number; 0: not known. */
	int64_t delivered;
	/* The oldest notification that the sender has not delivered was sent so long ago at most; microseconds. */
	int64_t behind;
};

/* The payload of a sign. The caller frees it. */
char *life_sign_write(const struct life_sign *s);
/* False: the payload is no sign. */
MUST_CHECK bool life_sign_read(const char *payload, struct life_sign *s);

#endif
