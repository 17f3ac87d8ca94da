#include "config.h"

#include "report.h"

#include <stdlib.h>

#include "buffer.h"
#include "log.h"
#include "record.h"

/* Beyond this many connections one line sums them up. */
#define LINES_MAX 10

struct report {
	struct sink sink;
	char *lines[LINES_MAX];
	size_t count;
};

static void
report_lost(const struct record *r)
{
	void (*say)(const char *, ...) = r->fatal ? log_error : log_warning;
	const char *open = r->sqlstate ? " (SQLSTATE " : "";
	const char *state = r->sqlstate ? r->sqlstate : "";
	const char *close = r->sqlstate ? ")" : "";
	const char *label = r->origin->label;

	switch (r->phase) {
	case LOST_CONNECTING:
		say("could not connect to \"%s\": %s%s%s%s", label, r->reason, open, state, close);
		break;
	case LOST_LISTENING:
		say("could not listen on \"%s\": %s%s%s%s", label, r->reason, open, state, close);
		break;
	case LOST_LATER:
		say("lost the connection to \"%s\": %s%s%s%s", label, r->reason, open, state,
		    close);
		break;
	}
}

/* "jobs, audit (app@db1)" */
static char *
describe_listening(const struct record *r)
{
	struct buffer b = {0};
	char *text;

	for (size_t i = 0; i < r->channel_count; i++)
		buffer_addf(&b, "%s%s", i ? ", " : "", r->channels[i]);
	buffer_addf(&b, " (%s)", r->origin->label);
	text = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return text;
}

static bool
report_take(struct sink *s, const struct record *r)
{
	struct report *report = (struct report *)s;

	if (r->kind == RECORD_LOST) {
		report_lost(r);
		return false;
	}
	if (report->count < LINES_MAX)
		report->lines[report->count] = describe_listening(r);
	report->count++;
	return false;
}

struct report *
report_new(void)
{
	static const struct sink_ops ops = {.take = report_take};
	struct report *r = xcalloc(1, sizeof *r);

	r->sink.ops = &ops;
	r->sink.name = "standard error";
	r->sink.kinds = RECORD_BIT(RECORD_LISTENING) | RECORD_BIT(RECORD_LOST);
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
	if (r->count > LINES_MAX)
		log_info("listening on %zu connections", r->count);
	else
		for (size_t i = 0; i < r->count; i++)
			log_info("listening on %s", r->lines[i]);
}

void
report_free(struct report *r)
{
	for (size_t i = 0; i < r->count && i < LINES_MAX; i++)
		free(r->lines[i]);
	free(r);
}
