#include "config.h"

#include "manager/undelivered.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "manager/undelivered_line.h"
#include "record/encoding.h"
#include "record/origins.h"
#include "sinks/sink.h"

/* Of use are those that their process has not said to be delivered: it makes one a second. */
#define MARKS 64

/* Connections number their origins from 1. */
#define FIRST_SERIAL 0x80000000u

/* How much is there: of entries, and of what they say. */
struct tally {
	size_t handed, waiting, bytes;
};

struct mark {
	uint64_t process, n;
	uint64_t number; /* of what stands behind it */
};

struct undelivered {
	struct store *store;
	struct undelivered *next;
	struct undelivered_line handed, waiting; /* in this order */
	const struct origin *from;               /* of what comes */
	unsigned serial;                         /* of the origin that it is a copy of */
	bool removed;
	struct mark marks[MARKS];
	size_t mark;       /* the oldest */
	char *place;       /* where it is connected; NULL: not known */
	struct mark heard; /* the last one since it was connected; of process 0: none */
	int64_t missing;
	uint64_t complete; /* from this number on */
	uint64_t own;      /* another process may have delivered what has a smaller number */
};

struct store {
	struct sinks *sinks;
	struct undelivered *list;
	struct origins origins;
	uint64_t next_number;
	bool active;
	struct tally total;
	int64_t missing; /* of connections that went */
	struct buffer scratch;
	struct record record;
};

static struct tally
tally(const struct undelivered *k)
{
	return (struct tally){k->handed.entries.length, k->waiting.entries.length,
	    k->handed.bytes.length + k->waiting.bytes.length};
}

static size_t
size_of(const struct tally *t)
{
	return t->handed + t->waiting + t->bytes;
}

/* `before` is what the connection had. */
static void
account(struct undelivered *k, struct tally before)
{
	struct tally *total = &k->store->total, now = tally(k);

	total->handed += now.handed - before.handed;
	total->waiting += now.waiting - before.waiting;
	total->bytes += now.bytes - before.bytes;
	sinks_keep(k->store->sinks, size_of(total));
}

/* ----- Connections */

struct store *
undelivered_open(struct sinks *sinks)
{
	struct store *s = xcalloc(1, sizeof *s);

	s->sinks = sinks;
	s->next_number = 1;
	s->origins.serial = FIRST_SERIAL;
	s->missing = -1;
	return s;
}

struct undelivered *
undelivered_add_connection(struct store *store)
{
	struct undelivered *k = xcalloc(1, sizeof *k), **at = &store->list;

	k->store = store;
	k->missing = -1;
	while (*at)
		at = &(*at)->next;
	*at = k;
	return k;
}

void
undelivered_connected(struct undelivered *k)
{
	k->from = NULL;
	free(k->place);
	k->place = NULL;
	k->heard = (struct mark){0};
}

void
undelivered_at(struct undelivered *k, const char *place)
{
	free(k->place);
	k->place = xstrdup(place);
}

static void
free_kept(struct undelivered *k)
{
	struct undelivered **at = &k->store->list;
	struct tally before = tally(k);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	undelivered_line_free(&k->handed);
	undelivered_line_free(&k->waiting);
	account(k, before);
	free(k->place);
	free(k);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Nothing is kept, or may be known to be delivered yet. */
static bool
is_through(const struct undelivered *k)
{
	return !undelivered_line_front(&k->handed) && !undelivered_line_front(&k->waiting) &&
	       (k->missing < 0 || !k->heard.process);
}

/* One that went stays as long as it has something. */
static void
free_removed(struct store *store)
{
	struct undelivered *next;

	for (struct undelivered *k = store->list; k; k = next) {
		next = k->next;
		if (!k->removed || !is_through(k))
			continue;
		store->missing = earlier(store->missing, k->missing);
		free_kept(k);
	}
}

void
undelivered_remove_connection(struct undelivered *k)
{
	k->removed = true;
	free_removed(k->store);
}

void
undelivered_close(struct store *store)
{
	while (store->list)
		free_kept(store->list);
	origins_free(&store->origins);
	buffer_free(&store->scratch);
	free(store);
}

/* ----- What comes */

/* What is kept leaves a part of the buffer to the sinks, so that what is handed on finds room. */
static void
make_room(struct store *s)
{
	while (size_of(&s->total) > sinks_low_mark(s->sinks) && undelivered_drop(s))
		;
}

void
undelivered_add(struct undelivered *k, const struct record *r, bool handed)
{
	struct undelivered_line *l = handed ? &k->handed : &k->waiting;
	struct undelivered_entry e = {.number = k->store->next_number++, .after = r->since};
	struct tally before = tally(k);

	if (!k->from || k->serial != r->origin->serial)
		k->from = origins_get(
		    &k->store->origins, r->origin->label, encoding_name(r->origin->encoding));
	k->serial = r->origin->serial;
	e.from = k->from;
	undelivered_line_add(l, &e, r);
	account(k, before);
	make_room(k->store);
}

uint64_t
undelivered_next_number(const struct store *store)
{
	return store->next_number;
}

/* ----- What goes */

/* The connection whose oldest, of what was handed on, of what waits, or of both, is the oldest; NULL: there is none. */
static struct undelivered *
oldest(const struct store *s, bool handed, bool waiting)
{
	struct undelivered *found = NULL;
	uint64_t least = UINT64_MAX;

	for (struct undelivered *k = s->list; k; k = k->next) {
		const struct undelivered_entry *e =
		    handed ? undelivered_line_front(&k->handed) : NULL;

		if (!e && waiting)
			e = undelivered_line_front(&k->waiting);
		if (e && e->number < least) {
			least = e->number;
			found = k;
		}
	}
	return found;
}

bool
undelivered_waits(const struct store *store)
{
	return store->total.waiting > 0;
}

uint64_t
undelivered_waiting(const struct store *store)
{
	return store->total.waiting / sizeof(struct undelivered_entry);
}

const struct record *
undelivered_hand_on(struct store *store)
{
	struct undelivered *k = undelivered_waits(store) ? oldest(store, false, true) : NULL;
	struct tally before;

	if (!k)
		return NULL;
	before = tally(k);
	undelivered_line_unpack(&k->waiting, &store->scratch, &store->record);
	store->record.takeover = undelivered_line_front(&k->waiting)->number < k->own;
	undelivered_line_move_front(&k->waiting, &k->handed);
	account(k, before);
	return &store->record;
}

uint64_t
undelivered_handed_to(const struct store *store)
{
	const struct undelivered *k = undelivered_waits(store) ? oldest(store, false, true) : NULL;

	return k ? undelivered_line_front(&k->waiting)->number : store->next_number;
}

bool
undelivered_has_handed(const struct store *store)
{
	return store->total.handed > 0;
}

void
undelivered_delivered(struct store *store, uint64_t number)
{
	for (struct undelivered *k = store->list; k; k = k->next) {
		struct tally before = tally(k);

		undelivered_line_drop_before(&k->handed, number);
		account(k, before);
		if (k->complete <= number) /* what is not here the sinks had */
			k->missing = -1;
	}
	free_removed(store);
}

uint64_t
undelivered_put_back(struct store *store)
{
	uint64_t count = store->total.handed / sizeof(struct undelivered_entry);

	store->active = false;
	for (struct undelivered *k = store->list; k; k = k->next) {
		struct tally before = tally(k);
		struct undelivered_line all = k->handed;

		while (undelivered_line_front(&k->waiting))
			undelivered_line_move_front(&k->waiting, &all);
		undelivered_line_free(&k->waiting);
		k->waiting = all;
		k->handed = (struct undelivered_line){0};
		account(k, before);
	}
	return count;
}

void
undelivered_take_over(struct store *store, bool twice)
{
	store->active = true;
	for (struct undelivered *k = store->list; k; k = k->next)
		k->own = twice ? UINT64_MAX : store->next_number;
}

void
undelivered_own(struct undelivered *k)
{
	if (k->own > k->store->next_number)
		k->own = k->store->next_number;
}

bool
undelivered_is_own(const struct undelivered *k)
{
	return k->own <= k->store->next_number;
}

bool
undelivered_drop(struct store *store)
{
	struct undelivered *k = oldest(store, true, !store->active);
	struct undelivered_line *l;
	struct tally before;

	if (!k)
		return false;
	l = undelivered_line_front(&k->handed) ? &k->handed : &k->waiting;
	before = tally(k);
	k->missing = earlier(k->missing, undelivered_line_front(l)->after);
	if (k->complete <= undelivered_line_front(l)->number)
		k->complete = undelivered_line_front(l)->number + 1;
	undelivered_line_drop_front(l);
	account(k, before);
	return true;
}

int64_t
undelivered_oldest(const struct undelivered *k)
{
	const struct undelivered_entry *e = undelivered_line_front(&k->handed);

	if (!e)
		e = undelivered_line_front(&k->waiting);
	return e ? e->after : -1;
}

/* ----- Marks and gaps */

static void
add_mark(struct undelivered *k, struct mark m)
{
	k->marks[k->mark] = k->heard = m;
	k->mark = (k->mark + 1) % MARKS;
}

/* It went, and had heard an earlier mark at that place: so this one stands behind all that it received. */
static bool
ended_before(const struct undelivered *k, const char *place, struct mark m)
{
	return k->removed && k->heard.process == m.process && k->heard.n < m.n && k->place &&
	       place && strcmp(k->place, place) == 0;
}

void
undelivered_mark(struct undelivered *k, uint64_t process, uint64_t n)
{
	struct mark m = {process, n, k->store->next_number};

	add_mark(k, m);
	for (struct undelivered *other = k->store->list; other; other = other->next)
		if (ended_before(other, k->place, m))
			add_mark(other, m);
}

static void
drop_delivered(struct undelivered *k, uint64_t process, uint64_t n)
{
	struct tally before = tally(k);

	for (size_t i = 0; i < MARKS; i++) {
		const struct mark *m = &k->marks[i];

		if (m->process != process || m->n != n || m->number == 0)
			continue;
		undelivered_line_drop_before(&k->handed, m->number);
		undelivered_line_drop_before(&k->waiting, m->number);
		if (k->complete <= m->number)
			k->missing = -1;
		account(k, before);
		return;
	}
}

void
undelivered_delivered_to(struct undelivered *k, uint64_t process, uint64_t n)
{
	drop_delivered(k, process, n);
	for (struct undelivered *other = k->store->list; other; other = other->next)
		if (other->removed)
			drop_delivered(other, process, n);
	free_removed(k->store);
}

void
undelivered_gap(struct undelivered *k, int64_t since)
{
	k->missing = earlier(k->missing, since);
	k->complete = ++k->store->next_number; /* the marks that are there stand before it */
}

void
undelivered_gap_from(struct undelivered *k, int64_t since)
{
	k->missing = earlier(k->missing, since);
}

int64_t
undelivered_missing(const struct undelivered *k)
{
	return k->missing;
}

int64_t
undelivered_missing_of_all(const struct store *store)
{
	int64_t missing = store->missing;

	for (const struct undelivered *k = store->list; k; k = k->next)
		missing = earlier(missing, k->missing);
	return missing;
}

void
undelivered_forget_gaps(struct store *store)
{
	store->missing = -1;
	for (struct undelivered *k = store->list; k; k = k->next)
		k->missing = -1;
	free_removed(store);
}
