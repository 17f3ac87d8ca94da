#include "config.h"

#include "sinks/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "record/encoding.h"
#include "record/record.h"
#include "sinks/chart.h"

/* A channel of a connection. */
struct row {
	char *channel; /* as the server sends it */
	size_t channel_length;
	char *label;
	size_t label_length;
	char *name; /* for people */
	uint64_t notifications, bytes;
};

struct stats {
	struct sink sink;
	int64_t began; /* of the monotonic clock */
	struct row rows[STATS_ROWS], others;
	size_t count, last; /* rows, and which was the last one to match */
	uint64_t notifications, bytes, signals;
	int64_t second;           /* of Unix time, */
	uint64_t in_second, peak; /* what came in it, and the most that came in any */
	uint64_t lost, gaps;
	int64_t gap; /* microseconds, in all */
	struct chart chart;
};

static bool
matches(const struct row *row, const struct record *r)
{
	const struct origin *o = r->origin;

	return row->channel_length == r->channel_length && row->label_length == o->label_length &&
	       memcmp(row->channel, r->channel, r->channel_length) == 0 &&
	       memcmp(row->label, o->label, o->label_length) == 0;
}

/* "jobs (app@db1)" */
static char *
name(const struct record *r)
{
	const struct origin *o = r->origin;
	struct buffer b = {0};
	char *text;

	if (o->encoding) {
		struct segments s = encoding_to_utf8(o->encoding, r->channel, r->channel_length);

		for (size_t i = 0; i < s.count; i++)
			buffer_add(&b, s.list[i].bytes, s.list[i].length);
	} else {
		buffer_add(&b, r->channel, r->channel_length);
	}
	buffer_addf(&b, " (%s)", o->label);
	text = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return text;
}

static struct row *
add_row(struct stats *s, const struct record *r)
{
	struct row *row = &s->rows[s->count];

	if (s->count == STATS_ROWS)
		return &s->others;
	row->channel = xstrndup(r->channel, r->channel_length);
	row->channel_length = r->channel_length;
	row->label = xstrndup(r->origin->label, r->origin->label_length);
	row->label_length = r->origin->label_length;
	row->name = name(r);
	s->last = s->count++;
	return row;
}

static struct row *
find_row(struct stats *s, const struct record *r)
{
	if (s->count && matches(&s->rows[s->last], r))
		return &s->rows[s->last];
	for (size_t i = 0; i < s->count; i++)
		if (matches(&s->rows[i], r)) {
			s->last = i;
			return &s->rows[i];
		}
	return add_row(s, r);
}

static void
take_notification(struct stats *s, const struct record *r)
{
	struct row *row = find_row(s, r);

	row->notifications++;
	row->bytes += r->payload_length;
	s->notifications++;
	s->bytes += r->payload_length;
	if (r->time / SECOND != s->second) {
		s->second = r->time / SECOND;
		s->in_second = 0;
	}
	if (++s->in_second > s->peak)
		s->peak = s->in_second;
	chart_add(&s->chart, r->time);
}

static bool
stats_take(struct sink *sink, const struct record *r)
{
	struct stats *s = (struct stats *)sink;

	if (r->kind == RECORD_NOTIFICATION) {
		take_notification(s, r);
	} else if (r->kind == RECORD_SIGNAL) {
		s->signals++;
	} else if (r->kind == RECORD_LOST) {
		s->lost += r->phase == LOST_LATER;
	} else if (r->since >= 0) {
		s->gaps++;
		s->gap += r->gap;
	}
	return false;
}

struct stats *
stats_new(void)
{
	static const struct sink_ops ops = {.take = stats_take};
	struct stats *s = xcalloc(1, sizeof *s);

	s->sink.ops = &ops;
	s->sink.name = "statistics";
	s->sink.kinds = RECORD_BIT(RECORD_NOTIFICATION) | RECORD_BIT(RECORD_SIGNAL) |
			RECORD_BIT(RECORD_LISTENING) | RECORD_BIT(RECORD_LOST);
	s->began = clock_monotonic();
	chart_start(&s->chart, clock_realtime());
	return s;
}

struct sink *
stats_sink(struct stats *s)
{
	return &s->sink;
}

void
stats_free(struct stats *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		free(s->rows[i].channel);
		free(s->rows[i].label);
		free(s->rows[i].name);
	}
	free(s);
}

static int
by_notifications(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->notifications != y->notifications)
		return x->notifications < y->notifications ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
report_row(const struct row *row, const char *name)
{
	log_result("%13" PRIu64 " %13" PRIu64 "  %s", row->notifications, row->bytes, name);
}

static void
report_rows(struct stats *s)
{
	qsort(s->rows, s->count, sizeof s->rows[0], by_notifications);
	log_result("notifications         bytes  channel (connection)");
	for (size_t i = 0; i < s->count; i++)
		report_row(&s->rows[i], s->rows[i].name);
	if (s->others.notifications)
		report_row(&s->others, "others");
}

static void
report_chart(struct stats *s)
{
	uint64_t most = chart_most(&s->chart);
	size_t columns = chart_used(&s->chart, clock_realtime());
	double seconds = (double)s->chart.width / SECOND;
	time_t start = s->chart.start / SECOND;
	char row[CHART_COLUMNS + 1], rate[32] = "", from[16];
	struct tm tm;

	snprintf(rate, sizeof rate, "%.1f/s", (double)most / seconds);
	for (size_t i = 0; i < CHART_ROWS; i++) {
		chart_row(&s->chart, i, columns, most, row);
		log_result("%13s |%s", i ? "" : rate, row);
	}
	memset(row, '-', columns);
	row[columns] = '\0';
	strftime(from, sizeof from, "%H:%M:%S", localtime_r(&start, &tm));
	log_result("%13s +%s", "", row);
	log_result("%13s  from %s on, a column is %.1f s", "", from, seconds);
}

static uint64_t
discarded(const struct stats *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->sink.set->count; i++)
		sum += s->sink.set->list[i]->discarded;
	return sum;
}

void
stats_report(struct stats *s)
{
	double duration = (double)(clock_monotonic() - s->began) / SECOND;
	uint64_t away = s->lost > s->gaps ? s->lost - s->gaps : 0;

	log_result("%" PRIu64 " notification%s, %" PRIu64
		   " byte%s of payload in %.1f s: %.1f/s, at "
		   "most %" PRIu64 " within a second",
	    s->notifications, s->notifications == 1 ? "" : "s", s->bytes, s->bytes == 1 ? "" : "s",
	    duration, duration > 0 ? (double)s->notifications / duration : 0, s->peak);
	log_result("%" PRIu64 " gap%s, %.1f s in all; %" PRIu64 " lost and not back; %" PRIu64
		   " discarded",
	    s->gaps, s->gaps == 1 ? "" : "s", (double)s->gap / SECOND, away, discarded(s));
	if (s->signals)
		log_result(
		    "%" PRIu64 " signal%s for --work-sql", s->signals, s->signals == 1 ? "" : "s");
	if (s->notifications == 0)
		return;
	report_rows(s);
	if (isatty(STDERR_FILENO))
		report_chart(s);
}
