#include "config.h"

#include "manager/spool_drain.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "manager/delivery.h"
#include "manager/shutdown.h"
#include "record/encoding.h"
#include "record/origins.h"
#include "record/record.h"
#include "settings/options.h"
#include "sinks/sink.h"
#include "sinks/spool_file.h"
#include "sinks/spool_row.h"

/* Rows that are read at a time. */
#define CHUNK 500
/* How long to wait for another process at the file, in milliseconds. */
#define PATIENCE 5000

/* A record that was given to the sinks, and the rows it was made of: there may be several to a gap. */
struct item {
	struct fence fence;
	struct spool_drain *drain;
	struct item *before, *next; /* of those that are not delivered yet */
	size_t count;
	int64_t ids[];
};

struct spool_drain {
	const struct options *options;
	struct event_base *base;
	struct spool_file *file;

	struct buffer rows; /* of the chunk, packed */
	const char *next;   /* the first of them that was not taken yet */
	int64_t ids[CHUNK]; /* of all rows of the chunk */
	size_t id_count, id_taken;
	struct item *items;          /* those that are not delivered yet, */
	size_t pending;              /* and how many they are */
	struct buffer delivered;     /* IDs of rows still to be removed */
	uint64_t taken, undelivered; /* notifications; records that a sink failed to deliver */
	const char **gap_channels;
	struct origins origins;

	struct sinks sinks;
	struct delivery *delivery;
	struct event max_timer;
	enum cause cause;
	int signal;
	bool broken; /* the file could not be read, or rows not removed: it has been said */
	struct shutdown shutdown;
};

static void
end(struct spool_drain *s, enum cause cause)
{
	if (s->cause == CAUSE_NONE)
		s->cause = cause;
}

static bool
count_reached(const struct spool_drain *s)
{
	return s->options->count >= 0 && s->taken >= (uint64_t)s->options->count;
}

/* ----- From rows to records */

/* Whether the next row is about the same gap, in another channel. */
static bool
is_same_gap(const struct spool_row *a, const struct spool_row *b)
{
	return b->kind == RECORD_LISTENING && a->time == b->time && a->since == b->since &&
	       a->gap == b->gap && strcmp(a->label.bytes, b->label.bytes) == 0;
}

static void
take_row(struct spool_drain *s, struct spool_row *row)
{
	s->next = spool_row_unpack(s->next, row);
	s->id_taken++;
}

/* Takes the other rows of a gap, too. */
static void
take_gap(struct spool_drain *s, const struct spool_row *first, struct record *r)
{
	size_t count = 0;
	struct spool_row next;

	s->gap_channels[count++] = first->channel.bytes;
	while (s->id_taken < s->id_count) {
		(void)spool_row_unpack(s->next, &next);
		if (!is_same_gap(first, &next))
			break;
		s->gap_channels[count++] = next.channel.bytes;
		take_row(s, &next);
	}
	r->channels = s->gap_channels;
	r->channel_count = count;
}

/* The next record, for which there is a row: borrowed until the next call. */
static void
next_record(struct spool_drain *s, struct record *r)
{
	struct spool_row row;

	take_row(s, &row);
	*r = (struct record){.kind = row.kind,
	    .time = row.time,
	    .channel = row.channel.bytes,
	    .channel_length = row.channel.length,
	    .payload = row.payload.bytes,
	    .payload_length = row.payload.length,
	    .pid = row.pid,
	    .backend_pid = row.pid,
	    .since = row.since,
	    .gap = row.gap,
	    .count = row.count};
	if (row.kind != RECORD_DROPPED)
		r->origin = origins_get(&s->origins, row.label.bytes, row.encoding);
	if (row.kind == RECORD_LISTENING)
		take_gap(s, &row, r);
}

/* ----- Taking and removing */

static void
break_off(struct spool_drain *s, const char *what)
{
	log_error("could not %s the spool \"%s\": %s", what, s->options->from_spool,
	    spool_file_error(s->file));
	s->broken = true;
	end(s, CAUSE_ASKED);
}

/* False: there is none, or it cannot be read. */
static bool
read_chunk(struct spool_drain *s)
{
	int64_t last = s->id_count ? s->ids[s->id_count - 1] : INT64_MIN;
	const char *at;
	struct spool_row row;

	buffer_clear(&s->rows);
	s->id_taken = 0;
	if (spool_file_read(s->file, last, CHUNK, &s->rows, &s->id_count))
		break_off(s, "read");
	else if (s->id_count == 0)
		end(s, CAUSE_DRAINED);
	if (s->cause != CAUSE_NONE)
		return false;
	at = s->next = buffer_content(&s->rows);
	for (size_t i = 0; i < s->id_count; i++) {
		at = spool_row_unpack(at, &row);
		s->ids[i] = row.id;
	}
	return true;
}

static void
drop_item(struct item *item)
{
	struct spool_drain *s = item->drain;

	if (item->before)
		item->before->next = item->next;
	else
		s->items = item->next;
	if (item->next)
		item->next->before = item->before;
	s->pending--;
	free(item);
}

static void
on_passed(struct fence *f, void *arg)
{
	struct item *item = arg;
	struct spool_drain *s = item->drain;

	if (f->failed)
		s->undelivered++;
	else
		buffer_add(&s->delivered, item->ids, item->count * sizeof *item->ids);
	drop_item(item);
}

/* For the record that was made of the rows from the `first` of the chunk on, up to those that are not taken. */
static struct item *
add_item(struct spool_drain *s, size_t first)
{
	size_t count = s->id_taken - first;
	struct item *item = xmalloc(sizeof *item + count * sizeof *item->ids);

	*item = (struct item){.fence = {.passed = on_passed, .arg = item},
	    .drain = s,
	    .next = s->items,
	    .count = count};
	memcpy(item->ids, s->ids + first, count * sizeof *item->ids);
	if (s->items)
		s->items->before = item;
	s->items = item;
	s->pending++;
	return item;
}

static void
take_next(struct spool_drain *s)
{
	size_t first = s->id_taken;
	struct item *item;
	struct record r;

	next_record(s, &r);
	item = add_item(s, first);
	fence_begin(&s->sinks, &item->fence);
	sinks_take(&s->sinks, &r);
	fence_set(&s->sinks, &item->fence);
	if (r.kind == RECORD_NOTIFICATION)
		s->taken++;
}

/*
 * Whether something can be taken now. Of what a command runs for as much is taken as can run: the rest need not be
 * waited for when it is to end.
 */
static bool
can_take(struct spool_drain *s)
{
	const struct options *o = s->options;

	if (s->cause != CAUSE_NONE || !sinks_room(&s->sinks))
		return false;
	if (o->notify_cmd)
		return s->pending < (size_t)o->jobs;
	return s->pending == 0 || s->id_taken < s->id_count;
}

static void
pull(struct spool_drain *s)
{
	while (can_take(s) && !count_reached(s)) {
		if (s->id_taken < s->id_count || read_chunk(s))
			take_next(s);
	}
	if (count_reached(s))
		end(s, CAUSE_COUNT);
}

static void
remove_delivered(struct spool_drain *s)
{
	const void *ids = buffer_content(&s->delivered);
	size_t n = buffer_length(&s->delivered) / sizeof *s->ids;

	if (n && spool_file_remove(s->file, ids, n))
		break_off(s, "remove what was delivered from");
	buffer_clear(&s->delivered);
}

static void
deliver(struct spool_drain *s)
{
	pull(s);
	sinks_pass(&s->sinks);
	remove_delivered(s);
	if (delivery_ended(s->delivery))
		end(s, CAUSE_OUTPUT);
}

static void
pass(struct spool_drain *s)
{
	deliver(s);
	if (s->cause == CAUSE_NONE || s->shutdown.begun)
		return;
	shutdown_begin(&s->shutdown, s->base, &s->sinks);
	deliver(s);
}

/* ----- Start and end */

/* The pass that follows every turn of the loop does the rest. */
static void
on_change(void *arg)
{
	(void)arg;
}

static void
cut(struct spool_drain *s)
{
	sinks_stop(&s->sinks);
	shutdown_cut(&s->shutdown);
}

static void
on_max_time(evutil_socket_t fd, short what, void *arg)
{
	struct spool_drain *s = arg;

	(void)fd;
	(void)what;
	log_debug("the time is up");
	end(s, CAUSE_TIME);
}

static void
on_signal(int signo, void *arg)
{
	struct spool_drain *s = arg;

	if (signo == SIGUSR1)
		return; /* there is no connection to tell about */
	if (s->signal)
		cut(s);
	s->signal = signo;
	end(s, CAUSE_SIGNAL);
}

static void
run(struct spool_drain *s)
{
	struct timeval tv;

	s->gap_channels = xcalloc(CHUNK, sizeof *s->gap_channels);
	s->delivery = delivery_new(s->base, s->options, &s->sinks, on_change, s);
	evtimer_assign(&s->max_timer, s->base, on_max_time, s);
	timeval_from(s->options->max_time, &tv);
	if (s->options->max_time > 0)
		event_add(&s->max_timer, &tv);
	while (!shutdown_is_over(&s->shutdown)) {
		loop_turn(s->base, can_take(s));
		pass(s);
	}
}

static struct exit_status
finish(struct spool_drain *s)
{
	const struct options *o = s->options;
	const struct outcome outcome = {
	    .cause = s->cause,
	    .signal = s->signal,
	    .unmet = s->cause == CAUSE_OUTPUT || (o->count >= 0 && !count_reached(s)),
	    .any_good = true,
	};
	struct exit_status e = exit_status_of(&outcome);
	bool ok = delivery_finish(s->delivery);

	if (s->undelivered)
		log_error("%" PRIu64 " record%s not delivered, and stay%s in the spool \"%s\"",
		    s->undelivered, s->undelivered == 1 ? " was" : "s were",
		    s->undelivered == 1 ? "s" : "", o->from_spool);
	else if (ok && s->cause == CAUSE_OUTPUT)
		log_error(
		    "the reader of standard output is gone; the rest stays in the spool \"%s\"",
		    o->from_spool);
	if (!ok || s->broken || s->undelivered || s->shutdown.cut)
		e = (struct exit_status){STATUS_ERROR, 0};
	return e;
}

/* What a second signal has cut off. */
static void
free_items(struct spool_drain *s)
{
	struct item *next;

	for (struct item *item = s->items; item; item = next) {
		next = item->next;
		free(item);
	}
}

struct exit_status
spool_drain_run(const struct options *options)
{
	struct exit_status exit_status = {STATUS_ERROR, 0};
	struct spool_drain *s = xcalloc(1, sizeof *s);

	s->options = options;
	s->base = loop_new();
	if (!s->base ||
	    !signals_catch(s->base, false, on_signal, s)) /* before a file is too long */
		goto out;
	s->file = spool_file_open(options->from_spool, false, PATIENCE);
	if (!s->file)
		goto out;
	spool_file_select(s->file, options->channels, options->channel_count);
	switch (spool_file_lock(s->file)) {
	case SPOOL_DB_OK:
		run(s);
		exit_status = finish(s);
		break;
	case SPOOL_DB_BUSY:
		log_debug("another pgwait takes from the spool \"%s\"", options->from_spool);
		exit_status.status = options->count >= 0 ? STATUS_UNMET : STATUS_OK;
		break;
	case SPOOL_DB_FAILED:
		log_error("could not lock the spool \"%s\": %s", options->from_spool,
		    spool_file_error(s->file));
		break;
	}
out:
	if (s->file)
		spool_file_close(s->file);
	if (s->base) {
		signals_release();
		loop_free(s->base);
	}
	free_items(s);
	origins_free(&s->origins);
	buffer_free(&s->rows);
	buffer_free(&s->delivered);
	free(s->gap_channels);
	free(s);
	return exit_status;
}
