/*
 * What is kept until it is known to be delivered, and what signs of life say. Speaks TAP.
 */
#include "config.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "manager/heard_signs.h"
#include "manager/life_sign.h"
#include "manager/life_sign_group.h"
#include "manager/life_sign_sender.h"
#include "manager/undelivered.h"
#include "postgres/connection.h"
#include "postgres/subscription.h"
#include "postgres/target.h"
#include "record/record.h"
#include "sinks/sink.h"
#include "tap.h"

static struct origin one = {.label = "one", .label_length = 3, .serial = 1},
		     two = {.label = "two", .label_length = 3, .serial = 2};

static void
add(struct undelivered *k, const struct origin *o, const char *payload, bool handed)
{
	const struct record r = {.kind = RECORD_NOTIFICATION,
	    .origin = o,
	    .channel = "jobs",
	    .channel_length = 4,
	    .payload = payload,
	    .payload_length = strlen(payload),
	    .time = 5,
	    .since = 100 + (int64_t)strlen(payload),
	    .pid = 7};

	undelivered_add(k, &r, handed);
}

/* All that waits, handed on: "one:a two:b", with "!" behind what others may have delivered. */
static void
check_waits(struct store *s, const char *expected, const char *what)
{
	const struct record *r;
	struct buffer b = {0};

	while ((r = undelivered_hand_on(s))) {
		bool whole = r->channel_length == 4 && strcmp(r->channel, "jobs") == 0 &&
			     strlen(r->payload) == r->payload_length && r->time == 5 && r->pid == 7;

		buffer_addf(&b, "%s%s:%s%s", buffer_length(&b) ? " " : "", r->origin->label,
		    whole ? r->payload : "?", r->takeover ? "!" : "");
	}
	check_buffer(what, &b, expected, "");
	buffer_free(&b);
}

static void
test_order(void)
{
	struct sinks sinks = {.budget = 1 << 20};
	struct store *s = undelivered_open(&sinks);
	struct undelivered *a = undelivered_add_connection(s), *b = undelivered_add_connection(s);

	check(!undelivered_waits(s) && !undelivered_hand_on(s) && undelivered_oldest(a) == -1,
	    "nothing", "is kept");
	add(a, &one, "1", false);
	add(b, &two, "22", false);
	add(a, &one, "", false);
	check(undelivered_waits(s) && undelivered_oldest(a) == 101 && undelivered_oldest(b) == 102,
	    "the oldest", "");
	undelivered_take_over(s, true);
	undelivered_own(a);
	add(b, &two, "4", false);
	undelivered_own(b);
	add(b, &two, "55", false);
	undelivered_own(b);
	check(undelivered_handed_to(s) == 1, "handed on", "nothing");
	check_waits(s, "one:1! two:22! one:! two:4! two:55", "in the order in which they came");
	check(undelivered_has_handed(s) && undelivered_handed_to(s) == undelivered_next_number(s),
	    "handed on", "all");
	undelivered_delivered(s, 3);
	undelivered_put_back(s);
	check(!undelivered_has_handed(s), "put back", "");
	check_waits(s, "one:! two:4! two:55", "what was not delivered comes again");
	undelivered_delivered(s, undelivered_next_number(s));
	check(!undelivered_has_handed(s) && sinks.held == 0, "delivered", "all");
	add(a, &one, "5", true);
	undelivered_put_back(s);
	undelivered_take_over(s, false);
	check_waits(s, "one:5!", "what was taken from the sinks may be delivered by others");
	undelivered_close(s);
	check(sinks.held == 0, "closed", "");
}

static void
test_marks(void)
{
	struct sinks sinks = {.budget = 1 << 20};
	struct store *s = undelivered_open(&sinks);
	struct undelivered *a = undelivered_add_connection(s), *b = undelivered_add_connection(s);

	undelivered_gap(a, 50);
	add(a, &one, "1", false);
	undelivered_mark(a, 9, 1);
	add(b, &two, "2", false);
	undelivered_mark(b, 9, 1);
	add(a, &one, "3", false);
	undelivered_delivered_to(a, 8, 1);
	undelivered_delivered_to(a, 9, 2);
	check(undelivered_oldest(a) == 101 && undelivered_missing_of_all(s) == 50, "a mark",
	    "that is not known");
	undelivered_delivered_to(a, 9, 1);
	check(undelivered_missing(a) == -1 && undelivered_missing_of_all(s) == -1, "a gap",
	    "that is behind");
	check_waits(s, "two:2 one:3", "a mark is of one connection");
	undelivered_gap(a, 60);
	undelivered_gap(a, 55);
	undelivered_delivered_to(a, 9, 1);
	check(undelivered_missing(a) == 55, "a mark", "before a gap");
	undelivered_remove_connection(a);
	check(undelivered_missing_of_all(s) == 55, "a gap", "of a connection that went");
	undelivered_put_back(s);
	check_waits(s, "two:2 one:3", "what is kept of a connection that went");
	undelivered_delivered(s, undelivered_next_number(s));
	undelivered_forget_gaps(s);
	undelivered_remove_connection(b);
	check(undelivered_missing_of_all(s) == -1 && sinks.held == 0, "forgotten", "");
	undelivered_close(s);
}

/* Of a connection that went, what another one hears at the same place tells when it is delivered. */
static void
test_removed(void)
{
	struct sinks sinks = {.budget = 1 << 20};
	struct store *s = undelivered_open(&sinks);
	struct undelivered *gone = undelivered_add_connection(s),
			   *deaf = undelivered_add_connection(s),
			   *there = undelivered_add_connection(s),
			   *elsewhere = undelivered_add_connection(s);

	undelivered_at(gone, "here");
	undelivered_at(deaf, "here");
	undelivered_at(there, "here");
	undelivered_at(elsewhere, "there");
	undelivered_mark(gone, 9, 3);
	undelivered_mark(deaf, 9, 3);
	undelivered_connected(deaf);
	undelivered_at(deaf, "here");
	add(gone, &one, "1", false);
	add(deaf, &two, "2", false);
	undelivered_gap(gone, 50);
	undelivered_remove_connection(gone);
	undelivered_remove_connection(deaf);
	undelivered_mark(there, 9, 2); /* it lags */
	undelivered_mark(elsewhere, 9, 4);
	undelivered_delivered_to(there, 9, 2);
	undelivered_delivered_to(elsewhere, 9, 4);
	check(undelivered_missing_of_all(s) == 50, "a mark", "that stands before it, or elsewhere");
	undelivered_mark(there, 9, 5);
	undelivered_delivered_to(there, 9, 5);
	check(undelivered_missing_of_all(s) == -1, "a gap", "of one that went, and is delivered");
	check_waits(s, "two:2", "one that went and had heard no mark since it was connected stays");
	undelivered_close(s);
}

static void
test_room(void)
{
	struct sinks sinks = {.budget = 4000};
	struct store *s = undelivered_open(&sinks);
	struct undelivered *a = undelivered_add_connection(s);
	char payload[1000] = "";

	memset(payload, 'x', sizeof payload - 1);
	for (int i = 0; i < 10; i++)
		add(a, &one, payload, false);
	check(sinks.held > 2000 && sinks.held <= 3000, "room", "is left for others");
	check(undelivered_missing(a) == 100 + (int64_t)sizeof payload - 1, "dropped", "is a gap");
	undelivered_mark(a, 1, 1);
	undelivered_delivered_to(a, 1, 1);
	check(undelivered_missing(a) == -1 && sinks.held == 0, "dropped", "and delivered is none");
	add(a, &one, "a", true);
	check(undelivered_drop(s) && !undelivered_drop(s) && undelivered_missing(a) == 101,
	    "dropped", "by hand");
	undelivered_delivered(s, undelivered_next_number(s));
	check(undelivered_missing(a) == -1, "dropped", "what the sinks had");
	sinks.budget = 1;
	add(a, &one, "a", false);
	check(!undelivered_waits(s) && undelivered_missing(a) == 101, "no room", "at all");
	undelivered_close(s);
}

static bool
is_same(const struct life_sign *a, const struct life_sign *b)
{
	return strcmp(a->place, b->place) == 0 && a->asks == b->asks && a->process == b->process &&
	       a->number == b->number && a->delivered == b->delivered && a->behind == b->behind;
}

static void
test_signs(void)
{
	static const char *const wrong[] = {"", "alive", "who", "who ", "alive p 1 1 0",
	    "alive p 1 1 0 0 0", "alive p 0 1 0 0", "alive p 1 -1 0 0", "alive p 1 1 -1 0",
	    "alive p 1 1 0 -1", "alive p x 1 0 0", "alive  1 1 0 0", "who p p", "dead p 1 1 0 0",
	    "who 0123456789012345678901234567890123456789012345678901234567890123456789"};
	const struct life_sign says = {
	    .place = "5.20", .process = INT64_MAX, .number = 7, .delivered = 6, .behind = 8};
	const struct life_sign asks = {.place = "5.20", .asks = true};
	struct life_sign s;
	char *text = life_sign_write(&says), *number = life_sign_channel("-12"),
	     *same = life_sign_channel("-012"), *other = life_sign_channel("-12 "),
	     *empty = life_sign_channel("x");

	check(life_sign_read(text, &s) && is_same(&s, &says), "read as it was written", text);
	free(text);
	text = life_sign_write(&asks);
	check(life_sign_read(text, &s) && is_same(&s, &asks), "read as it was written", text);
	free(text);
	for (size_t i = 0; i < COUNT(wrong); i++)
		check(!life_sign_read(wrong[i], &s), "no sign", wrong[i]);
	check(strcmp(number, same) == 0, "a channel", "of one number");
	check(strcmp(number, other) != 0 && strlen(number) == strlen("pgwait_key_") + 32,
	    "a channel", number);
	/* FNV-1a with 128 bits. */
	check(strcmp(empty, "pgwait_key_d228cb69781a8caf78912b704e4a9477") == 0, "the hash", empty);
	free(number);
	free(same);
	free(other);
	free(empty);
}

static void
test_heard_signs(void)
{
	struct heard_signs h = {0};

	heard_signs_add(&h, 1, 10);
	heard_signs_add(&h, 1, 11);
	heard_signs_add(&h, 3, 20);
	check(
	    h.count == 2 && !heard_signs_deliver(&h, 9), "a sign", "behind what is not delivered");
	check(
	    heard_signs_deliver(&h, 15) && h.delivered == 1 && h.count == 1, "a sign", "delivered");
	/* Another connection has heard none of them, and received what has numbers up to 29. */
	heard_signs_hold_back(&h, 0, 30);
	check(h.delivered == 0 && !heard_signs_deliver(&h, 29), "a connection that goes",
	    "what it received is waited for");
	check(
	    heard_signs_deliver(&h, 30) && h.delivered == 3, "a connection that goes", "delivered");
	heard_signs_add(&h, 4, 40);
	heard_signs_hold_back(&h, 4, 50);
	check(heard_signs_deliver(&h, 40) && h.delivered == 4, "a connection that goes",
	    "which had heard as much");
	for (int64_t n = 5; n < 5 + HEARD_SIGNS_MAX + 3; n++)
		heard_signs_add(&h, n, 60);
	check(h.count == HEARD_SIGNS_MAX && heard_signs_deliver(&h, 60) &&
		  h.delivered == 4 + HEARD_SIGNS_MAX,
	    "too many", "the last are forgotten");
}

/* Where a connection is is not known when it goes: so what it received may have been sent before any sign. */
static void
test_unknown_place(void)
{
	struct event_base *base = event_base_new();
	struct sinks sinks = {.budget = 1 << 20};
	struct store *store = undelivered_open(&sinks);
	struct undelivered *a = undelivered_add_connection(store),
			   *b = undelivered_add_connection(store);
	struct life_sign_sender *s = life_sign_sender_open(base, "channel", store);
	char label[] = "one";
	struct target target = {.label = label};
	struct subscription subscription = {.target = &target};
	struct connection *c =
	    connection_new(&subscription, &(struct connection_settings){.base = base});
	struct member *m = life_sign_sender_add(s, c, a), *late = life_sign_sender_add(s, c, b);
	struct record r = {.kind = RECORD_NOTIFICATION};
	char *payload;

	life_sign_sender_begin(s);
	life_sign_sender_expect(m);
	life_sign_sender_join(m, "here");
	life_sign_sender_expect(late);
	s->number = 1;
	payload = xasprintf("alive here %" PRId64 " 1 0 0", s->process);
	r.payload = payload;
	life_sign_sender_hear(m, &r, "here");
	add(b, &two, "1", true);
	life_sign_sender_delivered(s, 1);
	check(m->heard.delivered == 1, "all before the sign", "is delivered");
	life_sign_sender_stop(s);
	snprintf(s->place, sizeof s->place, "here"); /* without which no sign is sent */
	check(life_sign_group_due(m->group) == INT64_MAX, "the place of one is not known",
	    "so nothing is said at the end either");
	*s->place = 0;
	life_sign_sender_leave(late);
	check(m->heard.delivered == 0, "it goes", "the sign is not delivered");
	life_sign_sender_delivered(s, undelivered_next_number(store));
	check(m->heard.delivered == 1, "what it received is delivered", "and so is the sign");
	snprintf(s->place, sizeof s->place, "here");
	check(life_sign_group_due(m->group) == 0, "at the end", "that is said at once");
	*s->place = 0;
	free(payload);
	life_sign_sender_close(s);
	undelivered_close(store);
	connection_free(c);
	event_base_free(base);
}

int
main(void)
{
	test_heard_signs();
	test_unknown_place();
	test_order();
	test_marks();
	test_removed();
	test_room();
	test_signs();
	return check_end();
}
