#include "config.h"

#include "sinks/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/status_line.h"
#include "base/stream.h"
#include "record/backlog.h"
#include "record/event_json.h"
#include "record/record.h"
#include "record/terminal.h"

/* So much of what came last is kept in one piece. */
#define FRESH_MAX FIFO_CHUNK

/* In the order of writing: the backlog, then `fresh`, which a reader that is fast enough takes as it is. */
struct output {
	struct sink sink;
	struct output_settings settings;
	struct stream *stream;
	struct backlog backlog;
	struct buffer fresh,
	    entries;          /* its bytes, and a struct queue_entry for each record of them */
	uint64_t idle_missed; /* the counts of idle events that the reader missed */
	bool blocked, ended, reader_gone;
	int error;
};

static void
hold(struct output *o)
{
	sink_hold(&o->sink,
	    backlog_size(&o->backlog) + buffer_length(&o->fresh) + buffer_length(&o->entries));
}

/* Moves the fresh bytes to the end of the backlog. */
static void
spill(struct output *o)
{
	queue_append(&o->backlog.waiting, &o->entries, &o->fresh);
	buffer_clear(&o->fresh);
	buffer_clear(&o->entries);
}

static void
format_event(struct output *o, const struct record *r, struct buffer *out)
{
	event_json_write(r, out);
	buffer_add(out, o->settings.end == FORMAT_END_NUL ? "" : "\n", 1);
}

/*
 * Events are taken even if the buffer is full. So events that repeat without end are left out while
 * the reader does not read: idle events, and attempts to reconnect that failed once more.
 */
static bool
is_missed(struct output *o, const struct record *r)
{
	bool repeated = r->kind == RECORD_IDLE || (r->kind == RECORD_LOST && r->attempt > 1);

	return repeated && o->blocked && sinks_exceeded(o->sink.set);
}

/* It stands behind the first `before` of the fresh bytes. */
static inline bool
took(struct output *o, enum queue_kind kind, size_t before)
{
	struct queue_entry e = {
	    .length = buffer_length(&o->fresh) - before, .kind = kind, .count = 1};

	buffer_add(&o->entries, &e, sizeof e);
	sink_hold(&o->sink, o->sink.held + e.length + sizeof e);
	if (buffer_length(&o->fresh) >= FRESH_MAX)
		spill(o);
	return true;
}

static RARELY bool
take_event(struct output *o, const struct record *r)
{
	size_t before = buffer_length(&o->fresh);
	struct record told = *r;

	if (is_missed(o, r)) {
		o->idle_missed += r->kind == RECORD_IDLE ? r->count : 0;
		return false;
	}
	if (r->kind == RECORD_IDLE) {
		told.count += o->idle_missed;
		o->idle_missed = 0;
	}
	format_event(o, &told, &o->fresh);
	if (o->settings.terminal)
		terminal_paint(o->settings.terminal, &o->fresh, before);
	return took(o, QUEUE_EVENT, before);
}

/*
 * There are two functions, so that a notification on its way to a pipe is not tested for a
 * terminal.
 */
static bool
output_take(struct sink *s, const struct record *r)
{
	struct output *o = (struct output *)s;
	size_t before = buffer_length(&o->fresh);

	if (r->kind != RECORD_NOTIFICATION)
		return take_event(o, r);
	format_write(o->settings.format, r, &o->fresh);
	return took(o, r->row ? QUEUE_ROW : QUEUE_NOTIFICATION, before);
}

/* The same for people. */
static bool
output_take_shown(struct sink *s, const struct record *r)
{
	struct output *o = (struct output *)s;
	struct terminal *t = o->settings.terminal;
	size_t before = buffer_length(&o->fresh);

	if (r->kind == RECORD_LISTENING)
		terminal_expect_listener(t, r);
	if (r->kind != RECORD_NOTIFICATION)
		return o->settings.events && take_event(o, r);
	if (!terminal_write(t, r, &o->fresh)) {
		format_write(o->settings.format, r, &o->fresh);
		terminal_paint(t, &o->fresh, before);
	}
	return took(o, queue_kind_of(r), before);
}

/* For the backlog: the event of discarded notifications. */
static void
mark(struct buffer *out, uint64_t count, void *arg)
{
	struct output *o = arg;
	const struct record r = {.kind = RECORD_DROPPED, .time = clock_realtime(), .count = count};

	if (o->settings.events)
		format_event(o, &r, out);
}

static bool
output_discard(struct sink *s)
{
	struct output *o = (struct output *)s;
	bool discarded;

	spill(o);
	discarded = backlog_discard(&o->backlog);
	hold(o);
	return discarded;
}

static uint64_t
output_forget(struct sink *s)
{
	struct output *o = (struct output *)s;
	uint64_t n;

	spill(o);
	n = backlog_forget(&o->backlog, false);
	hold(o);
	return n;
}

static void
on_written(const struct queue_entry *e, void *arg)
{
	struct output *o = arg;

	sink_done(&o->sink, e->count, e->kind == QUEUE_GAP ? SINK_DISCARDED : SINK_DELIVERED);
}

/* Nothing is written any more: what waits has failed. */
static void
end(struct output *o, int error)
{
	o->ended = true;
	o->error = error;
	o->reader_gone = error == EPIPE || error == ECONNRESET;
	o->settings.changed(o->settings.arg);
}

/* Writes what the reader takes now of `n` bytes, and says how much it was. */
static size_t
write_bytes(struct output *o, const char *bytes, size_t n)
{
	ssize_t w = n && status_line_hide() ? stream_write(o->stream, bytes, n) : 0;

	if (w < 0) {
		end(o, errno);
		return 0;
	}
	if (w > 0)
		status_line_written(bytes[w - 1]);
	o->sink.progress += (uint64_t)w;
	o->blocked = (size_t)w < n;
	return (size_t)w;
}

/* The usual case: one write takes all that came in this pass, and nothing has to be kept. */
static void
write_fresh(struct output *o)
{
	size_t n = buffer_length(&o->fresh), w = write_bytes(o, buffer_content(&o->fresh), n);

	if (w < n) {
		spill(o);
		queue_consume(&o->backlog.waiting, w, on_written, o);
		return;
	}
	sink_done(
	    &o->sink, buffer_length(&o->entries) / sizeof(struct queue_entry), SINK_DELIVERED);
	buffer_clear(&o->fresh);
	buffer_clear(&o->entries);
}

static RARELY bool
write_oldest(struct output *o, struct queue *q)
{
	size_t n;
	const char *bytes = fifo_front(&q->bytes, &n);

	queue_consume(q, write_bytes(o, bytes, n), on_written, o);
	return !o->blocked && !o->ended;
}

/* False: nothing can be written now, or nothing else is left. */
static bool
write_some(struct output *o)
{
	struct queue *q;

	if (o->sink.in == o->sink.out || !sink_may_deliver(&o->sink))
		return false;
	q = backlog_oldest(&o->backlog);
	if (q)
		return write_oldest(o, q);
	write_fresh(o);
	return false;
}

static void
output_pass(struct sink *s)
{
	struct output *o = (struct output *)s;

	if (!o->ended && !o->blocked) {
		while (write_some(o))
			;
		if (o->blocked && !o->ended && !stream_wait(o->stream))
			end(o, errno);
	}
	if (o->ended)
		sink_done(s, s->in - s->out, SINK_FAILED);
	hold(o);
}

static void
on_writable(void *arg)
{
	struct output *o = arg;

	o->blocked = false;
	o->settings.changed(o->settings.arg);
}

static void
on_gone(void *arg)
{
	struct output *o = arg;

	if (!o->ended)
		end(o, EPIPE);
}

struct output *
output_new(const struct output_settings *settings)
{
	static const struct sink_ops ops = {.take = output_take,
	    .discard = output_discard,
	    .forget = output_forget,
	    .pass = output_pass};
	static const struct sink_ops shown = {.take = output_take_shown,
	    .discard = output_discard,
	    .forget = output_forget,
	    .pass = output_pass};
	struct output *o = xcalloc(1, sizeof *o);

	o->sink.ops = settings->terminal ? &shown : &ops;
	o->sink.id = "output";
	o->sink.name = "the reader of standard output";
	if (settings->format)
		o->sink.kinds |= RECORD_BIT(RECORD_NOTIFICATION);
	if (settings->terminal)
		o->sink.kinds |= RECORD_BIT(RECORD_LISTENING);
	if (settings->events)
		o->sink.kinds |= event_json_kinds();
	o->settings = *settings;
	o->backlog.mark = mark;
	o->backlog.arg = o;
	/*
	 * While libpq holds what it has read, nothing that stays is put behind it in memory: malloc() takes blocks of more
	 * than 1 KiB from the end of the heap in a third of the time.
	 */
	(void)buffer_reserve(&o->fresh, FRESH_MAX);
	(void)buffer_reserve(&o->entries, FRESH_MAX / 16);
	o->stream = stream_open(settings->base, STDOUT_FILENO, on_writable, on_gone, o);
	return o;
}

struct sink *
output_sink(struct output *o)
{
	return &o->sink;
}

bool
output_ended(const struct output *o)
{
	return o->ended;
}

bool
output_finish(struct output *o)
{
	bool failed = o->error && !o->reader_gone;
	uint64_t left;
	char *count;

	spill(o);
	left = backlog_free(&o->backlog);
	count = xasprintf(
	    "; %" PRIu64 " notification%s not written", left, left == 1 ? " was" : "s were");
	if (!stream_close(o->stream) && !o->error) {
		failed = true;
		log_error("could not close standard output: %s", strerror(errno));
	} else if (failed) {
		log_error("could not write to standard output: %s%s", strerror(o->error),
		    left ? count : "");
	} else if (left) {
		log_error("%s%s",
		    o->reader_gone ? "the reader of standard output is gone"
				   : "standard output takes nothing more",
		    count);
	}
	free(count);
	buffer_free(&o->fresh);
	buffer_free(&o->entries);
	free(o);
	return left == 0 && !failed;
}
