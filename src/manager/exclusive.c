#include "config.h"

#include "manager/exclusive.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "manager/advisory_lock.h"
#include "manager/life_sign.h"
#include "manager/life_sign_sender.h"
#include "manager/source.h"
#include "manager/undelivered.h"
#include "postgres/sql.h"
#include "sinks/sink.h"

/* What this file knows of one connection. */
struct exclusive_connection {
	struct exclusive *exclusive;
	struct source *source; /* NULL: the source is gone, and an answer is still to come */
	char *place;           /* its server and database; NULL: not known, or it does not listen */
	bool asking;           /* a request is not answered: SQL_PLACE, or LISTEN for the signs */
	struct undelivered *kept; /* NULL: this process keeps nothing */
	struct member *member;
};

struct exclusive {
	struct sources *sources;
	struct sinks *sinks;
	struct advisory_lock *lock;
	struct source
	    *holder; /* the lock is, or was asked for, in its database; NULL: nowhere yet */
	bool active; /* exclusive_next() returned RECORD_ACTIVE last */
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

/* This process is not active any more: what the sinks had goes back to what is kept, as if it had just come. */
static void
step_down(struct exclusive *st)
{
	if (st->active && st->store) {
		fence_cancel(st->sinks, &st->fence);
		st->fenced = false;
		undelivered_put_back(st->store);
		life_sign_sender_end(st->signs);
	}
	st->active = false;
}

/* ----- Where the lock is */

static struct source *
first_of(const struct exclusive *st)
{
	return st->sources->count ? st->sources->list[0] : NULL;
}

/* Whether the connection listens, and we know its server and database. */
static bool
is_ready(const struct source *s)
{
	return s && s->good && s->exclusive && s->exclusive->place;
}

/* Tells advisory_lock.c where to connect. */
static bool
where(struct advisory_lock_place *place, void *arg)
{
	struct source *first = first_of(arg);

	if (!is_ready(first))
		return false;
	place->target = first->subscription.target;
	place->beside = connection_conn(first->connection);
	place->name = first->exclusive->place;
	place->origin = connection_origin(first->connection);
	return true;
}

/* The first connection listens, and we know where: if the lock is elsewhere, moves it there. */
static void
settle(struct exclusive *st, const char *reason)
{
	struct source *first = first_of(st);
	const char *at = advisory_lock_place(st->lock);
	const struct origin *origin;

	assert(first);
	origin = connection_origin(first->connection);
	st->holder = first;
	if (at && strcmp(at, first->exclusive->place) == 0) {
		advisory_lock_renamed(st->lock, origin);
		return;
	}
	if (at)
		advisory_lock_give_up(st->lock, origin, reason);
	advisory_lock_connect(st->lock);
}

/* The connection that the lock followed is gone. If the one that is first now is in the same database, the lock stays. */
static void
leave_holder(struct exclusive *st)
{
	const char *reason = "its connection was removed";
	struct source *first = first_of(st);

	advisory_lock_unreachable(st->lock);
	if (is_ready(first)) {
		settle(st, reason);
	} else if (first) {
		st->holder = first;
		advisory_lock_give_up(st->lock, connection_origin(first->connection), reason);
	} else {
		st->holder = NULL;
		step_down(st);
		advisory_lock_close(st->lock);
	}
}

/* ----- Connections */

/* Whether an answer comes too late, since the source is gone, or the connection was lost. Frees `p` if the source is. */
static bool
is_late(struct exclusive_connection *p, const PGresult *result)
{
	p->asking = false;
	if (p->source)
		return !result;
	free(p);
	return true;
}

static void
ask(struct exclusive_connection *p, char *sql, request_done *done)
{
	p->asking = connection_ask(p->source->connection, sql, NULL, 0, done, p);
}

static void
hear_no_signs(const struct exclusive_connection *p, const PGresult *result)
{
	log_debug("%s: no signs of life: %s", connection_label(p->source->connection),
	    request_message(result));
	if (p->member)
		life_sign_sender_leave(p->member);
}

static void
on_hearing(void *arg, const PGresult *result)
{
	struct exclusive_connection *p = arg;

	if (is_late(p, result))
		return;
	if (request_failed(result))
		hear_no_signs(p, result);
	else
		life_sign_sender_join(p->member, p->place);
}

static void
on_place(void *arg, const PGresult *result)
{
	struct exclusive_connection *p = arg;
	struct source *s = p->source;

	if (is_late(p, result))
		return;
	if (request_failed(result)) {
		connection_give_up(s->connection, request_message(result)); /* to be asked again */
		return;
	}
	p->place = xstrdup(request_value(result, 0, 0));
	if (p->member)
		ask(p, xasprintf("LISTEN %s", p->exclusive->channel), on_hearing);
	if (s == first_of(p->exclusive))
		settle(p->exclusive, "the first connection is at another server now");
}

static struct exclusive_connection *
add_connection(struct exclusive *st, struct source *s)
{
	struct exclusive_connection *p = xcalloc(1, sizeof *p);

	p->exclusive = st;
	p->source = s;
	if (!st->store)
		return p;
	p->kept = undelivered_add_connection(st->store);
	p->member = life_sign_sender_add(st->signs, s->connection, p->kept);
	return p;
}

/* The source leaves. If a request is not answered yet, its answer frees it (is_late()). */
static void
remove_connection(struct source *s, bool wanted)
{
	struct exclusive_connection *p = s->exclusive;

	s->exclusive = NULL;
	if (!p)
		return;
	if (p->member) {
		life_sign_sender_remove(p->member);
		undelivered_remove_connection(p->kept, wanted);
	}
	p->source = NULL;
	free(p->place);
	p->place = NULL;
	if (!p->asking)
		free(p);
}

static void
forget_place(struct exclusive_connection *p)
{
	free(p->place);
	p->place = NULL;
}

/*
 * The process did not receive what was sent before the connection listened. If the process waits, that is a gap until it
 * knows that the active one has delivered it. If it is active, the record has told of the gap.
 */
void
exclusive_listens(struct exclusive *st, struct source *s, const struct record *r)
{
	struct exclusive_connection *p;

	if (!st)
		return;
	if (!s->exclusive)
		s->exclusive = add_connection(st, s);
	p = s->exclusive;
	forget_place(p);
	if (p->member) {
		undelivered_connected(p->kept);
		life_sign_sender_expect(p->member);
		if (!st->active)
			undelivered_gap(p->kept, r->since >= 0 ? r->since : r->time);
	}
	ask(p, xstrdup("SELECT " SQL_PLACE), on_place);
}

void
exclusive_lost(struct exclusive *st, struct source *s, const char *reason)
{
	if (!st)
		return;
	if (s->exclusive)
		forget_place(s->exclusive);
	if (s->exclusive && s->exclusive->member)
		life_sign_sender_leave(s->exclusive->member);
	if (s != first_of(st))
		return;
	advisory_lock_unreachable(st->lock);
	if (st->holder == s)
		return; /* the lock's own session may still be there */
	st->holder = s;
	advisory_lock_give_up(st->lock, connection_origin(s->connection), reason);
}

void
exclusive_parts(struct exclusive *st, struct source *s)
{
	if (!st)
		return;
	remove_connection(s, st->active);
	if (st->holder == s)
		leave_holder(st);
	else if (!st->holder && is_ready(first_of(st)))
		settle(st, NULL);
}

bool
exclusive_hides(const struct source *s, const char *channel)
{
	return s->exclusive && strcmp(s->exclusive->exclusive->channel, channel) == 0;
}

/* ----- What is kept */

static void
read_sign(struct exclusive_connection *p, const struct record *r)
{
	struct exclusive *st = p->exclusive;
	const char *at = advisory_lock_place(st->lock);
	struct life_sign sign;
	bool missing;

	if (!life_sign_read(r->payload, &sign) || !at || strcmp(sign.place, at) != 0)
		return; /* no sign, or that of a lock at another place */
	if (sign.asks) {
		life_sign_sender_asked(p->member);
		return;
	}
	if (life_sign_sender_hear(p->member, &sign))
		return;
	missing = undelivered_missing(p->kept) >= 0;
	undelivered_delivered_to(p->kept, sign.process, sign.delivered);
	if (undelivered_missing(p->kept) >= 0)
		undelivered_gap(p->kept, r->since - sign.behind);
	else if (missing)
		log_debug("%s: all that is not delivered is kept",
		    connection_label(p->source->connection));
	undelivered_mark(p->kept, sign.process, sign.number);
}

bool
exclusive_keeps(struct exclusive *st, struct source *s, const struct record *r)
{
	struct exclusive_connection *p = s->exclusive;
	bool handed;

	if (!st || !p || !p->member)
		return false;
	if (strcmp(r->channel, st->channel) == 0) {
		read_sign(p, r);
		return true;
	}
	handed = st->active && !undelivered_waits(st->store);
	undelivered_add(p->kept, r, handed);
	life_sign_sender_dirty(p->member);
	return !handed;
}

bool
exclusive_waits(const struct exclusive *st)
{
	return st && st->store && st->active && undelivered_waits(st->store);
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
	if (!st || !st->store || !st->active || st->fenced ||
	    !(undelivered_has_handed(st->store) || life_sign_sender_waits(st->signs)))
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

	if (st->taken_before && missing >= 0) {
		st->record.since = missing;
		st->record.gap = st->record.time - missing;
	}
	st->taken_before = st->active = true;
	if (!st->store)
		return;
	undelivered_forget_gaps(st->store);
	undelivered_own(st->store);
	life_sign_sender_lock_at(st->signs, advisory_lock_place(st->lock));
	life_sign_sender_begin(st->signs);
}

/* This process does not have the lock: without a reason in the record, because another process has it. */
static void
wait(struct exclusive *st)
{
	step_down(st);
	if (st->record.reason)
		return;
	st->taken_before = true;
	if (st->store)
		life_sign_sender_lock_at(st->signs, advisory_lock_place(st->lock));
}

const struct record *
exclusive_next(struct exclusive *st)
{
	const struct record *r = st ? advisory_lock_next(st->lock) : NULL;

	if (!r)
		return NULL;
	st->record = *r;
	if (r->kind == RECORD_ACTIVE)
		begin(st);
	else
		wait(st);
	return &st->record;
}

static bool
may_deliver(void *arg)
{
	const struct exclusive *st = arg;

	return !st->active || advisory_lock_holds(st->lock);
}

void
exclusive_end(struct exclusive *st)
{
	if (!st)
		return;
	if (!st->active)
		advisory_lock_close(st->lock);
	if (st->signs)
		life_sign_sender_stop(st->signs);
}

struct exclusive *
exclusive_new(const struct exclusive_settings *settings)
{
	struct exclusive *st = xcalloc(1, sizeof *st);

	st->sources = settings->sources;
	st->sinks = settings->sinks;
	st->lock = advisory_lock_new(settings->base, settings->key, where, st);
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
	advisory_lock_free(st->lock);
	for (size_t i = 0; i < st->sources->count; i++)
		remove_connection(st->sources->list[i], false);
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
