#include "config.h"

#include "manager/source.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/suggestion.h"
#include "base/timer.h"

/* Heartbeats that are due within this part of their interval go out together, with one wake-up. */
#define BEAT_SLACK 8

void
source_mark(struct source *s)
{
	struct sources *set = s->set;

	if (s->ready)
		return;
	s->ready = true;
	s->turn = set->turn;
	s->next_ready = NULL;
	if (set->ready)
		set->last_ready->next_ready = s;
	else
		set->ready = s;
	set->last_ready = s;
}

void
sources_begin_turn(struct sources *set)
{
	set->turn++;
}

struct source *
sources_next_ready(struct sources *set)
{
	struct source *s = set->ready;

	if (!s || s->turn == set->turn)
		return NULL;
	set->ready = s->next_ready;
	s->ready = false;
	return s;
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
	s->ready = false;
}

static void
on_wake(struct connection *c, void *arg)
{
	(void)c;
	source_mark(arg);
}

/* Of those in the set, and those that part. */
static struct source *
either(const struct sources *set, size_t i)
{
	return i < set->count ? set->list[i] : set->parting[i - set->count];
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
	for (size_t i = 0; i < set->count + set->parting_count; i++) {
		struct source *s = either(set, i);
		int64_t at =
		    connection_beat(s->connection, now, set->settings.heartbeat / BEAT_SLACK);

		first = at < first ? at : first;
	}
	arm_beat(set, first, now);
}

static void
on_retry(void *arg)
{
	struct source *s = arg;

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

/* Its state is another one from now on, or it is new or gone. */
static void
note_change(struct source *s)
{
	s->since = clock_realtime();
	s->set->changes++;
}

struct source *
sources_add(struct sources *set, struct subscription *subscription, bool at_start)
{
	struct connection_settings settings = set->settings;
	struct source *s = xcalloc(1, sizeof *s);

	s->set = set;
	s->subscription = *subscription;
	*subscription = (struct subscription){0};
	settings.arg = s;
	settings.policy.never_prompt |= !at_start;
	s->connection = connection_new(&s->subscription, &settings);
	set->list = xrealloc(set->list, (set->count + 1) * sizeof *set->list);
	set->list[set->count++] = s;
	set->starting += at_start;
	s->at_start = at_start;
	s->settled = !at_start;
	note_change(s);
	connection_pause(s->connection, set->paused);
	connection_start(s->connection);
	return s;
}

const char *
source_state(const struct source *s)
{
	return s->good ? "listening" : s->settled ? "garbage" : "connecting";
}

const char *
source_label(const struct source *s)
{
	return s->subscription.target->label;
}

struct source *
sources_find(const struct sources *set, const char *label)
{
	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves && strcmp(source_label(set->list[i]), label) == 0)
			return set->list[i];
	return NULL;
}

char *
sources_question(const struct sources *set, const char *label)
{
	struct suggestion nearest = {.word = label, .length = strlen(label)};

	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves)
			suggestion_offer(&nearest, source_label(set->list[i]));
	return suggestion_question(&nearest, "");
}

void
source_leave(struct source *s, source_removed *removed, void *arg)
{
	if (s->leaves)
		return;
	s->leaves = s->set->leave = true;
	s->removed = removed;
	s->removed_arg = arg;
}

void
source_through(struct source *s, const char *error)
{
	if (s->through)
		return;
	s->through = s->set->leave = true;
	s->left_error = error ? xstrdup(error) : NULL;
}

bool
sources_leave(const struct sources *set)
{
	return set->leave;
}

/* Out of the set; true if it was good. */
static bool
take_out(struct sources *set, size_t i)
{
	struct source *s = set->list[i];
	bool good = s->good;

	set->count--;
	memmove(set->list + i, set->list + i + 1, (set->count - i) * sizeof *set->list);
	set->parting = xrealloc(set->parting, (set->parting_count + 1) * sizeof *set->parting);
	set->parting[set->parting_count++] = s;
	set->good -= good;
	s->good = false;
	note_change(s);
	s->parted = true;
	timer_stop(&s->retry);
	return good;
}

/* Stops what is its own, in the order in which one is built upon the other. */
static void
source_close(struct source *s)
{
	unmark(s);
	timer_stop(&s->retry);
	connection_free(s->connection);
	s->connection = NULL;
}

static void
source_free(struct source *s)
{
	target_free(s->target);
	subscription_free(&s->subscription);
	free(s->left_error);
	free(s);
}

/* A command that waits for an attempt, or for the removal, must not wait for ever. */
static void
tell_removed(struct source *s)
{
	const struct record r = {.kind = RECORD_LOST, .reason = "the connection was removed"};

	if (s->outcome)
		(void)s->outcome(s, &r, s->outcome_arg);
	if (s->removed)
		s->removed(s->left_error, s->removed_arg);
	else if (s->left_error)
		log_warning("\"%s\" was removed before all that was sent could be received: %s",
		    source_label(s), s->left_error);
}

void
sources_part(
    struct sources *set, void (*parts)(struct source *s, bool good), void (*goes)(struct source *s))
{
	set->leave = false;
	for (size_t i = 0; i < set->count;) {
		struct source *s = set->list[i];

		if (s->leaves)
			parts(s, take_out(set, i));
		else
			i++;
	}
	for (size_t i = 0; i < set->parting_count;) {
		struct source *s = set->parting[i];

		if (!s->through) {
			i++;
			continue;
		}
		set->parting[i] = set->parting[--set->parting_count];
		goes(s);
		source_close(s);
		tell_removed(s);
		source_free(s);
	}
}

bool
sources_hope(const struct sources *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct source *s = set->list[i];

		if (s->leaves)
			continue;
		if (connection_state(s->connection) != CONN_LOST || s->retry)
			return true;
	}
	return false;
}

void
source_retry_now(struct source *s)
{
	timer_stop(&s->retry);
	if (connection_state(s->connection) == CONN_LOST)
		connection_start(s->connection);
}

void
source_retarget(struct source *s, struct target *t, const char *reason)
{
	target_free(s->target);
	s->target = t;
	if (connection_state(s->connection) == CONN_LOST)
		(void)source_takes_target(s);
	else
		connection_give_up(s->connection, reason);
}

const struct target *
source_next_target(const struct source *s)
{
	return s->target ? s->target : s->subscription.target;
}

void
source_rename(struct source *s, const char *label)
{
	target_rename(s->subscription.target, label);
	if (s->target)
		target_rename(s->target, label);
	connection_renamed(s->connection);
}

bool
source_takes_target(struct source *s)
{
	if (!s->target)
		return false;
	target_free(s->subscription.target);
	s->subscription.target = s->target;
	s->target = NULL;
	connection_renamed(s->connection);
	timer_stop(&s->retry);
	connection_start(s->connection);
	return true;
}

void
sources_free(struct sources *set)
{
	for (size_t i = 0; i < set->count + set->parting_count; i++) {
		struct source *s = either(set, i);

		source_close(s);
		source_free(s);
	}
	event_del(&set->beat);
	free(set->parting);
	free(set->list);
	*set = (struct sources){0};
}

void
sources_pause(struct sources *set, bool paused)
{
	if (set->paused == paused)
		return;
	set->paused = paused;
	for (size_t i = 0; i < set->count + set->parting_count; i++)
		connection_pause(either(set, i)->connection, paused);
	if (!paused) /* nobody was judged meanwhile */
		on_beat(-1, 0, set);
}

bool
source_settle(struct source *s)
{
	if (s->settled)
		return false;
	s->settled = true;
	if (!s->good)
		note_change(s); /* it was connecting */
	return --s->set->starting == 0;
}

void
source_listens(struct source *s)
{
	struct sources *set = s->set;
	int64_t now = clock_monotonic(), at = connection_beat(s->connection, now, 0);

	s->good = true;
	note_change(s);
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

	s->set->good -= s->good;
	if (s->good)
		note_change(s);
	s->good = false;
	s->attempt++;
	if (!retry)
		return -1;
	delay = backoff_next(&s->backoff, lasted);
	timer_start(&s->retry, s->set->settings.base, delay, on_retry, s);
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
