#include "config.h"

#include "standing.h"

#include <stdlib.h>
#include <string.h>

#include "exclusive.h"
#include "source.h"
#include "sql.h"

/* What there is to know of one connection. */
struct post {
	struct standing *standing;
	struct source *source; /* NULL: it is gone, and only an answer is waited for */
	char *place;           /* its server and database; NULL: not known, or it does not listen */
	bool asking;           /* for that */
};

struct standing {
	struct sources *sources;
	struct exclusive *exclusive;
	struct source *holder; /* at whose place the lock is, or was asked for; NULL: nowhere yet */
	bool active;           /* the last record said so */
};

static struct source *
first_of(const struct standing *st)
{
	return st->sources->count ? st->sources->list[0] : NULL;
}

/* It listens, and it is known where. */
static bool
is_ready(const struct source *s)
{
	return s && s->good && s->post && s->post->place;
}

/* For exclusive.c. */
static bool
where(struct exclusive_place *place, void *arg)
{
	struct source *first = first_of(arg);

	if (!is_ready(first))
		return false;
	place->target = first->subscription.target;
	place->beside = connection_conn(first->connection);
	place->name = first->post->place;
	place->origin = connection_origin(first->connection);
	return true;
}

/* The first connection listens, and it is known where: the lock is there, or goes there. */
static void
settle(struct standing *st, const char *reason)
{
	struct source *first = first_of(st);
	const struct origin *origin = connection_origin(first->connection);
	const char *at = exclusive_place(st->exclusive);

	st->holder = first;
	if (at && strcmp(at, first->post->place) == 0) {
		exclusive_renamed(st->exclusive, origin);
		return;
	}
	if (at)
		exclusive_rest(st->exclusive, origin, reason);
	exclusive_go(st->exclusive);
}

/* Its source goes. An answer that is still to come finds nobody. */
static void
close_post(struct source *s)
{
	struct post *p = s->post;

	s->post = NULL;
	if (!p)
		return;
	p->source = NULL;
	free(p->place);
	p->place = NULL;
	if (!p->asking)
		free(p);
}

static void
on_place(void *arg, const PGresult *result)
{
	struct post *p = arg;
	struct source *s = p->source;

	p->asking = false;
	if (!s) {
		free(p);
		return;
	}
	if (!result)
		return; /* the connection is lost */
	if (request_failed(result)) {
		connection_give_up(s->connection, request_message(result)); /* to be asked again */
		return;
	}
	p->place = xstrdup(request_value(result, 0, 0));
	if (s == first_of(p->standing))
		settle(p->standing, "the first connection is at another server now");
}

void
standing_listens(struct standing *st, struct source *s)
{
	struct post *p;

	if (!st)
		return;
	if (!s->post) {
		s->post = xcalloc(1, sizeof *s->post);
		s->post->standing = st;
		s->post->source = s;
	}
	p = s->post;
	free(p->place);
	p->place = NULL;
	p->asking =
	    connection_ask(s->connection, xstrdup("SELECT " SQL_PLACE), NULL, 0, on_place, p);
}

void
standing_lost(struct standing *st, struct source *s, const char *reason)
{
	if (!st)
		return;
	if (s->post) {
		free(s->post->place);
		s->post->place = NULL;
	}
	if (s != first_of(st))
		return;
	exclusive_unreachable(st->exclusive);
	if (st->holder == s)
		return; /* the session of the lock is one of its own */
	st->holder = s;
	exclusive_rest(st->exclusive, connection_origin(s->connection), reason);
}

/* The lock stays, where the connection that is first now is at the same place. */
static void
leave_holder(struct standing *st)
{
	const char *reason = "its connection was removed";
	struct source *first = first_of(st);

	exclusive_unreachable(st->exclusive);
	if (is_ready(first)) {
		settle(st, reason);
	} else if (first) {
		st->holder = first;
		exclusive_rest(st->exclusive, connection_origin(first->connection), reason);
	} else {
		st->holder = NULL;
		st->active = false;
		exclusive_forget(st->exclusive);
	}
}

void
standing_parts(struct standing *st, struct source *s)
{
	if (!st)
		return;
	close_post(s);
	if (st->holder == s)
		leave_holder(st);
	else if (!st->holder && is_ready(first_of(st)))
		settle(st, NULL);
}

const struct record *
standing_next(struct standing *st)
{
	const struct record *r = st ? exclusive_next(st->exclusive) : NULL;

	if (r)
		st->active = r->kind == RECORD_ACTIVE;
	return r;
}

bool
standing_may_deliver(void *arg)
{
	const struct standing *st = arg;

	return !st->active || exclusive_holds(st->exclusive);
}

struct standing *
standing_new(struct event_base *base, const char *key, struct sources *sources)
{
	struct standing *st = xcalloc(1, sizeof *st);

	st->sources = sources;
	st->exclusive = exclusive_new(base, key, where, st);
	return st;
}

void
standing_free(struct standing *st)
{
	if (!st)
		return;
	exclusive_free(st->exclusive);
	for (size_t i = 0; i < st->sources->count; i++)
		close_post(st->sources->list[i]);
	free(st);
}
