/*
 * What is known about pgwait and each of its connections, for everyone who tells of it: the command "status" and SIGUSR1
 * (status.h), and the file of --status-file (status_metrics.h, status_file.h).
 */
#ifndef PGWAIT_STATUS_FACTS_H
#define PGWAIT_STATUS_FACTS_H

#include "base/util.h"
#include "manager/manager.h"
#include "manager/source.h"
#include "sinks/spool_count.h"

struct runs_counts;
struct sink;
struct sinks;

/* Borrowed, until the next pass of the loop. Times are microseconds of Unix time. */
struct status_connection {
	const char *label;
	const char *state;  /* "listening", "connecting" or "garbage" */
	const char *reason; /* why it does not listen; NULL: it does, or has not failed yet */
	const char *const *channels;
	size_t channel_count;
	bool good;        /* it listens */
	bool connecting;  /* its first attempt has not ended */
	int64_t since;    /* of the state */
	int backend_pid;  /* of the server process that listens; 0: none does */
	unsigned attempt; /* failed ones in a row */
	const struct source_counts *counts;
	const struct runs_counts *runs; /* NULL: there were none */
	const char *runs_state;         /* where there were some */
	bool runs_are_work;             /* of --work-sql, and not of a catch-up */
};

struct status_facts {
	int64_t time, started;
	const char *phase;     /* "starting", "running" or "ending" */
	const char *exclusive; /* "active" or "waiting"; NULL: without --exclusive */
	struct status_connection *connections;
	size_t count;
	const struct sinks *sinks;
	bool spooled; /* with --spool */
	bool counted; /* what is in `spool` */
	struct spool_count spool;
};

void status_facts_collect(struct status_facts *f, struct manager *m);
void status_facts_free(struct status_facts *f);

/* Whether it is a destination that programs need to know of. */
bool status_tells_of(const struct sink *s);

#endif
