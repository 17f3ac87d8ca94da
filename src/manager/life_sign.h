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
	char place[LIFE_SIGN_PLACE]; /* of the lock that they share: the answer to SQL_PLACE */
	bool asks;       /* whoever is active shall say so; nothing else is there then */
	int64_t process; /* of a process as long as it is active */
	int64_t number;  /* of this sign, from 1; 0: it has none, and nothing is said of it later */
	int64_t
	    delivered; /* all that was sent before the sign of this number is delivered; 0: not known */
	int64_t
	    behind; /* how long ago the oldest was sent that is not delivered, at most; microseconds */
};

/* The payload of a sign. The caller frees it. */
char *life_sign_write(const struct life_sign *s);
/* False: the payload is no sign. */
MUST_CHECK bool life_sign_read(const char *payload, struct life_sign *s);

#endif
