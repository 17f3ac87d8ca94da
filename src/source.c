#include "config.h"

#include "source.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "buffer.h"

/* Heartbeats that are due within this part of their interval go out together, with one wake-up. */
#define BEAT_SLACK 8

void
source_mark(struct source *s)
{
	struct sources *set = s->set;

	if (s->ready)
		return;
	s->ready = true;
	s->next_ready = NULL;
	if (set->ready)
		set->last_ready->next_ready = s;
	else
		set->ready = s;
	set->last_ready = s;
}

struct source *
sources_take_ready(struct sources *set)
{
	struct source *first = set->ready;

	set->ready = NULL;
	for (struct source *s = first; s; s = s->next_ready)
		s->ready = false;
	return first;
}

static void
on_wake(struct connection *c, void *arg)
{
	(void)c;
	source_mark(arg);
}

static void
arm_beat(struct sources *set, int64_t at, int64_t now)
{
	struct timeval tv;

	set->beat_at = at;
	if (at == INT64_MAX)
		return;
	timeval_from(at - now, &tv);
	event_add(&set->beat, &tv);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct sources *set = arg;
	int64_t now = clock_monotonic(), first = INT64_MAX;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < set->count; i++) {
		int64_t at = connection_beat(
		    set->list[i]->connection, now, set->settings.heartbeat / BEAT_SLACK);

		first = at < first ? at : first;
	}
	arm_beat(set, first, now);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;

	(void)fd;
	(void)what;
	connection_start(s->connection);
}

void
sources_init(
    struct sources *set, struct manager *manager, const struct connection_settings *settings)
{
	*set = (struct sources){.manager = manager, .settings = *settings, .beat_at = INT64_MAX};
	set->settings.wake = on_wake;
	evtimer_assign(&set->beat, settings->base, on_beat, set);
}

struct source *
sources_add(struct sources *set, struct subscription *subscription, bool at_start)
{
	struct connection_settings settings = set->settings;
	struct source *s = xcalloc(1, sizeof *s);

	s->set = set;
	s->subscription = *subscription;
	*subscription = (struct subscription){0};
	evtimer_assign(&s->retry, settings.base, on_retry, s);
	settings.arg = s;
	settings.policy.never_prompt |= !at_start;
	s->connection = connection_new(&s->subscription, &settings);
	set->list = xrealloc(set->list, (set->count + 1) * sizeof *set->list);
	set->list[set->count++] = s;
	set->starting += at_start;
	s->at_start = at_start;
	s->settled = !at_start;
	connection_pause(s->connection, set->paused);
	connection_start(s->connection);
	return s;
}

struct source *
sources_find(const struct sources *set, const char *label)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(connection_label(set->list[i]->connection), label) == 0)
			return set->list[i];
	return NULL;
}

/* Whoever waits for an attempt must not wait for ever. */
static void
tell_removed(struct source *s)
{
	const struct record r = {.kind = RECORD_LOST, .reason = "the connection was removed"};
	source_outcome *outcome = s->outcome;

	s->outcome = NULL;
	if (outcome)
		(void)outcome(s, &r, s->outcome_arg);
}

void
sources_remove(struct source *s)
{
	struct sources *set = s->set;
	size_t i = 0;

	while (set->list[i] != s)
		i++;
	memmove(set->list + i, set->list + i + 1, (set->count - i - 1) * sizeof *set->list);
	set->count--;
	set->good -= s->good;
	s->good = false;
	s->gone = true;
	event_del(&s->retry);
	connection_pause(s->connection, true);
	set->gone = xrealloc(set->gone, (set->gone_count + 1) * sizeof *set->gone);
	set->gone[set->gone_count++] = s;
	tell_removed(s);
}

static void
source_free(struct source *s)
{
	event_del(&s->retry);
	connection_free(s->connection);
	subscription_free(&s->subscription);
	free(s);
}

/* Out of the list of those to pull from. */
static void
unmark(struct source *s)
{
	struct sources *set = s->set;
	struct source **at = &set->ready, *before = NULL;

	if (!s->ready)
		return;
	for (; *at != s; at = &(*at)->next_ready)
		before = *at;
	*at = s->next_ready;
	if (set->last_ready == s)
		set->last_ready = before;
}

void
sources_reap(struct sources *set)
{
	while (set->gone_count) {
		struct source *s = set->gone[--set->gone_count];

		unmark(s);
		source_free(s);
	}
}

bool
sources_hope(const struct sources *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct source *s = set->list[i];

		if (connection_state(s->connection) != CONN_LOST ||
		    event_pending(&s->retry, EV_TIMEOUT, NULL))
			return true;
	}
	return false;
}

void
source_retry_now(struct source *s)
{
	event_del(&s->retry);
	if (connection_state(s->connection) == CONN_LOST)
		connection_start(s->connection);
}

void
sources_free(struct sources *set)
{
	sources_reap(set);
	for (size_t i = 0; i < set->count; i++)
		source_free(set->list[i]);
	event_del(&set->beat);
	free(set->gone);
	free(set->list);
	*set = (struct sources){0};
}

void
sources_pause(struct sources *set, bool paused)
{
	if (set->paused == paused)
		return;
	set->paused = paused;
	for (size_t i = 0; i < set->count; i++)
		connection_pause(set->list[i]->connection, paused);
	if (!paused) /* nobody was judged meanwhile */
		on_beat(-1, 0, set);
}

bool
source_settle(struct source *s)
{
	if (s->settled)
		return false;
	s->settled = true;
	return --s->set->starting == 0;
}

void
source_listens(struct source *s)
{
	struct sources *set = s->set;
	int64_t now = clock_monotonic(), at = connection_beat(s->connection, now, 0);

	s->good = true;
	set->good++;
	s->attempt = 0;
	s->listening_since = now;
	if (at < set->beat_at)
		arm_beat(set, at, now);
}

int64_t
source_fails(struct source *s, bool retry)
{
	int64_t lasted = s->good ? clock_monotonic() - s->listening_since : 0, delay;
	struct timeval tv;

	s->set->good -= s->good;
	s->good = false;
	s->attempt++;
	if (!retry)
		return -1;
	delay = backoff_next(&s->backoff, lasted);
	timeval_from(delay, &tv);
	event_add(&s->retry, &tv);
	return delay;
}

size_t
sources_failed(const struct sources *set)
{
	size_t failed = 0;

	for (size_t i = 0; i < set->count; i++)
		failed += set->list[i]->attempt > 0 && !set->list[i]->good;
	return failed;
}

char *
sources_garbage(const struct sources *set)
{
	struct buffer b = {0};
	char *labels;

	for (size_t i = 0; i < set->count; i++) {
		const struct source *s = set->list[i];

		if (s->settled && !s->good)
			buffer_addf(&b, "%s%s", buffer_length(&b) ? "\n" : "",
			    connection_label(s->connection));
	}
	labels = xstrndup(buffer_length(&b) ? buffer_content(&b) : "", buffer_length(&b));
	buffer_free(&b);
	return labels;
}
