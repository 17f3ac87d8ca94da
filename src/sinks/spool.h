/*
 * The sink that appends what is received to a spool (spool_file.h): notifications, and gaps in
 * listening.
 *
 * A record counts as delivered once it is committed; there is one commit in each pass. Records that
 * cannot be committed wait, count towards --buffer, and are tried again until they can be.
 */
#ifndef PGWAIT_SPOOL_H
#define PGWAIT_SPOOL_H

#include "base/util.h"
#include "sinks/sink.h"
#include "sinks/spool_count.h"

struct event_base;
struct spool;

struct spool_settings {
	struct event_base *base;
	const char *path; /* outlives it */
	/* Runs when it is time to try again. */
	void (*changed)(void *arg);
	void *arg;
	/*
	 * Called when the next `count` notifications, in their order, were committed, or else
	 * discarded.
	 */
	void (*settled)(uint64_t count, bool committed, void *arg);
	void *settled_arg;
};

#ifdef HAVE_SQLITE
/* NULL where the file cannot be opened, or is something else; it has been said. */
struct spool *spool_new(const struct spool_settings *settings);
struct sink *spool_sink(struct spool *s);

/* What is in the file. False: it cannot be counted now. */
MUST_CHECK bool spool_count(struct spool *s, struct spool_count *count);

/* Frees it. False: something was not committed, and it has said so on stderr. */
MUST_CHECK bool spool_finish(struct spool *s);
#else
/* No option asks for one then. */
#define spool_new(settings) ((void)(settings), NULL)
#define spool_sink(s)       ((struct sink *)(s))
#define spool_count(s, c)   ((void)(s), (void)(c), false)
#define spool_finish(s)     ((void)(s), true)
#endif

#endif
