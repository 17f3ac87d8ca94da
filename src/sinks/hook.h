/*
 * The sink that runs a command for each record of one kind, up to so many at a time, while pgwait
 * goes on. They start in order; records that wait are packed in a queue.
 *
 * Delivered means that the command ended with status 0. The record is in its environment and on its
 * standard input, never in its text.
 */
#ifndef PGWAIT_HOOK_H
#define PGWAIT_HOOK_H

#include "base/util.h"
#include "sinks/sink.h"

struct event_base;
struct format;
struct hook;

enum hook_kind {
	HOOK_NOTIFY, /* once for each notification */
	HOOK_BATCH,  /* once for all notifications since its last run */
	HOOK_IDLE,   /* at each idle event, except those that come while it runs */
	HOOK_LISTEN, /* when a connection listens, also when it listens again */
	HOOK_LOST,   /* when a connection is lost, or its first attempt fails */
	HOOK_KINDS,
};

struct hook_settings {
	struct event_base *base;
	enum hook_kind kind;
	const char *command;
	int64_t timeout; /* of one run, microseconds; negative: none */
	int64_t wait;    /* of a batch for more notifications, microseconds; not positive: none */
	size_t jobs;     /* how many commands may run at a time */
	int output;      /* a descriptor for the command's standard output */
	struct format *format; /* of a batch */
	bool spooled; /* the command runs only for notifications that hook_settle() allows */
	/* Runs when a command ended. */
	void (*changed)(void *arg);
	void *arg;
};

/* What the settings point to must outlive the hook. */
struct hook *hook_new(const struct hook_settings *settings);
struct sink *hook_sink(struct hook *h);

/*
 * Tells the hook about the next `count` notifications, in their order: the spool has committed
 * them, and the command may run for them; or the spool has discarded them, and it must not.
 */
void hook_settle(struct hook *h, uint64_t count, bool committed);

/*
 * Frees it. If records are left for which the command did not run, says so on stderr and returns
 * false.
 */
MUST_CHECK bool hook_finish(struct hook *h);

#endif
