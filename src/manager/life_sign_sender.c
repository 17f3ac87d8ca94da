#include "config.h"

#include "manager/life_sign_sender.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "manager/life_sign.h"
#include "manager/undelivered.h"
#include "postgres/connection.h"

#define PERIOD     SECOND       /* from one sign of the active process to the next */
#define ASK_PERIOD (5 * SECOND) /* from one question of a process that waits to the next */

/* A request that sends a sign, until its answer. */
struct ticket {
	struct group *group; /* NULL: the group was freed meanwhile */
};

/* The connections to one database. The first of them sends the signs of all. */
struct group {
	struct life_sign_sender *signs;
	char *place;
	struct ticket *ticket; /* of a sign that is on its way to the server */
	int64_t sent_at;       /* when the last sign was sent; monotonic; 0: none was */
	/* The number of a sign: the next one has to say that all before this one is delivered; 0: it need not. */
	int64_t owed;
	bool dirty;  /* a notification came since the last sign */
	bool urgent; /* the next sign is due at once */
	struct group *next;
};

struct member {
	struct life_sign_sender *signs;
	struct connection *connection;
	struct undelivered *kept;
	struct group *group; /* NULL: the connection gets no signs */
	bool expected;       /* between life_sign_sender_expect() and join or leave */
	int64_t heard;       /* the number of the last of our own signs that came */
	uint64_t heard_at;   /* notifications that came before it have lower numbers */
	int64_t delivered;   /* the last of our own signs before which all is delivered */
	struct member *next;
};

struct life_sign_sender {
	const char *channel;
	struct store *store;
	char place[LIFE_SIGN_PLACE]; /* "": not known */
	bool active, stopped;
	int64_t process;
	int64_t number;  /* of the last sign */
	size_t expected; /* how many members are */
	struct member *members;
	struct group *groups;
	struct event timer;
};

/* The last of our signs before which all is delivered, on each connection to the database. */
static int64_t
delivered(const struct group *g)
{
	int64_t least = INT64_MAX;

	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g && m->delivered < least)
			least = m->delivered;
	return least;
}

static struct member *
first_of(const struct group *g)
{
	struct member *m = g->signs->members;

	while (m && m->group != g)
		m = m->next;
	return m;
}

/* Whether something may be missing here, which the active process has not said to have delivered. */
static bool
is_incomplete(const struct group *g)
{
	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g && undelivered_missing(m->kept) >= 0)
			return true;
	return false;
}

/* When the next sign is due: monotonic; INT64_MAX: not before something else happens. */
static int64_t
due(const struct group *g)
{
	const struct life_sign_sender *s = g->signs;

	if (s->stopped || g->ticket || !*s->place || !first_of(g))
		return INT64_MAX;
	if (!s->active)
		return is_incomplete(g) ? g->sent_at + ASK_PERIOD : INT64_MAX;
	if (s->expected || (g->owed && delivered(g) < g->owed) || !(g->owed || g->dirty))
		return INT64_MAX;
	return g->urgent ? 0 : g->sent_at + PERIOD;
}

/* For how long the oldest notification that is not delivered has waited at most; microseconds. */
static int64_t
behind(const struct group *g)
{
	int64_t now = clock_realtime(), most = 0;

	for (const struct member *m = g->signs->members; m; m = m->next) {
		int64_t oldest = m->group == g ? undelivered_oldest(m->kept) : -1;

		if (oldest >= 0 && now - oldest > most)
			most = now - oldest;
	}
	return most;
}

/* We do not know whether the sign was sent: what it said has to be said again. */
static void
fail(struct group *g, const char *reason)
{
	log_debug("no sign of life in %s: %s", g->place, reason);
	g->dirty = g->dirty || g->owed;
	g->urgent = false;
	g->owed = 0;
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
		fail(g, result ? request_message(result) : "the connection was lost");
	tick(g->signs);
}

/* Makes the next sign, and notes what the sign after it will have to say. */
static struct life_sign
next_sign(struct group *g)
{
	struct life_sign_sender *s = g->signs;
	struct life_sign sign = {.asks = !s->active, .process = s->process};

	snprintf(sign.place, sizeof sign.place, "%s", s->place);
	if (sign.asks)
		return sign;
	sign.number = ++s->number;
	sign.delivered = delivered(g);
	sign.behind = behind(g);
	g->owed = g->dirty ? sign.number : 0;
	g->urgent = g->urgent && g->owed;
	g->dirty = false;
	return sign;
}

static void
send_sign(struct group *g)
{
	struct life_sign sign = next_sign(g);
	char *payload = life_sign_write(&sign);
	const char *parameters[] = {g->signs->channel, payload};
	struct ticket *t = xmalloc(sizeof *t);
	const struct member *first = first_of(g);

	assert(first);
	t->group = g;
	g->ticket = t;
	g->sent_at = clock_monotonic();
	if (!connection_ask(first->connection, xstrdup("SELECT pg_catalog.pg_notify($1, $2)"),
		parameters, 2, on_sent, t)) {
		free(t);
		g->ticket = NULL;
		fail(g, "the connection is lost");
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
		if (due(g) <= now)
			send_sign(g);
		if (due(g) < next)
			next = due(g);
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

	if (getentropy(&number, sizeof number) < 0)
		log_debug("no entropy: the number of this process is made of the time");
	return (int64_t)(number >> 1) | 1;
}

static void
restart(struct group *g)
{
	g->owed = 0;
	g->dirty = g->urgent = g->signs->active;
	g->sent_at = 0;
}

void
life_sign_sender_begin(struct life_sign_sender *s)
{
	s->active = true;
	s->process = new_process();
	for (struct member *m = s->members; m; m = m->next)
		m->heard = m->delivered = 0;
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

void
life_sign_sender_remove(struct member *m)
{
	struct member **at = &m->signs->members;

	life_sign_sender_leave(m);
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	free(m);
}

static void
set_expected(struct member *m, bool expected)
{
	m->signs->expected += (size_t)expected - (size_t)m->expected;
	m->expected = expected;
}

void
life_sign_sender_expect(struct member *m)
{
	m->group = NULL;
	set_expected(m, true);
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
	set_expected(m, false);
	m->group = group_at(m->signs, place);
	m->heard = m->delivered = 0;
	restart(m->group);
	tick(m->signs);
}

void
life_sign_sender_leave(struct member *m)
{
	set_expected(m, false);
	m->group = NULL;
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

void
life_sign_sender_asked(struct member *m)
{
	struct group *g = m->group;

	if (!g || !m->signs->active)
		return;
	g->dirty = g->urgent = true;
	tick(m->signs);
}

bool
life_sign_sender_hear(struct member *m, const struct life_sign *sign)
{
	if (!m->signs->active || sign->process != m->signs->process)
		return false;
	m->heard = sign->number;
	m->heard_at = undelivered_next_number(m->signs->store);
	return true;
}

void
life_sign_sender_delivered(struct life_sign_sender *s, uint64_t number)
{
	bool changed = false;

	for (struct member *m = s->members; m; m = m->next) {
		if (m->delivered >= m->heard || m->heard_at > number)
			continue;
		m->delivered = m->heard;
		changed = true;
	}
	if (changed)
		tick(s);
}

bool
life_sign_sender_waits(const struct life_sign_sender *s)
{
	for (const struct member *m = s->members; m; m = m->next)
		if (m->heard > m->delivered)
			return true;
	return false;
}
