#include "config.h"

#include "manager/exclusive.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "manager/advisory_lock.h"
#include "manager/exclusive_connection.h"
#include "manager/exclusive_internal.h"
#include "manager/life_sign.h"
#include "manager/life_sign_sender.h"
#include "manager/source.h"
#include "manager/undelivered.h"
#include "sinks/sink.h"

/* What the sinks had, and have to give up, waits to be handed on as if it had just come. */
static uint64_t
step_down(struct exclusive *st)
{
	bool active = st->active;

	st->active = false;
	if (!active || !st->store)
		return 0;
	fence_cancel(st->sinks, &st->fence);
	st->fenced = false;
	life_sign_sender_end(st->signs);
	return undelivered_put_back(st->store);
}

bool
exclusive_rests(struct exclusive *st, uint64_t *put_back)
{
	if (!st || !exclusive_connection_is_last(st))
		return false;
	if (st->active && st->store &&
	    (st->sources->parting_count || undelivered_waits(st->store) ||
		undelivered_has_handed(st->store)))
		return false;
	*put_back = step_down(st);
	advisory_lock_close(st->lock);
	return true;
}

bool
exclusive_hides(const struct source *s, const char *channel)
{
	return s->exclusive && strcmp(s->exclusive->exclusive->channel, channel) == 0;
}

/* ----- What is kept */

bool
exclusive_keeps(struct exclusive *st, struct source *s, const struct record *r, bool room)
{
	struct exclusive_connection *p;
	const char *at;
	bool handed;

	if (!st || !st->store)
		return false;
	exclusive_connection_receives(s);
	p = s->exclusive;
	if (strcmp(r->channel, st->channel) == 0) {
		source_counts_take_back(&s->counts, r);
		at = advisory_lock_place(st->lock);
		if (at)
			life_sign_sender_hear(p->member, r, at);
		return true;
	}
	handed = st->active && room && !undelivered_waits(st->store) && undelivered_is_own(p->kept);
	undelivered_add(p->kept, r, handed);
	life_sign_sender_dirty(p->member);
	return !handed;
}

bool
exclusive_waits(const struct exclusive *st)
{
	return st && st->store && st->active && undelivered_waits(st->store);
}

bool
exclusive_hands_on(const struct exclusive *st)
{
	return exclusive_waits(st) && sinks_room_for_kept(st->sinks);
}

const struct record *
exclusive_hand_on(struct exclusive *st)
{
	return exclusive_waits(st) ? undelivered_hand_on(st->store) : NULL;
}

static void
on_delivered(struct fence *f, void *arg)
{
	struct exclusive *st = arg;

	(void)f;
	st->fenced = false;
	undelivered_delivered(st->store, st->fenced_to);
	life_sign_sender_delivered(st->signs, st->fenced_to);
}

void
exclusive_fence(struct exclusive *st)
{
	if (!st || !st->store || !st->active)
		return;
	/* The others can hear later what is delivered; only the end of the lock waits for it. */
	st->fence.patient = !exclusive_connection_is_last(st);
	if (st->fenced || !(undelivered_has_handed(st->store) || life_sign_sender_waits(st->signs)))
		return;
	st->fenced = true;
	st->fenced_to = undelivered_handed_to(st->store);
	st->fence.rows = true;
	st->fence.passed = on_delivered;
	st->fence.arg = st;
	fence_begin(st->sinks, &st->fence);
	fence_cover_held(st->sinks, &st->fence);
	fence_set(st->sinks, &st->fence);
}

static bool
give_way(void *arg)
{
	const struct exclusive *st = arg;

	return st->store && undelivered_drop(st->store);
}

/* ----- Active, or not */

/* This process got the lock. The record tells what may have been missed, so that this is no gap any more. */
static void
begin(struct exclusive *st)
{
	int64_t missing = st->store ? undelivered_missing_of_all(st->store) : -1;
	bool twice = st->taken_before;

	if (twice && missing >= 0) {
		st->record.since = missing;
		st->record.gap = st->record.time - missing;
	}
	st->taken_before = st->active = st->last = true;
	if (!st->store)
		return;
	undelivered_forget_gaps(st->store);
	/* What is behind our own first sign nobody else has delivered. */
	undelivered_take_over(st->store, twice);
	life_sign_sender_lock_at(st->signs, advisory_lock_place(st->lock));
	life_sign_sender_begin(st->signs);
}

/* Another process has it, where there is no reason. */
static uint64_t
wait(struct exclusive *st)
{
	uint64_t put_back = step_down(st);

	if (st->record.reason)
		return put_back;
	st->taken_before = true;
	st->last = false;
	if (st->store)
		life_sign_sender_lock_at(st->signs, advisory_lock_place(st->lock));
	return put_back;
}

const struct record *
exclusive_next(struct exclusive *st, uint64_t *put_back)
{
	const struct record *r = st ? advisory_lock_next(st->lock) : NULL;

	*put_back = 0;
	if (!r && st && st->ended && !st->active)
		advisory_lock_close(st->lock);
	if (!r)
		return NULL;
	st->record = *r;
	if (r->kind == RECORD_ACTIVE)
		begin(st);
	else
		*put_back = wait(st);
	return &st->record;
}

/* For advisory_lock.c: everything that is not known to be delivered is here. */
static bool
is_complete(void *arg)
{
	const struct exclusive *st = arg;

	return !st->store ||
	       (st->sources->good == st->sources->count && life_sign_sender_is_whole(st->signs) &&
		   undelivered_missing_of_all(st->store) < 0);
}

static bool
may_deliver(void *arg)
{
	const struct exclusive *st = arg;

	return !st->active || advisory_lock_holds(st->lock);
}

uint64_t
exclusive_end(struct exclusive *st)
{
	if (!st)
		return 0;
	st->ended = true;
	if (!st->active)
		advisory_lock_close(st->lock);
	if (st->signs)
		life_sign_sender_stop(st->signs);
	return st->store && st->last && !st->active ? undelivered_waiting(st->store) : 0;
}

struct exclusive *
exclusive_new(const struct exclusive_settings *settings)
{
	struct exclusive *st = xcalloc(1, sizeof *st);

	st->sources = settings->sources;
	st->sinks = settings->sinks;
	st->lock = advisory_lock_new(
	    settings->base, settings->key, exclusive_connection_where, is_complete, st);
	st->channel = life_sign_channel(settings->key);
	st->sinks->may_deliver = may_deliver;
	st->sinks->arg = st;
	if (!settings->keeps)
		return st;
	st->sinks->give_way = give_way;
	log_debug("signs of life are on the channel %s", st->channel);
	st->store = undelivered_open(st->sinks);
	st->signs = life_sign_sender_open(settings->base, st->channel, st->store);
	return st;
}

void
exclusive_free(struct exclusive *st)
{
	if (!st)
		return;
	for (size_t i = 0; i < st->sources->count; i++)
		exclusive_connection_remove(st->sources->list[i]);
	for (size_t i = 0; i < st->sources->parting_count; i++)
		exclusive_connection_remove(st->sources->parting[i]);
	advisory_lock_free(st->lock);
	if (st->store) {
		fence_cancel(st->sinks, &st->fence);
		life_sign_sender_close(st->signs);
		undelivered_close(st->store);
	}
	st->sinks->may_deliver = NULL;
	st->sinks->give_way = NULL;
	free(st->channel);
	free(st);
}
