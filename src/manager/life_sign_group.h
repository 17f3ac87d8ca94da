/*
 * The connections to one database, which share their signs of life: when the next sign is due, and what it says. For
 * life_sign_sender.c alone, which sends them.
 */
#ifndef PGWAIT_LIFE_SIGN_GROUP_H
#define PGWAIT_LIFE_SIGN_GROUP_H

#include <event2/event_struct.h>

#include "base/util.h"
#include "manager/heard_signs.h"
#include "manager/life_sign.h"

struct connection;
struct life_sign_sender;
struct store;
struct undelivered;

/* A request that sends a sign, until its answer. */
struct ticket {
	struct group *group; /* NULL: the group was freed meanwhile */
};

/* The connections to one database. The first of them sends the signs of all. */
struct group {
	struct life_sign_sender *signs;
	char *place;
	struct ticket *ticket; /* of a sign that is on its way to the server */
	int64_t sent_at;       /* the last one; monotonic; 0: none */
	int64_t said;          /* the last sign that was said to be delivered; 0: none */
	int64_t urgent;        /* the one of which that is to be said at once; 0: none */
	bool dirty;            /* something came since the last sign with a number */
	bool asked;            /* a sign is due at once */
	struct group *next;
};

struct member {
	struct life_sign_sender *signs;
	struct connection *connection;
	struct undelivered *kept;
	struct group *group; /* NULL: it hears no signs */
	bool expected;
	bool lost; /* it heard them until then */
	struct heard_signs heard;
	struct member *next;
};

struct life_sign_sender {
	const char *channel;
	struct store *store;
	char place[LIFE_SIGN_PLACE]; /* "": not known */
	bool active, stopped, warned;
	int64_t process;
	int64_t number; /* of the last sign */
	struct member *members;
	struct group *groups;
	struct event timer;
};

/* When a sign is due: monotonic; INT64_MAX: something else has to happen first. */
int64_t life_sign_group_due(const struct group *g);

/* What the sign says that is sent now, as of which the group notes it. */
struct life_sign life_sign_group_next(struct group *g);

/* The connection that sends: the first that is not lost; NULL: there is none. */
struct member *life_sign_group_first(const struct group *g);

#endif
