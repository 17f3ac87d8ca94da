#include "config.h"

#include "sinks/spool.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/log.h"
#include "record/backlog.h"
#include "record/record.h"
#include "sinks/spool_file.h"
#include "sinks/spool_row.h"

/*
 * Bytes of one transaction, more or less: it must not hold up the loop for long, and on a full disk it must find
 * room in what SQLite's log has already (spool_file.c).
 */
#define BATCH_MAX ((size_t)1 << 18)

/*
 * A commit takes as long as hundreds of rows. So it waits while each pass brings more, but not for longer than
 * this; microseconds.
 */
#define GATHER 10000

/* How long SQLite waits for another process, in milliseconds; and when what failed is tried again. */
#define PATIENCE     10
#define RETRY_BUSY   (SECOND / 10)
#define RETRY_FAILED SECOND
/* A lock that is held for longer is worth a warning. */
#define BUSY_MAX (5 * SECOND)

/* In order: what is being committed (`batch`), then the backlog. */
struct spool {
	struct sink sink;
	struct spool_settings settings;
	struct spool_file *file;
	struct backlog backlog;
	struct buffer batch,
	    entries; /* packed rows, and a struct queue_entry for each record of them */
	struct buffer scratch;
	struct event retry;
	bool resting;      /* until `retry` */
	uint64_t in;       /* the sink's, at the last pass */
	int64_t gathering; /* since when; 0: nothing waits for a commit */
	int64_t failed;    /* when the batch failed for the first time; 0: it did not */
	bool told;         /* that it did */
	struct log_pace pace;
};

static void
hold(struct spool *s)
{
	sink_hold(&s->sink,
	    backlog_size(&s->backlog) + buffer_length(&s->batch) + buffer_length(&s->entries));
}

/* A row of a catch-up may be that large. It stays in its table, since it counts as not delivered. */
static void
leave_out(struct spool *s, const struct record *r, size_t size)
{
	log_error("could not write to the spool \"%s\": a row of %zu bytes is too large for it; "
		  "it takes %zu at most",
	    s->settings.path, size, spool_file_most(s->file));
	queue_add(&s->backlog.waiting, queue_kind_of(r), 1, "", 0);
}

static bool
spool_take(struct sink *sink, const struct record *r)
{
	struct spool *s = (struct spool *)sink;

	buffer_clear(&s->scratch);
	spool_row_pack_record(r, &s->scratch);
	if (buffer_length(&s->scratch) == 0)
		return false;
	if (buffer_length(&s->scratch) > spool_file_most(s->file))
		leave_out(s, r, buffer_length(&s->scratch));
	else
		queue_add(&s->backlog.waiting, queue_kind_of(r), 1, buffer_content(&s->scratch),
		    buffer_length(&s->scratch));
	hold(s);
	return true;
}

/* For the backlog: the row of discarded notifications. */
static void
mark(struct buffer *out, uint64_t count, void *arg)
{
	const struct record r = {.kind = RECORD_DROPPED, .time = clock_realtime(), .count = count};

	(void)arg;
	spool_row_pack_record(&r, out);
}

static bool
spool_discard(struct sink *sink)
{
	struct spool *s = (struct spool *)sink;
	bool discarded = backlog_discard(&s->backlog);

	hold(s);
	return discarded;
}

/* A batch that could not be committed goes back to the others. */
static uint64_t
spool_forget(struct sink *sink)
{
	struct spool *s = (struct spool *)sink;
	struct queue q = {0}, *kept = &s->backlog.kept;
	uint64_t n;

	queue_append(&q, &s->entries, &s->batch);
	buffer_clear(&s->entries);
	buffer_clear(&s->batch);
	while (queue_front(kept))
		queue_move(kept, &q);
	queue_free(kept);
	*kept = q;
	n = backlog_forget(&s->backlog, false);
	hold(s);
	return n;
}

/* A batch that failed is tried again as it is. */
static void
fill(struct spool *s)
{
	struct queue *q;
	const struct queue_entry *e;

	while (buffer_length(&s->batch) < BATCH_MAX && (q = backlog_oldest(&s->backlog)) &&
	       (e = queue_front(q))) {
		buffer_add(&s->entries, e, sizeof *e);
		queue_pop(q, &s->batch);
	}
}

static void
rest(struct spool *s, int64_t us)
{
	struct timeval tv;

	timeval_from(us, &tv);
	event_add(&s->retry, &tv);
	s->resting = true;
}

static void
fail(struct spool *s, bool busy)
{
	int64_t now = clock_monotonic();

	rest(s, busy ? RETRY_BUSY : RETRY_FAILED);
	if (!s->failed)
		s->failed = now;
	if ((busy && now - s->failed < BUSY_MAX) || !log_due(&s->pace))
		return;
	log_warning("could not write to the spool \"%s\": %s; what is received waits in the buffer",
	    s->settings.path, spool_file_error(s->file));
	s->told = true;
}

/* What was left out has no bytes. */
static enum sink_outcome
outcome_of(const struct queue_entry *e)
{
	if (e->kind == QUEUE_GAP)
		return SINK_DISCARDED;
	return e->length > 0 ? SINK_DELIVERED : SINK_FAILED;
}

static void
succeed(struct spool *s)
{
	const struct queue_entry *e = (const struct queue_entry *)buffer_content(&s->entries);
	size_t n = buffer_length(&s->entries) / sizeof *e;

	for (size_t i = 0; i < n; i++) {
		enum sink_outcome outcome = outcome_of(&e[i]);

		sink_done(&s->sink, e[i].count, outcome);
		if (e[i].kind != QUEUE_EVENT)
			s->settings.settled(
			    e[i].count, outcome == SINK_DELIVERED, s->settings.settled_arg);
	}
	buffer_clear(&s->batch);
	buffer_clear(&s->entries);
	if (s->told)
		log_warning("the spool \"%s\" can be written to again", s->settings.path);
	s->told = false;
	s->failed = 0;
	s->pace = (struct log_pace){0};
}

/* This pass has brought something, and the next one, which comes at once, may bring more. */
static bool
gathers(struct spool *s)
{
	bool more = s->sink.in > s->in;

	s->in = s->sink.in;
	if (!more || buffer_length(&s->entries) || backlog_size(&s->backlog) >= BATCH_MAX)
		return false;
	if (!s->gathering)
		s->gathering = clock_monotonic();
	else if (clock_monotonic() - s->gathering >= GATHER)
		return false;
	rest(s, 0);
	return true;
}

static void
spool_pass(struct sink *sink)
{
	struct spool *s = (struct spool *)sink;
	enum spool_db_result result = SPOOL_DB_OK;

	if (s->resting || gathers(s))
		return;
	s->gathering = 0;
	if (buffer_length(&s->entries) == 0)
		fill(s);
	if (buffer_length(&s->entries) == 0 || !sink_may_deliver(sink))
		return;
	if (buffer_length(&s->batch) > 0)
		result = spool_file_append(s->file, &s->batch);
	if (result)
		fail(s, result == SPOOL_DB_BUSY);
	else
		succeed(s);
	if (!result && backlog_oldest(&s->backlog))
		rest(s, 0); /* others have their turn */
	hold(s);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct spool *s = arg;

	(void)fd;
	(void)what;
	s->resting = false;
	s->settings.changed(s->settings.arg);
}

struct spool *
spool_new(const struct spool_settings *settings)
{
	static const struct sink_ops ops = {.take = spool_take,
	    .discard = spool_discard,
	    .forget = spool_forget,
	    .pass = spool_pass};
	struct spool_file *file = spool_file_open(settings->path, true, PATIENCE);
	struct spool *s;

	if (!file)
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->sink.ops = &ops;
	s->sink.id = "spool";
	s->sink.name = "the spool";
	s->sink.kinds = RECORD_BIT(RECORD_NOTIFICATION) | RECORD_BIT(RECORD_LISTENING);
	s->settings = *settings;
	s->file = file;
	s->backlog.mark = mark;
	evtimer_assign(&s->retry, settings->base, on_retry, s);
	return s;
}

bool
spool_count(struct spool *s, struct spool_count *count)
{
	return spool_file_count(s->file, count) == SPOOL_DB_OK;
}

struct sink *
spool_sink(struct spool *s)
{
	return &s->sink;
}

bool
spool_finish(struct spool *s)
{
	uint64_t left = s->sink.in - s->sink.out;
	const char *error = spool_file_error(s->file);

	if (left)
		log_error("could not write to the spool \"%s\": %s; %" PRIu64
			  " record%s not committed",
		    s->settings.path, *error ? error : "there was no time left", left,
		    left == 1 ? " was" : "s were");
	event_del(&s->retry);
	spool_file_close(s->file);
	(void)backlog_free(&s->backlog);
	buffer_free(&s->batch);
	buffer_free(&s->entries);
	buffer_free(&s->scratch);
	free(s);
	return left == 0;
}
