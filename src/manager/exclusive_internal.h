/*
 * What exclusive.c and exclusive_connection.c share.
 */
#ifndef PGWAIT_EXCLUSIVE_INTERNAL_H
#define PGWAIT_EXCLUSIVE_INTERNAL_H

#include "record/record.h"
#include "sinks/sink.h"

struct advisory_lock;
struct life_sign_sender;
struct member;
struct source;
struct sources;
struct store;
struct undelivered;

/* What is known of one connection. */
struct exclusive_connection {
	struct exclusive *exclusive;
	struct source *source; /* NULL: the source is gone, and an answer is still to come */
	char *place;           /* its server and database; NULL: not known, or it does not listen */
	bool asking;           /* for that, or for signs */
	struct undelivered *kept; /* NULL: nothing is kept */
	struct member *member;
};

struct exclusive {
	struct sources *sources;
	struct sinks *sinks;
	struct advisory_lock *lock;
	struct source *holder; /* at whose place the lock is, or was asked for; NULL: nowhere yet */
	bool active;           /* the last record said so */
	bool
	    last; /* this process is, or was, the active one, and no other is known to have been since */
	bool ended;
	bool
	    taken_before; /* some process was active before: we had to wait for the lock, or gave it up */

	char *channel;       /* of the signs of life */
	struct store *store; /* NULL: this process keeps nothing, and sends no signs */
	struct life_sign_sender *signs;
	struct fence fence; /* behind what was handed on */
	bool fenced;
	uint64_t fenced_to; /* when it passes, what has a lower number is delivered */
	struct record record;
};

#endif
