#include "config.h"

#include "sinks/sink.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "record/record.h"

void
sinks_add(struct sinks *set, struct sink *s)
{
	struct sink **notified = set->notified;

	assert(set->count < SINKS_MAX);
	s->set = set;
	s->index = set->count;
	set->list[set->count++] = s;
	if (s->kinds & RECORD_BIT(RECORD_NOTIFICATION)) {
		while (*notified)
			notified++;
		*notified = s;
	}
}

bool
sinks_exceeded(const struct sinks *set)
{
	return set->held >= set->budget;
}

/* What is kept is dropped before anything that is to be delivered. */
void
sinks_give_way(const struct sinks *set)
{
	while (sinks_exceeded(set) && set->kept && set->give_way(set->arg))
		;
}

void
sinks_keep(struct sinks *set, size_t bytes)
{
	set->held += bytes - set->kept;
	set->kept = bytes;
}

RARELY bool
sinks_room_left(struct sinks *set)
{
	if (set->overflow == OVERFLOW_DROP)
		return true;
	if (set->overflow == OVERFLOW_EXIT && set->kept)
		sinks_give_way(set);
	/* To stop and go on for every few bytes would cost more than the reading. */
	if (sinks_exceeded(set))
		set->full = true;
	return !set->full;
}

bool
sinks_room_for_row(const struct sinks *set)
{
	return set->held < sinks_low_mark(set);
}

bool
sinks_room_for_kept(const struct sinks *set)
{
	size_t held = set->held - set->kept;

	return held == 0 || (held < set->budget / 4 && !sinks_exceeded(set));
}

bool
sinks_room_to_keep(const struct sinks *set)
{
	return set->kept < sinks_low_mark(set);
}

/* The sink that holds most. It is the slow one when there is no room. */
static const struct sink *
slowest(const struct sinks *set)
{
	const struct sink *s = set->list[0];

	for (size_t i = 1; i < set->count; i++)
		if (set->list[i]->held > s->held)
			s = set->list[i];
	return s;
}

/* Discards a notification of the sink that holds most, among those that can. */
static struct sink *
discard_one(const struct sinks *set)
{
	struct sink *s = NULL;

	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->ops->discard && (!s || set->list[i]->held > s->held))
			s = set->list[i];
	return s && s->ops->discard(s) ? s : NULL;
}

static void
pass_all(struct sinks *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->ops->pass)
			set->list[i]->ops->pass(set->list[i]);
}

static RARELY void
make_room(struct sinks *set)
{
	char size[SIZE_TEXT];
	struct sink *s;

	/*
	 * One pass may bring more than the buffer holds. So every sink has its pass first; only
	 * what it still holds then makes it slow.
	 */
	if (sinks_exceeded(set))
		pass_all(set);
	sinks_give_way(set);
	while (sinks_exceeded(set) && (s = discard_one(set))) {
		s->discarded++;
		if (log_due(&s->pace))
			log_warning("%s is too slow: the buffer of %s is full, and the oldest "
				    "notifications are discarded (%" PRIu64 " so far)",
			    s->name, size_text(size, set->budget), s->discarded);
	}
}

static inline void
give(struct sink *s, const struct record *r)
{
	if (s->ops->take(s, r))
		s->in++;
}

static RARELY void
take_event(const struct sinks *set, const struct record *r)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->kinds & RECORD_BIT(r->kind))
			give(set->list[i], r);
}

void
sinks_take(struct sinks *set, const struct record *r)
{
	if (r->kind != RECORD_NOTIFICATION) {
		take_event(set, r);
		return;
	}
	if (set->overflow == OVERFLOW_DROP)
		make_room(set);
	for (struct sink **s = set->notified; *s; s++)
		give(*s, r);
}

void
sinks_tell_full(struct sinks *set, bool ends)
{
	const char *name = slowest(set)->name;
	char size[SIZE_TEXT];

	size_text(size, set->budget);
	if (ends)
		log_error("%s is too slow: the buffer of %s is full", name, size);
	else if (log_due(&set->pace))
		log_warning(
		    "%s is too slow: the buffer of %s is full, and notifications wait in the "
		    "server's queue, which all its databases share",
		    name, size);
}

void
sinks_tell_discarded(const struct sinks *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct sink *s = set->list[i];

		if (s->discarded)
			log_warning("%" PRIu64 " notification%s discarded: %s was too slow",
			    s->discarded, s->discarded == 1 ? " was" : "s were", s->name);
	}
}

uint64_t
sinks_discarded(const struct sinks *set)
{
	return set->notified[0] ? set->notified[0]->discarded : 0;
}

bool
sinks_working(const struct sinks *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->ops->working && set->list[i]->ops->working(set->list[i]))
			return true;
	return false;
}

void
sinks_stop(struct sinks *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->ops->stop)
			set->list[i]->ops->stop(set->list[i]);
}

/* Of what an active process alone delivers. */
static const unsigned exclusive_kinds = RECORD_BIT(RECORD_NOTIFICATION) | RECORD_BIT(RECORD_IDLE);

bool
sink_may_deliver(const struct sink *s)
{
	const struct sinks *set = s->set;

	return !set->may_deliver || !(s->kinds & exclusive_kinds) || set->may_deliver(set->arg);
}

uint64_t
sinks_forget(struct sinks *set)
{
	uint64_t counted = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct sink *s = set->list[i];
		uint64_t n = 0;

		if (!(s->kinds & exclusive_kinds))
			continue;
		if (s->ops->forget)
			n = s->ops->forget(s);
		if (s->ops->stop)
			s->ops->stop(s);
		if (s == set->notified[0])
			counted = n;
	}
	return counted;
}

uint64_t
sinks_progress(const struct sinks *set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < set->count; i++)
		sum += set->list[i]->progress;
	return sum;
}

static bool
concerns(const struct fence *f, const struct sink *s)
{
	return !f->rows || s->kinds & RECORD_BIT(RECORD_NOTIFICATION);
}

static bool
has_passed(const struct sinks *set, const struct fence *f)
{
	for (size_t i = 0; f->set && i < set->count; i++)
		if (concerns(f, set->list[i]) && set->list[i]->out < f->to[i] &&
		    f->done[i] < f->to[i] - f->from[i])
			return false;
	return f->set;
}

/* The first that has passed leaves the list; NULL where none has. */
static struct fence *
next_passed(struct sinks *set)
{
	for (struct fence **at = &set->fences; *at; at = &(*at)->next) {
		struct fence *f = *at;

		if (has_passed(set, f)) {
			*at = f->next;
			return f;
		}
	}
	return NULL;
}

void
sinks_pass(struct sinks *set)
{
	struct fence *f;

	pass_all(set);
	while ((f = next_passed(set)))
		f->passed(f, f->arg);
}

void
fence_begin(struct sinks *set, struct fence *f)
{
	struct fence **at = &set->fences;

	for (size_t i = 0; i < set->count; i++)
		f->from[i] = set->list[i]->in;
	memset(f->done, 0, sizeof f->done);
	f->set = f->failed = false;
	f->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = f;
}

void
fence_cover_held(const struct sinks *set, struct fence *f)
{
	for (size_t i = 0; i < set->count; i++)
		f->from[i] = set->list[i]->out;
}

void
fence_set(struct sinks *set, struct fence *f)
{
	for (size_t i = 0; i < set->count; i++)
		f->to[i] = set->list[i]->in;
	f->set = true;
}

void
fence_cancel(struct sinks *set, struct fence *f)
{
	for (struct fence **at = &set->fences; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			return;
		}
}

/* How many of the `n` records of `s` from the `first` on belong to a fence. */
static uint64_t
covered(const struct fence *f, const struct sink *s, uint64_t first, uint64_t n)
{
	uint64_t from = f->from[s->index] + 1, last = first + n - 1;

	if (from < first)
		from = first;
	if (f->set && f->to[s->index] < last)
		last = f->to[s->index];
	return concerns(f, s) && from <= last ? last - from + 1 : 0;
}

bool
sink_is_awaited(const struct sink *s, uint64_t first)
{
	for (const struct fence *f = s->set->fences; f; f = f->next)
		if (f->set && !f->patient && covered(f, s, first, s->in - first + 1))
			return true;
	return false;
}

static void
fail_fences(const struct sink *s, uint64_t first, uint64_t n, enum sink_outcome outcome)
{
	if (outcome == SINK_DELIVERED)
		return;
	for (struct fence *f = s->set->fences; f; f = f->next)
		if (covered(f, s, first, n) && !(f->rows && outcome == SINK_DISCARDED))
			f->failed = true;
}

void
sink_done(struct sink *s, uint64_t n, enum sink_outcome outcome)
{
	uint64_t first = s->out + 1;

	if (n == 0)
		return;
	s->out += n;
	s->progress++;
	assert(s->out <= s->in);
	fail_fences(s, first, n, outcome);
}

void
sink_done_any(struct sink *s, uint64_t first, uint64_t n, uint64_t out, enum sink_outcome outcome)
{
	s->out = out;
	s->progress++;
	assert(s->out <= s->in);
	for (struct fence *f = s->set->fences; f; f = f->next)
		f->done[s->index] += covered(f, s, first, n);
	fail_fences(s, first, n, outcome);
}
