/*
 * The interface of all destinations, the buffer that they share, and fences, which are all that
 * keeps account of delivery.
 *
 * A sink counts what it took to deliver later (`in`), and up to where it is done with all of that (`out`). Most
 * sinks are done with records in the order in which they took them; one that runs several commands at a time is
 * not, and then `out` stands before the oldest record that it is not done with. What a sink keeps meanwhile counts
 * towards --buffer.
 */
#ifndef PGWAIT_SINK_H
#define PGWAIT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

struct record;
struct sink;
struct sinks;

struct sink_ops {
	/*
	 * Takes a record, which is borrowed, whether there is room or not. True: it is kept, and
	 * sink_done() will be called for it. False: nothing is left to do for it.
	 */
	bool (*take)(struct sink *s, const struct record *r);
	/*
	 * Discards the oldest notification of which nothing was written yet. False if it holds
	 * none. NULL: this sink never discards.
	 */
	bool (*discard)(struct sink *s);
	/*
	 * Gives up all notifications, and idle events that would run a command, unless they have begun; returns how
	 * many notifications. sink_done() is called for them in their turn. NULL: it holds none.
	 */
	uint64_t (*forget)(struct sink *s);
	/* Once in each pass of the loop: deliver what can be delivered now. NULL: nothing to do. */
	void (*pass)(struct sink *s);
	/*
	 * Whether something goes on that needs no further pass, such as a running command. NULL:
	 * never.
	 */
	bool (*working)(const struct sink *s);
	/* Ends at once what goes on by itself. NULL: nothing does. */
	void (*stop)(struct sink *s);
};

/* Embedded in every sink, at its start; zeroed but for the first four. */
struct sink {
	const struct sink_ops *ops;
	const char *name; /* of what is slow when it holds much: "the reader of standard output" */
	const char *id;   /* the same for programs: "output"; NULL: they need not know of it */
	unsigned kinds;   /* RECORD_BIT()s of what it takes */
	uint64_t in, out;
	uint64_t progress; /* changes with every bit of delivery */
	/* Kept by sink.c: */
	size_t held;        /* bytes that wait in it */
	uint64_t discarded; /* notifications */
	struct log_pace pace;
	struct sinks *set;
	size_t index;
};

#define SINKS_MAX 10

/* What happens when the buffer is full (--overflow). */
enum overflow {
	OVERFLOW_BLOCK, /* there is no room until the slow one has taken a quarter of it */
	OVERFLOW_DROP,  /* the oldest notifications of the slow one make room */
	OVERFLOW_EXIT,  /* there is no room, and pgwait ends */
};

/*
 * The records that a sink takes between fence_begin() and fence_set(). The caller's, in that order,
 * until `passed` was called, once every sink is done with them, in whatever order, and whatever came before them.
 * `failed`: not all were delivered.
 */
struct fence {
	bool
	    rows; /* of a catch-up: only sinks of notifications matter, and not what they discard */
	uint64_t from[SINKS_MAX], to[SINKS_MAX];
	uint64_t done[SINKS_MAX]; /* how many of them, by sink_done_any() */
	bool set, failed;
	bool patient; /* nobody waits for it: sinks may hold records back meanwhile */
	void (*passed)(struct fence *f, void *arg);
	void *arg;
	struct fence *next;
};

/* Zeroed, but for budget and overflow, and the functions and their argument: no sinks. */
struct sinks {
	size_t budget; /* bytes that all may hold together */
	enum overflow overflow;
	struct sink *list[SINKS_MAX];
	struct sink *notified[SINKS_MAX + 1]; /* those that take notifications; NULL after them */
	size_t count;
	struct fence *fences; /* those that were set, in order: the first passes first */
	size_t held;          /* by all, and kept beside them */
	size_t kept;
	bool full;
	bool (*may_deliver)(void *arg); /* NULL: always; of notifications and idle events */
	bool (*give_way)(void *arg);    /* drops some of what is kept; false: there is nothing */
	void *arg;                      /* of both */
	struct log_pace pace;
};

void sinks_add(struct sinks *set, struct sink *s);

/* Gives a record to every sink that takes its kind. With OVERFLOW_DROP, makes room before. */
void sinks_take(struct sinks *set, const struct record *r);

/* So many bytes are kept beside the sinks now; they give way with OVERFLOW_DROP and OVERFLOW_EXIT. */
void sinks_keep(struct sinks *set, size_t bytes);
/* They do so now, if there is no room. */
void sinks_give_way(const struct sinks *set);

/* Three quarters of the buffer, and at least a byte: where nothing is held there is room. */
static inline size_t
sinks_low_mark(const struct sinks *set)
{
	return set->budget - set->budget / 4;
}

/* For sinks_room(), where less than a quarter is left. */
bool sinks_room_left(struct sinks *set);

/*
 * Whether the manager may pull a notification. It need not ask for events, which always find room. What the sinks hold may
 * exceed the budget by these, and by one notification.
 */
static inline bool
sinks_room(struct sinks *set)
{
	if (set->held > sinks_low_mark(set))
		return sinks_room_left(set);
	set->full = false;
	return true;
}
/*
 * Whether a row of a catch-up may be pulled: it is never discarded, and can wait where it is, so it leaves
 * a part of the buffer to what cannot.
 */
bool sinks_room_for_row(const struct sinks *set);
/*
 * Of what is kept beside the sinks: whether they may be given some of it, and whether more may be kept. It leaves a quarter
 * of the buffer to them.
 */
bool sinks_room_for_kept(const struct sinks *set);
bool sinks_room_to_keep(const struct sinks *set);
/* Whether what is held has reached the budget, whatever is done about that. */
bool sinks_exceeded(const struct sinks *set);

/*
 * To be called when there is no room: warns, at growing intervals, which sink is slow and what
 * follows from it. `ends`: pgwait ends because of it, which is an error.
 */
void sinks_tell_full(struct sinks *set, bool ends);
/* Says how many notifications each sink has discarded in all, if any. */
void sinks_tell_discarded(const struct sinks *set);

/* Notifications that did not get through where -n counts: in the first sink that takes them. */
uint64_t sinks_discarded(const struct sinks *set);

bool sinks_working(const struct sinks *set);
void sinks_stop(struct sinks *set);

/*
 * What sinks of notifications and idle events hold is not theirs to deliver any more: it is done, and not delivered,
 * but for what has begun, and for events of other kinds. What they do by themselves is ended. Returns how many
 * notifications it were where -n counts.
 */
uint64_t sinks_forget(struct sinks *set);

/* Changes whenever anything is delivered. */
uint64_t sinks_progress(const struct sinks *set);

/* Every sink's pass, then the fences that it made pass. */
void sinks_pass(struct sinks *set);

void fence_begin(struct sinks *set, struct fence *f);
/* It covers what the sinks hold already, too. */
void fence_cover_held(const struct sinks *set, struct fence *f);
/* `passed` is called from sinks_pass(). */
void fence_set(struct sinks *set, struct fence *f);
/* Forgets a fence. It may have passed already, or never have begun. */
void fence_cancel(struct sinks *set, struct fence *f);

/* For sinks: whether it may write, or start a command; to be asked right before. There will be another pass. */
bool sink_may_deliver(const struct sink *s);

/*
 * For sinks that hold records back until there are more: whether somebody waits until it is done with some of its records
 * from number `first` on. A fence that was set says so, unless it is patient.
 */
bool sink_is_awaited(const struct sink *s, uint64_t first);

/* For sinks: so many bytes wait in it now. */
static inline void
sink_hold(struct sink *s, size_t bytes)
{
	s->set->held += bytes - s->held;
	s->held = bytes;
}

enum sink_outcome {
	SINK_DELIVERED,
	SINK_DISCARDED, /* notifications, and never rows */
	SINK_FAILED,
};

/* For sinks: done with the next `n` records. */
void sink_done(struct sink *s, uint64_t n, enum sink_outcome outcome);

/*
 * For sinks that are done with their records in any order: with `n` of them, from number `first` on (the first that
 * it took is 1), and so with all up to number `out`.
 */
void sink_done_any(
    struct sink *s, uint64_t first, uint64_t n, uint64_t out, enum sink_outcome outcome);

#endif
