/*
 * The interface of every destination, and fences: the only bookkeeping of delivery.
 *
 * A sink counts what it took (`in`) and what it has delivered (`out`). A fence is the `in` of every
 * sink at one moment; it passes when every `out` has reached it.
 */
#ifndef PGWAIT_SINK_H
#define PGWAIT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;
struct sink;

struct sink_ops {
	/* Takes a record, which is borrowed. There was room, or the record is an event. */
	void (*take)(struct sink *s, const struct record *r);
	/* Whether a notification may be pulled. NULL: always. */
	bool (*room)(const struct sink *s);
	/* Once in each pass of the loop: deliver what can be delivered now. NULL: nothing to do. */
	void (*pass)(struct sink *s);
	/* Whether delivery goes on by itself, such as a running command. NULL: no. */
	bool (*working)(const struct sink *s);
};

/* Embedded in every sink, at its start. */
struct sink {
	const struct sink_ops *ops;
	unsigned kinds; /* RECORD_BIT()s of what it takes */
	uint64_t in, out;
};

#define SINKS_MAX 4

/* The caller's, from sinks_fence() until `passed` was called. */
struct fence {
	uint64_t marks[SINKS_MAX];
	void (*passed)(struct fence *f, void *arg);
	void *arg;
	struct fence *next;
};

/* Zeroed: no sinks. */
struct sinks {
	struct sink *list[SINKS_MAX];
	size_t count;
	struct fence *fences; /* in order: the first passes first */
};

void sinks_add(struct sinks *sinks, struct sink *s);
void sinks_take(struct sinks *sinks, const struct record *r);
bool sinks_room(const struct sinks *sinks);
bool sinks_working(const struct sinks *sinks);
/* Sum of what was taken and delivered: it changes where there is progress. */
uint64_t sinks_delivered(const struct sinks *sinks);

/* Every sink's pass, then the fences that it made pass. */
void sinks_pass(struct sinks *sinks);
/* `passed` is called from sinks_pass(), once all that was taken before this is delivered. */
void sinks_fence(struct sinks *sinks, struct fence *f);

#endif
