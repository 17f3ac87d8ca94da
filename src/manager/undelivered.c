#include "config.h"

#include "manager/undelivered.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fifo.h"
#include "record/encoding.h"
#include "record/origins.h"
#include "sinks/sink.h"

/* Marks of a connection. A process sends no sign before the last one is delivered, so few are of use at a time. */
#define MARKS 8

/* Of the copies of origins: connections number their own from 1. */
#define FIRST_SERIAL 0x80000000u

/* 32 bytes, for FIFO_CHUNK's sake. Behind it in `bytes` a struct head, and the strings with their zero bytes. */
struct entry {
	uint64_t number;
	int64_t after; /* it was not sent before this time */
	const struct origin *from;
	uint64_t length; /* of head and strings, in bytes */
};

struct head {
	int64_t time;
	int pid;
	uint32_t channel_length, payload_length;
};

static_assert(sizeof(struct entry) == 32, "entries are never split between chunks");

struct line {
	struct fifo entries, bytes;
};

/* How much is kept: bytes of entries that were handed on, of entries that wait, and of their heads and strings. */
struct tally {
	size_t handed, waiting, bytes;
};

struct mark {
	uint64_t process, n;
	uint64_t number; /* of the next notification behind it */
};

struct undelivered {
	struct store *store;
	struct undelivered *next;
	struct line handed, waiting; /* in this order */
	const struct origin *from;   /* for what comes: our copy of the connection's origin */
	unsigned serial;             /* of the origin that was copied */
	bool removed;
	struct mark marks[MARKS];
	size_t mark;       /* the oldest of the marks, which the next one replaces */
	int64_t missing;   /* from when on something may be missing; -1: nothing is */
	uint64_t complete; /* from this number on nothing is missing */
};

struct store {
	struct sinks *sinks;
	struct undelivered *list;
	struct origins origins;
	uint64_t next_number;
	uint64_t own_number; /* another process may have delivered what has a lower number */
	struct tally total;
	int64_t missing; /* of connections that were removed */
	struct buffer scratch;
	struct record record;
};

static struct entry *
front(const struct line *l)
{
	size_t n;

	return fifo_front(&l->entries, &n);
}

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

/* Adds to the total what the connection has now, and subtracts what it had `before`. */
static void
account(struct undelivered *k, struct tally before)
{
	struct tally *total = &k->store->total, now = tally(k);

	total->handed += now.handed - before.handed;
	total->waiting += now.waiting - before.waiting;
	total->bytes += now.bytes - before.bytes;
	sinks_keep(k->store->sinks, size_of(total));
}

/* ----- Lines */

static void
drop_front(struct line *l)
{
	fifo_consume(&l->bytes, front(l)->length);
	fifo_consume(&l->entries, sizeof(struct entry));
}

static void
drop_before(struct line *l, uint64_t number)
{
	const struct entry *e;

	while ((e = front(l)) && e->number < number)
		drop_front(l);
}

static void
move_front(struct line *from, struct line *to)
{
	fifo_move(&from->bytes, &to->bytes, front(from)->length);
	fifo_move(&from->entries, &to->entries, sizeof(struct entry));
}

static void
line_free(struct line *l)
{
	fifo_free(&l->entries);
	fifo_free(&l->bytes);
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
}

static void
free_kept(struct undelivered *k)
{
	struct undelivered **at = &k->store->list;
	struct tally before = tally(k);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	line_free(&k->handed);
	line_free(&k->waiting);
	account(k, before);
	free(k);
}

/* Frees the connections that were removed and have nothing any more. */
static void
free_removed(struct store *store)
{
	struct undelivered *next;

	for (struct undelivered *k = store->list; k; k = next) {
		next = k->next;
		if (k->removed && !front(&k->handed) && !front(&k->waiting))
			free_kept(k);
	}
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

void
undelivered_remove_connection(struct undelivered *k, bool wanted)
{
	struct store *store = k->store;

	store->missing = earlier(store->missing, k->missing);
	if (!wanted) {
		free_kept(k);
		return;
	}
	k->removed = true;
	free_removed(store);
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

/* Drops the oldest, so that the sinks have a part of the buffer for what is handed on. */
static void
make_room(struct store *s)
{
	while (size_of(&s->total) > sinks_low_mark(s->sinks) && undelivered_drop(s))
		;
}

void
undelivered_add(struct undelivered *k, const struct record *r, bool handed)
{
	struct line *l = handed ? &k->handed : &k->waiting;
	const struct head h = {.time = r->time,
	    .pid = r->pid,
	    .channel_length = (uint32_t)r->channel_length,
	    .payload_length = (uint32_t)r->payload_length};
	struct entry e = {.number = k->store->next_number++, .after = r->since};
	struct tally before = tally(k);
	size_t start = l->bytes.length;

	if (!k->from || k->serial != r->origin->serial)
		k->from = origins_get(
		    &k->store->origins, r->origin->label, encoding_name(r->origin->encoding));
	k->serial = r->origin->serial;
	e.from = k->from;
	fifo_add(&l->bytes, &h, sizeof h);
	fifo_add(&l->bytes, r->channel, r->channel_length + 1);
	fifo_add(&l->bytes, r->payload, r->payload_length + 1);
	e.length = l->bytes.length - start;
	fifo_add(&l->entries, &e, sizeof e);
	account(k, before);
	make_room(k->store);
}

uint64_t
undelivered_next_number(const struct store *store)
{
	return store->next_number;
}

/* ----- What goes */

/* The connection that has the oldest notification of all, or of those that wait; NULL: there is none. */
static struct undelivered *
oldest(const struct store *s, bool only_waiting)
{
	struct undelivered *found = NULL;
	uint64_t least = UINT64_MAX;

	for (struct undelivered *k = s->list; k; k = k->next) {
		const struct entry *e = only_waiting ? NULL : front(&k->handed);

		if (!e)
			e = front(&k->waiting);
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

/* The front of a line as a record, with its strings in `scratch`. */
static void
unpack(struct store *s, const struct line *l)
{
	const struct entry *e = front(l);
	struct head h;
	const char *strings;

	buffer_clear(&s->scratch);
	fifo_peek(&l->bytes, buffer_reserve(&s->scratch, e->length), e->length);
	strings = s->scratch.data;
	memcpy(&h, strings, sizeof h);
	strings += sizeof h;
	s->record = (struct record){.kind = RECORD_NOTIFICATION,
	    .origin = e->from,
	    .time = h.time,
	    .channel = strings,
	    .channel_length = h.channel_length,
	    .payload = strings + h.channel_length + 1,
	    .payload_length = h.payload_length,
	    .pid = h.pid,
	    .takeover = e->number < s->own_number};
}

const struct record *
undelivered_hand_on(struct store *store)
{
	struct undelivered *k = undelivered_waits(store) ? oldest(store, true) : NULL;
	struct tally before;

	if (!k)
		return NULL;
	before = tally(k);
	unpack(store, &k->waiting);
	move_front(&k->waiting, &k->handed);
	account(k, before);
	return &store->record;
}

uint64_t
undelivered_handed_to(const struct store *store)
{
	const struct undelivered *k = undelivered_waits(store) ? oldest(store, true) : NULL;

	return k ? front(&k->waiting)->number : store->next_number;
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

		drop_before(&k->handed, number);
		account(k, before);
		if (k->complete <=
		    number) /* what is missing was dropped here, but the sinks had it */
			k->missing = -1;
	}
	free_removed(store);
}

void
undelivered_put_back(struct store *store)
{
	for (struct undelivered *k = store->list; k; k = k->next) {
		struct tally before = tally(k);
		struct line all = k->handed;

		while (front(&k->waiting))
			move_front(&k->waiting, &all);
		line_free(&k->waiting);
		k->waiting = all;
		k->handed = (struct line){0};
		account(k, before);
	}
}

void
undelivered_own(struct store *store)
{
	store->own_number = store->next_number;
}

bool
undelivered_drop(struct store *store)
{
	struct undelivered *k = oldest(store, false);
	struct line *l;
	struct tally before;

	if (!k)
		return false;
	l = front(&k->handed) ? &k->handed : &k->waiting;
	before = tally(k);
	k->missing = earlier(k->missing, front(l)->after);
	if (k->complete <= front(l)->number)
		k->complete = front(l)->number + 1;
	drop_front(l);
	account(k, before);
	return true;
}

int64_t
undelivered_oldest(const struct undelivered *k)
{
	const struct entry *e = front(&k->handed);

	if (!e)
		e = front(&k->waiting);
	return e ? e->after : -1;
}

/* ----- Marks and gaps */

void
undelivered_mark(struct undelivered *k, uint64_t process, uint64_t n)
{
	k->marks[k->mark] = (struct mark){process, n, k->store->next_number};
	k->mark = (k->mark + 1) % MARKS;
}

void
undelivered_delivered_to(struct undelivered *k, uint64_t process, uint64_t n)
{
	struct tally before = tally(k);

	for (size_t i = 0; i < MARKS; i++) {
		const struct mark *m = &k->marks[i];

		if (m->process != process || m->n != n || m->number == 0)
			continue;
		drop_before(&k->handed, m->number);
		drop_before(&k->waiting, m->number);
		if (k->complete <= m->number)
			k->missing = -1;
		account(k, before);
		return;
	}
}

void
undelivered_gap(struct undelivered *k, int64_t since)
{
	k->missing = earlier(k->missing, since);
	k->complete = k->store->next_number;
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
}
