#include "config.h"

#include "manager/exclusive_connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "manager/advisory_lock.h"
#include "manager/exclusive_internal.h"
#include "manager/life_sign_sender.h"
#include "manager/source.h"
#include "manager/undelivered.h"
#include "postgres/sql.h"

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
	return s && s->good && s->exclusive->place;
}

/* Tells advisory_lock.c where to connect. */
bool
exclusive_connection_where(struct advisory_lock_place *place, void *arg)
{
	struct source *first = first_of(arg);

	if (!is_ready(first))
		return false;
	place->target = first->subscription.target;
	place->beside = connection_conn(first->connection);
	place->name = first->exclusive->place;
	place->label = connection_label(first->connection);
	return true;
}

/* The first connection listens, and we know where: if the lock is elsewhere, moves it there. */
static void
settle(struct exclusive *st, const char *reason)
{
	struct source *first = first_of(st);
	const char *at = advisory_lock_place(st->lock);
	const char *label;

	assert(first);
	label = connection_label(first->connection);
	st->holder = first;
	if (at && strcmp(at, first->exclusive->place) == 0) {
		advisory_lock_renamed(st->lock, label);
		return;
	}
	if (at)
		advisory_lock_give_up(st->lock, label, reason);
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
		advisory_lock_give_up(st->lock, connection_label(first->connection), reason);
	} else {
		st->holder = NULL;
	}
}

/* The lock is where the last connection was, until what it has received is delivered, or another one is there. */
bool
exclusive_connection_is_last(const struct exclusive *st)
{
	return !st->holder && advisory_lock_place(st->lock);
}

/* The connection that the lock is beside was removed, and receives what was sent before: the lock stays so long. */
static bool
is_leaving(const struct exclusive *st)
{
	return st->holder && st->holder->parted;
}

/* ----- Connections */

/* The connection ends with such an answer; or libpq had no memory for another one. */
static void
ask_again(const struct exclusive_connection *p, const PGresult *result)
{
	connection_give_up(p->source->connection, request_message(result));
}

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
	if (!p->member)
		return;
	undelivered_own(p->kept);
	life_sign_sender_leave(p->member);
}

static void
on_hearing(void *arg, const PGresult *result)
{
	struct exclusive_connection *p = arg;

	if (is_late(p, result))
		return;
	if (request_refused(result))
		hear_no_signs(p, result);
	else if (request_failed(result))
		ask_again(p, result);
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
		ask_again(p, result);
		return;
	}
	p->place = xstrdup(request_value(result, 0, 0));
	if (p->member)
		undelivered_at(p->kept, p->place);
	if (p->member)
		ask(p, xasprintf("LISTEN %s", p->exclusive->channel), on_hearing);
	if (s == first_of(p->exclusive) && !is_leaving(p->exclusive))
		settle(p->exclusive,
		    "the first connection is at another server, or in another database, now");
}

void
exclusive_connection_add(struct exclusive *st, struct source *s)
{
	struct exclusive_connection *p;

	if (!st)
		return;
	s->exclusive = p = xcalloc(1, sizeof *p);
	p->exclusive = st;
	p->source = s;
	if (!st->store)
		return;
	p->kept = undelivered_add_connection(st->store);
	p->member = life_sign_sender_add(st->signs, s->connection, p->kept);
}

/* Through a pooler, notifications can come before it is proven that they do, which is when the connection listens. */
void
exclusive_connection_receives(struct source *s)
{
	const struct exclusive_connection *p = s->exclusive;

	if (!p->place && p->member)
		life_sign_sender_expect(p->member);
}

/* The source leaves. If a request is not answered yet, its answer frees it (is_late()). */
void
exclusive_connection_remove(struct source *s)
{
	struct exclusive_connection *p = s->exclusive;

	s->exclusive = NULL;
	if (!p)
		return;
	if (p->member) {
		life_sign_sender_remove(p->member);
		undelivered_remove_connection(p->kept);
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
exclusive_connection_listens(struct exclusive *st, struct source *s, const struct record *r)
{
	struct exclusive_connection *p = s->exclusive;

	if (!st)
		return;
	forget_place(p);
	if (p->member) {
		undelivered_connected(p->kept);
		life_sign_sender_expect(p->member);
		if (st->active)
			undelivered_own(p->kept);
		else
			undelivered_gap(p->kept, r->since >= 0 ? r->since : r->time);
	}
	ask(p, xstrdup("SELECT " SQL_PLACE), on_place);
}

void
exclusive_connection_lost(struct exclusive *st, struct source *s, const char *reason)
{
	if (!st)
		return;
	forget_place(s->exclusive);
	if (s->exclusive->member)
		life_sign_sender_leave(s->exclusive->member);
	if (s != first_of(st))
		return;
	advisory_lock_unreachable(st->lock);
	if (st->holder == s || exclusive_connection_is_last(st) || is_leaving(st))
		return; /* the lock's own session may still be there */
	st->holder = s;
	advisory_lock_give_up(st->lock, connection_label(s->connection), reason);
}

void
exclusive_connection_goes(struct exclusive *st, struct source *s)
{
	if (!st)
		return;
	exclusive_connection_remove(s);
	if (st->holder == s)
		leave_holder(st);
	else if (!st->holder && is_ready(first_of(st)))
		settle(st, "its connection was removed");
}

/* What the active process has received on the channel meanwhile is not here. */
void
exclusive_connection_listens_to_more(struct exclusive *st, struct source *s)
{
	struct exclusive_connection *p = st ? s->exclusive : NULL;

	if (!p || !p->member || st->active)
		return;
	undelivered_gap(p->kept, clock_realtime());
	life_sign_sender_ask(p->member);
}
