#include "config.h"

#include "sinks/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/log.h"
#include "record/format.h"
#include "record/record.h"

/* Beyond this many connections one line sums them up. */
#define LINES_MAX 10

struct report {
	struct sink sink;
	bool
	    drain; /* under cron every line becomes a mail, so a drain reports only what is wrong */
	bool sums_up; /* those that listen are only counted, until report_started() */
	size_t count;
};

/*
 * Whether to report a failure. Of failures in a row with the same reason, numbers 1, 2, 4, 8 and so
 * on are reported. A new reason always is, and so is a failure that ends pgwait.
 */
static bool
is_worth_a_line(const struct record *r)
{
	return r->fatal || !r->repeated || (r->attempt & (r->attempt - 1)) == 0;
}

/* "; attempt 4, the next one in 12 s", or a part of it. */
static char *
describe_retry(const struct record *r)
{
	char *attempt = r->attempt > 1 ? xasprintf("; attempt %u", r->attempt) : xstrdup("");
	char *text;

	if (r->retry < 0)
		text = xstrdup(attempt);
	else
		text = xasprintf("%s%s %.1f s", attempt,
		    r->attempt > 1 ? ", the next one in" : "; trying again in",
		    (double)r->retry / SECOND);
	free(attempt);
	return text;
}

/* What failed: "`what` the connection: reason". */
static void
report_failure(const struct record *r, const char *what)
{
	void (*say)(const char *, ...) = r->fatal ? log_error : log_warning;
	char *retry;

	if (!is_worth_a_line(r))
		return;
	retry = describe_retry(r);
	say("%s \"%s\": %s%s%s%s%s", what, r->origin->label, r->reason,
	    r->sqlstate ? " (SQLSTATE " : "", r->sqlstate ? r->sqlstate : "",
	    r->sqlstate ? ")" : "", retry);
	if (r->hint)
		log_hint("%s", r->hint);
	free(retry);
}

static void
report_lost(const struct record *r)
{
	static const char *const what[] = {[LOST_CONNECTING] = "could not connect to",
	    [LOST_LISTENING] = "could not listen on",
	    [LOST_LATER] = "lost the connection to"};

	report_failure(r, what[r->phase]);
}

/* "what was sent since ..., for 2.5 s, may be missing"; the caller's */
static char *
describe_gap(const struct record *r)
{
	char since[FORMAT_TIME_LENGTH];

	format_time(since, r->since);
	return xasprintf("what was sent since %.*s, for %.1f s, may be missing", FORMAT_TIME_LENGTH,
	    since, (double)r->gap / SECOND);
}

/* "listening on jobs, audit (app@db1)" */
static char *
describe_listening(const struct record *r, const char *again)
{
	struct buffer b = {0};
	char *text;

	buffer_addf(&b, r->channel_count ? "listening%s on " : "connected%s", again);
	for (size_t i = 0; i < r->channel_count; i++)
		buffer_addf(&b, "%s%s", i ? ", " : "", r->channels[i]);
	buffer_addf(&b, " (%s)", r->origin->label);
	text = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return text;
}

static void
report_listening(struct report *report, const struct record *r)
{
	char *line = describe_listening(r, r->since >= 0 ? " again" : "");
	char *gap;

	if (r->since >= 0) {
		gap = describe_gap(r);
		log_warning("%s: %s", line, gap);
		free(gap);
	} else if (report->sums_up) {
		report->count++;
	} else if (!report->drain) {
		log_info("%s", line);
	}
	free(line);
}

static void
report_caught_up(const struct report *report, const struct record *r)
{
	if (!report->drain && r->count)
		log_info("caught up with %" PRIu64 " row%s (%s)", r->count,
		    r->count == 1 ? "" : "s", r->origin->label);
}

static void
report_worked(const struct record *r)
{
	log_debug("worked off %" PRIu64 " row%s (%s)", r->count, r->count == 1 ? "" : "s",
	    r->origin->label);
}

static void
report_active(const struct report *report, const struct record *r)
{
	char *gap = r->since >= 0 ? describe_gap(r) : NULL;

	if (report->drain)
		;
	else if (gap && !r->covered)
		log_warning("active, with the lock \"%s\" (%s): %s", r->key, r->origin->label, gap);
	else
		log_info("active, with the lock \"%s\" (%s)", r->key, r->origin->label);
	free(gap);
}

static void
report_waiting(const struct report *report, const struct record *r)
{
	if (r->fatal)
		log_error(
		    "could not get the lock \"%s\" (%s): %s", r->key, r->origin->label, r->reason);
	else if (r->reason)
		log_warning("waiting: no session for the lock \"%s\" (%s): %s", r->key,
		    r->origin->label, r->reason);
	else if (!report->drain)
		log_info(
		    "waiting: another process has the lock \"%s\" (%s)", r->key, r->origin->label);
}

static void
report_reply(const struct record *r)
{
	const char *colon = *r->command ? ": " : "";

	if (r->error)
		log_error("%s%s%s", r->command, colon, r->error);
	else
		log_reply("%s%s%s", r->command, *r->answer ? ": " : "", r->answer);
}

static void
report_dropped(const struct record *r)
{
	char time[FORMAT_TIME_LENGTH];

	format_time(time, r->time);
	log_warning("%" PRIu64 " notification%s discarded here, at %.*s: the buffer was full",
	    r->count, r->count == 1 ? " was" : "s were", FORMAT_TIME_LENGTH, time);
}

static bool
report_take(struct sink *s, const struct record *r)
{
	struct report *report = (struct report *)s;

	switch (r->kind) {
	case RECORD_LISTENING:
		report_listening(report, r);
		break;
	case RECORD_LOST:
		report_lost(r);
		break;
	case RECORD_RUN_FAILED:
		report_failure(r, r->work ? "could not work on" : "could not catch up on");
		break;
	case RECORD_CAUGHT_UP:
		report_caught_up(report, r);
		break;
	case RECORD_WORKED:
		report_worked(r);
		break;
	case RECORD_ACTIVE:
		report_active(report, r);
		break;
	case RECORD_WAITING:
		report_waiting(report, r);
		break;
	case RECORD_REPLY:
		report_reply(r);
		break;
	case RECORD_DROPPED:
		report_dropped(r);
		break;
	case RECORD_NOTIFICATION:
	case RECORD_SIGNAL:
	case RECORD_IDLE:
		break;
	}
	return false;
}

struct report *
report_new(unsigned kinds, bool drain, size_t connections)
{
	static const struct sink_ops ops = {.take = report_take};
	struct report *r = xcalloc(1, sizeof *r);

	r->sink.ops = &ops;
	r->sink.name = "standard error";
	r->sink.kinds = kinds;
	r->drain = drain;
	r->sums_up = connections > LINES_MAX;
	return r;
}

struct sink *
report_sink(struct report *r)
{
	return &r->sink;
}

void
report_started(struct report *r)
{
	if (r->sums_up && r->count && !r->drain)
		log_info("listening on %zu connections", r->count);
	r->sums_up = false;
}

void
report_free(struct report *r)
{
	free(r);
}
