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
	HOOK_BATCH,  /* once for all that came since its last run */
	HOOK_IDLE,   /* at each idle event, but for those that come while it runs */
	HOOK_LISTEN, /* when a connection listens, again too */
	HOOK_LOST,   /* when one is lost, or the first attempt fails */
	HOOK_KINDS,
};

struct hook_settings {
	struct event_base *base;
	enum hook_kind kind;
	const char *command;
	int64_t timeout;       /* of one run, microseconds; negative: none */
	size_t jobs;           /* commands that run at a time, at most */
	int output;            /* a descriptor for its standard output */
	struct format *format; /* of a batch */
	bool spooled;          /* runs for notifications only as hook_settle() allows */
	/* Runs when a command ended. */
	void (*changed)(void *arg);
	void *arg;
};

/* What the settings point to outlives it. */
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
