#include "config.h"

#include "control/status_metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "control/status_facts.h"
#include "manager/runs.h"
#include "sinks/sink.h"

/* Which values a metric has. */
enum unit { UNIT_COUNT, UNIT_SECONDS /* written from microseconds */ };

/* `get` returns a value, or -1: there is none. */
struct metric {
	const char *name, *type, *help;
	enum unit unit;
};

struct process_metric {
	struct metric metric;
	int64_t (*get)(const struct status_facts *f);
};

struct connection_metric {
	struct metric metric;
	int64_t (*get)(const struct status_connection *c);
};

struct destination_metric {
	struct metric metric;
	int64_t (*get)(const struct sink *s);
};

/* ----- Text */

/* A file name may be any bytes, and the format is UTF-8. */
static void
add_label(struct buffer *out, const char *name, const char *value)
{
	bool valid = utf8_valid(value, strlen(value));

	buffer_addf(out, "%s=\"", name);
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			buffer_add(out, "\\n", 2);
		else if (*c == '"' || *c == '\\')
			buffer_addf(out, "\\%c", *c);
		else
			buffer_add(out, valid || !(*c & 0x80) ? c : "?", 1);
	}
	buffer_add(out, "\"", 1);
}

/* Where the samples of a metric begin. */
static void
begin(struct buffer *out, const struct metric *m)
{
	buffer_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
}

/* With the label of `process`, and one more, unless that is NULL. */
static void
add_sample(struct buffer *out, const struct metric *m, const char *process, const char *label,
    const char *of, int64_t value)
{
	buffer_addf(out, "%s{", m->name);
	add_label(out, "process", process);
	if (label) {
		buffer_add(out, ",", 1);
		add_label(out, label, of);
	}
	if (m->unit == UNIT_SECONDS)
		buffer_addf(out, "} %" PRId64 ".%06" PRId64 "\n", value / SECOND, value % SECOND);
	else
		buffer_addf(out, "} %" PRId64 "\n", value);
}

/* ----- Values */

static int64_t
get_started(const struct status_facts *f)
{
	return f->started;
}

static int64_t
get_active(const struct status_facts *f)
{
	return f->exclusive ? strcmp(f->exclusive, "active") == 0 : -1;
}

static int64_t
get_held(const struct status_facts *f)
{
	return (int64_t)f->sinks->held;
}

static int64_t
get_budget(const struct status_facts *f)
{
	return (int64_t)f->sinks->budget;
}

static int64_t
get_spool_records(const struct status_facts *f)
{
	return f->counted ? (int64_t)f->spool.records : -1;
}

static int64_t
get_spool_oldest(const struct status_facts *f)
{
	return f->counted && f->spool.records ? f->spool.oldest : -1;
}

static const struct process_metric process_metrics[] = {
    {{"pgwait_start_time_seconds", "gauge", "When pgwait was started, in Unix time.", UNIT_SECONDS},
	get_started},
    {{"pgwait_exclusive_active", "gauge",
	 "1 if this process has the lock of --exclusive, 0 if it waits.", UNIT_COUNT},
	get_active},
    {{"pgwait_buffer_bytes", "gauge", "Memory that is used of --buffer.", UNIT_COUNT}, get_held},
    {{"pgwait_buffer_limit_bytes", "gauge", "The size of --buffer.", UNIT_COUNT}, get_budget},
    {{"pgwait_spool_records", "gauge", "Records in the spool, 10000 if there are more.",
	 UNIT_COUNT},
	get_spool_records},
    {{"pgwait_spool_oldest_time_seconds", "gauge",
	 "When the oldest record in the spool was received, in Unix time.", UNIT_SECONDS},
	get_spool_oldest},
};

static int64_t
get_listening(const struct status_connection *c)
{
	return c->good;
}

static int64_t
get_since(const struct status_connection *c)
{
	return c->since;
}

static int64_t
get_channels(const struct status_connection *c)
{
	return (int64_t)c->channel_count;
}

static int64_t
get_notifications(const struct status_connection *c)
{
	return (int64_t)c->counts->notifications;
}

static int64_t
get_bytes(const struct status_connection *c)
{
	return (int64_t)c->counts->bytes;
}

static int64_t
get_last(const struct status_connection *c)
{
	return c->counts->last ? c->counts->last : -1;
}

static int64_t
get_lost(const struct status_connection *c)
{
	return (int64_t)c->counts->lost;
}

static int64_t
get_gaps(const struct status_connection *c)
{
	return (int64_t)c->counts->gaps;
}

static int64_t
get_gap_seconds(const struct status_connection *c)
{
	return c->counts->gap;
}

static int64_t
get_rows(const struct status_connection *c)
{
	return c->runs ? (int64_t)c->runs->rows : -1;
}

static int64_t
get_runs(const struct status_connection *c)
{
	return c->runs ? (int64_t)c->runs->runs : -1;
}

static int64_t
get_run_failed(const struct status_connection *c)
{
	return c->runs ? strcmp(c->runs_state, "failed") == 0 : -1;
}

static const struct connection_metric connection_metrics[] = {
    {{"pgwait_connection_listening", "gauge", "1 if the connection listens, else 0.", UNIT_COUNT},
	get_listening},
    {{"pgwait_connection_state_time_seconds", "gauge",
	 "Since when the connection has listened, or not, in Unix time.", UNIT_SECONDS},
	get_since},
    {{"pgwait_connection_channels", "gauge", "Channels of the connection.", UNIT_COUNT},
	get_channels},
    {{"pgwait_notifications_total", "counter", "Notifications that were received.", UNIT_COUNT},
	get_notifications},
    {{"pgwait_notification_bytes_total", "counter", "Bytes of payload in received notifications.",
	 UNIT_COUNT},
	get_bytes},
    {{"pgwait_last_notification_time_seconds", "gauge",
	 "When the last notification was received, in Unix time.", UNIT_SECONDS},
	get_last},
    {{"pgwait_connection_losses_total", "counter", "How often the connection was lost.",
	 UNIT_COUNT},
	get_lost},
    {{"pgwait_gaps_total", "counter",
	 "How often notifications may have been missed, since the connection was lost.",
	 UNIT_COUNT},
	get_gaps},
    {{"pgwait_gap_seconds_total", "counter",
	 "For how long notifications may have been missed, in all.", UNIT_SECONDS},
	get_gap_seconds},
    {{"pgwait_rows_total", "counter", "Rows of --work-sql or --catchup-sql that are committed.",
	 UNIT_COUNT},
	get_rows},
    {{"pgwait_runs_total", "counter", "Runs of --work-sql or --catchup-sql that are committed.",
	 UNIT_COUNT},
	get_runs},
    {{"pgwait_run_failed", "gauge",
	 "1 if the last run of --work-sql or --catchup-sql failed, else 0.", UNIT_COUNT},
	get_run_failed},
};

static int64_t
get_taken(const struct sink *s)
{
	return (int64_t)s->in;
}

static int64_t
get_waiting(const struct sink *s)
{
	return (int64_t)(s->in - s->out);
}

static int64_t
get_waiting_bytes(const struct sink *s)
{
	return (int64_t)s->held;
}

static int64_t
get_discarded(const struct sink *s)
{
	return (int64_t)s->discarded;
}

static const struct destination_metric destination_metrics[] = {
    {{"pgwait_destination_records_total", "counter",
	 "Notifications and events that this destination has got.", UNIT_COUNT},
	get_taken},
    {{"pgwait_destination_waiting_records", "gauge",
	 "Notifications and events that wait for this destination.", UNIT_COUNT},
	get_waiting},
    {{"pgwait_destination_waiting_bytes", "gauge", "Memory of what waits for this destination.",
	 UNIT_COUNT},
	get_waiting_bytes},
    {{"pgwait_destination_discarded_total", "counter",
	 "Notifications that --overflow drop has discarded.", UNIT_COUNT},
	get_discarded},
};

/* ----- Metric by metric */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void
add_version(struct buffer *out, const char *process)
{
	static const struct metric m = {
	    "pgwait_info", "gauge", "The version of pgwait.", UNIT_COUNT};

	begin(out, &m);
	add_sample(out, &m, process, "version", PACKAGE_VERSION, 1);
}

static void
add_process(struct buffer *out, const struct status_facts *f, const char *process)
{
	for (size_t i = 0; i < COUNT(process_metrics); i++) {
		int64_t value = process_metrics[i].get(f);

		if (value < 0)
			continue;
		begin(out, &process_metrics[i].metric);
		add_sample(out, &process_metrics[i].metric, process, NULL, NULL, value);
	}
}

static void
add_connections(struct buffer *out, const struct status_facts *f, const char *process)
{
	for (size_t i = 0; i < COUNT(connection_metrics); i++) {
		const struct connection_metric *m = &connection_metrics[i];
		bool begun = false;

		for (size_t j = 0; j < f->count; j++) {
			int64_t value = m->get(&f->connections[j]);

			if (value < 0)
				continue;
			if (!begun)
				begin(out, &m->metric);
			begun = true;
			add_sample(
			    out, &m->metric, process, "connection", f->connections[j].label, value);
		}
	}
}

static void
add_destinations(struct buffer *out, const struct status_facts *f, const char *process)
{
	for (size_t i = 0; i < COUNT(destination_metrics); i++) {
		const struct destination_metric *m = &destination_metrics[i];

		begin(out, &m->metric);
		for (size_t j = 0; j < f->sinks->count; j++)
			if (status_tells_of(f->sinks->list[j]))
				add_sample(out, &m->metric, process, "destination",
				    f->sinks->list[j]->id, m->get(f->sinks->list[j]));
	}
}

void
status_metrics_write(struct buffer *out, const struct status_facts *f, const char *process)
{
	add_version(out, process);
	add_process(out, f, process);
	add_connections(out, f, process);
	add_destinations(out, f, process);
}

void
status_metrics_write_time(struct buffer *out, const struct status_facts *f, const char *process)
{
	static const struct metric m = {"pgwait_status_time_seconds", "gauge",
	    "When this file was written, in Unix time.", UNIT_SECONDS};

	begin(out, &m);
	add_sample(out, &m, process, NULL, NULL, f->time);
}
