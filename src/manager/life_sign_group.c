#include "config.h"

#include "manager/life_sign_group.h"

#include <stdio.h>

#include "manager/undelivered.h"
#include "postgres/connection.h"

#define PERIOD     SECOND       /* from one sign to the next, where there is something to say */
#define ASK_PERIOD (5 * SECOND) /* from one question to the next */

/* Of all connections to the database, also those that are lost: what they missed was not delivered. */
static int64_t
delivered(const struct group *g)
{
	int64_t least = INT64_MAX;

	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g && m->heard.delivered < least)
			least = m->heard.delivered;
	return least;
}

struct member *
life_sign_group_first(const struct group *g)
{
	struct member *m = g->signs->members;

	while (m && (m->group != g || m->lost))
		m = m->next;
	return m;
}

/* There are too many signs that are not delivered: one more would not be remembered. */
static bool
is_full(const struct group *g)
{
	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g && m->heard.count == HEARD_SIGNS_MAX)
			return true;
	return false;
}

/* Something may be missing, as long as nobody is known to have delivered it. */
static bool
is_incomplete(const struct group *g)
{
	for (const struct member *m = g->signs->members; m; m = m->next)
		if (m->group == g && undelivered_missing(m->kept) >= 0)
			return true;
	return false;
}

/* What came over one of the connections, or may have come, stands before or behind none of our signs yet. */
static bool
is_undivided(const struct life_sign_sender *s)
{
	for (const struct member *m = s->members; m; m = m->next) {
		enum connection_state state = connection_state(m->connection);

		if (m->expected || state == CONN_READY || state == CONN_DYING)
			return true;
	}
	return false;
}

/* When the next sign is due: monotonic; INT64_MAX: not before something else happens. */
int64_t
life_sign_group_due(const struct group *g)
{
	const struct life_sign_sender *s = g->signs;
	bool news;

	if (g->ticket || !*s->place || !life_sign_group_first(g))
		return INT64_MAX;
	if (!s->active)
		return is_incomplete(g) && !s->stopped ? g->sent_at + ASK_PERIOD : INT64_MAX;
	if (is_undivided(s))
		return INT64_MAX;
	news = delivered(g) > g->said;
	if (s->stopped)
		return news ? 0 : INT64_MAX;
	if (g->asked || (g->urgent && delivered(g) >= g->urgent))
		return 0;
	return news || (g->dirty && !is_full(g)) ? g->sent_at + PERIOD : INT64_MAX;
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

/* Makes the next sign, and notes what the sign after it will have to say. */
struct life_sign
life_sign_group_next(struct group *g)
{
	struct life_sign_sender *s = g->signs;
	struct life_sign sign = {.asks = !s->active, .process = s->process};

	snprintf(sign.place, sizeof sign.place, "%s", s->place);
	if (sign.asks)
		return sign;
	sign.delivered = delivered(g);
	sign.behind = behind(g);
	g->said = sign.delivered;
	if (g->urgent && g->said >= g->urgent)
		g->urgent = 0;
	if (g->dirty && !is_full(g) && !s->stopped) {
		sign.number = ++s->number;
		g->urgent = g->asked ? sign.number : g->urgent;
		g->dirty = false;
	}
	g->asked = false;
	return sign;
}
