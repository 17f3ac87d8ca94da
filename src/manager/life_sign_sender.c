#include "config.h"

#include "manager/life_sign_sender.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/portable.h"
#include "manager/life_sign_group.h"
#include "manager/undelivered.h"
#include "postgres/connection.h"

/* Our own sign, behind which nobody else has delivered anything, will not come. */
static void
own_all(const struct group *g)
{
	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g)
			undelivered_own(m->kept);
}

/* Whether the sign was sent is not known. `result`: why the server refused it; NULL: the connection was lost. */
static void
fail(struct group *g, const PGresult *result)
{
	struct life_sign_sender *s = g->signs;

	if (result && !s->warned)
		log_warning("the other processes cannot be told what is delivered in %s: %s",
		    g->place, request_message(result));
	if (result)
		own_all(g);
	s->warned = result != NULL;
	g->dirty = s->active;
	g->asked = false;
	g->said = g->urgent = 0;
}

static void tick(struct life_sign_sender *s);

static void
on_sent(void *arg, const PGresult *result)
{
	struct ticket *t = arg;
	struct group *g = t->group;

	free(t);
	if (!g)
		return;
	g->ticket = NULL;
	if (request_failed(result))
		fail(g, request_refused(result) ? result : NULL);
	else
		g->signs->warned = false;
	tick(g->signs);
}

static void
send_sign(struct group *g)
{
	struct life_sign sign = life_sign_group_next(g);
	char *payload = life_sign_write(&sign);
	const char *parameters[] = {g->signs->channel, payload};
	struct ticket *t = xmalloc(sizeof *t);
	const struct member *first = life_sign_group_first(g);

	assert(first);
	t->group = g;
	g->ticket = t;
	g->sent_at = clock_monotonic();
	if (!connection_ask(first->connection, xstrdup("SELECT pg_catalog.pg_notify($1, $2)"),
		parameters, 2, on_sent, t)) {
		free(t);
		g->ticket = NULL;
		fail(g, NULL);
	}
	free(payload);
}

/* Sends the signs that are due, and sets the timer for the next. */
static void
tick(struct life_sign_sender *s)
{
	int64_t now = clock_monotonic(), next = INT64_MAX;
	struct timeval tv;

	for (struct group *g = s->groups; g; g = g->next) {
		if (life_sign_group_due(g) <= now)
			send_sign(g);
		if (life_sign_group_due(g) < next)
			next = life_sign_group_due(g);
	}
	event_del(&s->timer);
	if (next == INT64_MAX)
		return;
	timeval_from(next > now ? next - now : 0, &tv);
	event_add(&s->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tick(arg);
}

/* ----- Who sends, and when */

struct life_sign_sender *
life_sign_sender_open(struct event_base *base, const char *channel, struct store *store)
{
	struct life_sign_sender *s = xcalloc(1, sizeof *s);

	s->channel = channel;
	s->store = store;
	evtimer_assign(&s->timer, base, on_timer, s);
	return s;
}

void
life_sign_sender_close(struct life_sign_sender *s)
{
	struct group *next;

	while (s->members)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it leaves the list */
		life_sign_sender_remove(s->members);
	for (struct group *g = s->groups; g; g = next) {
		next = g->next;
		if (g->ticket)
			g->ticket->group = NULL;
		free(g->place);
		free(g);
	}
	event_del(&s->timer);
	free(s);
}

void
life_sign_sender_lock_at(struct life_sign_sender *s, const char *place)
{
	snprintf(s->place, sizeof s->place, "%s", place);
	tick(s);
}

/* A number that no other process has. */
static int64_t
new_process(void)
{
	uint64_t number = (uint64_t)clock_realtime() ^ (uint64_t)getpid() << 44;

	if (!portable_random(&number, sizeof number))
		log_debug("no entropy: the number of this process is made of the time");
	return (int64_t)(number >> 1) | 1;
}

static void
restart(struct group *g)
{
	g->said = g->urgent = 0;
	g->dirty = g->asked = g->signs->active;
	g->sent_at = 0;
}

void
life_sign_sender_begin(struct life_sign_sender *s)
{
	s->active = true;
	s->process = new_process();
	for (struct member *m = s->members; m; m = m->next)
		m->heard = (struct heard_signs){0};
	for (struct group *g = s->groups; g; g = g->next)
		restart(g);
	tick(s);
}

void
life_sign_sender_end(struct life_sign_sender *s)
{
	s->active = false;
	for (struct group *g = s->groups; g; g = g->next)
		restart(g);
	tick(s);
}

void
life_sign_sender_stop(struct life_sign_sender *s)
{
	s->stopped = true;
	tick(s);
}

struct member *
life_sign_sender_add(struct life_sign_sender *s, struct connection *c, struct undelivered *k)
{
	struct member *m = xcalloc(1, sizeof *m), **at = &s->members;

	*m = (struct member){.signs = s, .connection = c, .kept = k};
	while (*at)
		at = &(*at)->next;
	*at = m;
	return m;
}

/* Whether what it has received may have been sent before signs that the other one has heard. */
static bool
concerns(const struct member *m, const struct member *other)
{
	return other != m && other->group && (m->group ? m->group == other->group : m->expected);
}

/* The others do not wait for it any more, but for what it has received. */
static void
leave_group(struct member *m)
{
	struct life_sign_sender *s = m->signs;
	int64_t delivered = m->group ? m->heard.delivered : 0;

	for (struct member *other = s->members; other; other = other->next)
		if (concerns(m, other))
			heard_signs_hold_back(
			    &other->heard, delivered, undelivered_next_number(s->store));
	m->group = NULL;
}

void
life_sign_sender_remove(struct member *m)
{
	struct member **at = &m->signs->members;

	leave_group(m);
	life_sign_sender_leave(m);
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	free(m);
}

void
life_sign_sender_expect(struct member *m)
{
	if (m->expected)
		return;
	leave_group(m);
	m->lost = false;
	m->expected = true;
}

static struct group *
group_at(struct life_sign_sender *s, const char *place)
{
	struct group *g = s->groups;

	while (g && strcmp(g->place, place) != 0)
		g = g->next;
	if (g)
		return g;
	g = xcalloc(1, sizeof *g);
	g->signs = s;
	g->place = xstrdup(place);
	g->next = s->groups;
	s->groups = g;
	return g;
}

/* The signs before were true for the other connections of the group only: begins anew. */
void
life_sign_sender_join(struct member *m, const char *place)
{
	m->expected = false;
	m->group = group_at(m->signs, place);
	m->heard = (struct heard_signs){0};
	restart(m->group);
	tick(m->signs);
}

void
life_sign_sender_leave(struct member *m)
{
	if (m->expected)
		leave_group(m);
	m->expected = false;
	m->lost = m->group != NULL;
	tick(m->signs);
}

bool
life_sign_sender_is_whole(const struct life_sign_sender *s)
{
	for (const struct member *m = s->members; m; m = m->next)
		if (!m->group || m->lost)
			return false;
	return true;
}

void
life_sign_sender_ask(struct member *m)
{
	if (m->group && !m->signs->active)
		m->group->sent_at = 0;
	tick(m->signs);
}

void
life_sign_sender_dirty(struct member *m)
{
	struct group *g = m->group;

	if (!g || g->dirty || !m->signs->active)
		return;
	g->dirty = true;
	tick(m->signs);
}

/* Another process asks who is active. */
static void
answer(struct member *m)
{
	struct group *g = m->group;

	if (!g || !m->signs->active)
		return;
	g->dirty = g->asked = true;
	tick(m->signs);
}

/* A sign of our own. Anybody can send one with another number. */
static void
remember(struct member *m, const struct life_sign *sign)
{
	struct life_sign_sender *s = m->signs;

	undelivered_own(m->kept);
	if (sign->number <= s->number)
		heard_signs_add(&m->heard, sign->number, undelivered_next_number(s->store));
}

/* A sign of another process, which is active. */
static void
believe(struct member *m, const struct life_sign *sign, int64_t since)
{
	struct undelivered *k = m->kept;
	bool missing = undelivered_missing(k) >= 0;

	undelivered_delivered_to(k, sign->process, sign->delivered);
	if (undelivered_missing(k) >= 0)
		undelivered_gap_from(k, since - sign->behind);
	else if (missing)
		log_debug("%s: all that is not delivered is kept", connection_label(m->connection));
	if (sign->number)
		undelivered_mark(k, sign->process, sign->number);
}

void
life_sign_sender_hear(struct member *m, const struct record *r, const char *lock_at)
{
	struct life_sign sign;

	if (!life_sign_read(r->payload, &sign) || strcmp(sign.place, lock_at) != 0)
		return; /* the lock of the other process is at another place */
	if (sign.asks)
		answer(m);
	else if (m->signs->active && sign.process == m->signs->process)
		remember(m, &sign);
	else
		believe(m, &sign, r->since);
}

void
life_sign_sender_delivered(struct life_sign_sender *s, uint64_t number)
{
	bool changed = false;

	for (struct member *m = s->members; m; m = m->next)
		changed |= heard_signs_deliver(&m->heard, number);
	if (changed)
		tick(s);
}

bool
life_sign_sender_waits(const struct life_sign_sender *s)
{
	for (const struct member *m = s->members; m; m = m->next)
		if (m->heard.count)
			return true;
	return false;
}
