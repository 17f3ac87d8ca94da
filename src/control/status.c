#include "config.h"

#include "control/status.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "control/status_facts.h"
#include "manager/runs.h"
#include "record/json_writer.h"
#include "sinks/sink.h"

/* ----- JSON */

static void
add_string(struct buffer *out, const char *key, const char *value)
{
	json_writer_item(out, key);
	json_writer_string(out, value, strlen(value));
}

static void
add_number(struct buffer *out, const char *key, uint64_t n)
{
	json_writer_item(out, key);
	buffer_addf(out, "%" PRIu64, n);
}

static void
add_time(struct buffer *out, const char *key, int64_t us)
{
	json_writer_item(out, key);
	if (us)
		json_writer_time(out, us);
	else
		buffer_addf(out, "null");
}

static void
begin(struct buffer *out, const char *key)
{
	json_writer_item(out, key);
	buffer_addf(out, "{");
}

static void
end(struct buffer *out)
{
	buffer_addf(out, "}");
}

/* What --work-sql or --catchup-sql has done. */
static void
add_runs(struct buffer *out, const struct status_connection *c)
{
	begin(out, c->runs_are_work ? "work" : "catchup");
	add_string(out, "state", c->runs_state);
	add_number(out, "rows", c->runs->rows);
	add_number(out, "runs", c->runs->runs);
	if (c->runs_are_work)
		add_number(out, "signals", c->runs->signals);
	end(out);
}

static void
add_connection(struct buffer *out, const struct status_connection *c)
{
	begin(out, c->label);
	add_string(out, "state", c->state);
	add_time(out, "since", c->since);
	json_writer_item(out, "channels");
	buffer_addf(out, "[");
	for (size_t i = 0; i < c->channel_count; i++) {
		json_writer_item(out, NULL);
		json_writer_string(out, c->channels[i], strlen(c->channels[i]));
	}
	buffer_addf(out, "]");
	json_writer_item(out, "backend_pid");
	if (c->backend_pid)
		buffer_addf(out, "%d", c->backend_pid);
	else
		buffer_addf(out, "null");
	add_number(out, "notifications", c->counts->notifications);
	add_number(out, "bytes", c->counts->bytes);
	add_time(out, "last", c->counts->last);
	add_number(out, "lost", c->counts->lost);
	add_number(out, "gaps", c->counts->gaps);
	json_writer_item(out, "gap_seconds");
	json_writer_seconds(out, c->counts->gap);
	if (c->runs)
		add_runs(out, c);
	if (!c->good)
		add_number(out, "attempts", c->attempt);
	if (c->reason)
		add_string(out, "reason", c->reason);
	end(out);
}

static void
add_buffer(struct buffer *out, const struct sinks *set)
{
	begin(out, "buffer");
	add_number(out, "bytes", set->held);
	add_number(out, "size", set->budget);
	json_writer_item(out, "full");
	buffer_addf(out, "%s", sinks_exceeded(set) ? "true" : "false");
	end(out);
	begin(out, "destinations");
	for (size_t i = 0; i < set->count; i++) {
		const struct sink *s = set->list[i];

		if (!status_tells_of(s))
			continue;
		begin(out, s->id);
		add_number(out, "taken", s->in);
		add_number(out, "waiting", s->in - s->out);
		add_number(out, "bytes", s->held);
		add_number(out, "discarded", s->discarded);
		end(out);
	}
	end(out);
}

static void
add_spool(struct buffer *out, const struct status_facts *f)
{
	json_writer_item(out, "spool");
	if (!f->counted) {
		buffer_addf(out, "null");
		return;
	}
	buffer_addf(out, "{");
	add_number(out, "records", f->spool.records);
	add_time(out, "oldest", f->spool.records ? f->spool.oldest : 0);
	end(out);
}

void
status_write_keys(struct buffer *out, const struct status_facts *f)
{
	add_string(out, "version", PACKAGE_VERSION);
	add_number(out, "pid", (uint64_t)getpid());
	add_time(out, "started", f->started);
	add_string(out, "state", f->phase);
	begin(out, "connections");
	for (size_t i = 0; i < f->count; i++)
		add_connection(out, &f->connections[i]);
	end(out);
	if (f->exclusive)
		add_string(out, "exclusive", f->exclusive);
	add_buffer(out, f->sinks);
	if (f->spooled)
		add_spool(out, f);
}

/* ----- Replies */

static void
add_text(struct reply *a, const struct status_connection *c)
{
	reply_separate(a, "; ");
	buffer_addf(&a->text, "%s: %s", c->label, c->state);
	for (size_t i = 0; i < c->channel_count; i++)
		buffer_addf(&a->text, "%s%s", i ? ", " : " on ", c->channels[i]);
	if (c->runs && c->runs_are_work)
		buffer_addf(&a->text,
		    ", work %s (%" PRIu64 " rows in %" PRIu64 " runs, %" PRIu64 " signals)",
		    c->runs_state, c->runs->rows, c->runs->runs, c->runs->signals);
	if (c->reason)
		buffer_addf(&a->text, " (%s)", c->reason);
}

void
status_all(struct reply *a, struct manager *m)
{
	struct status_facts f;

	status_facts_collect(&f, m);
	for (size_t i = 0; i < f.count; i++)
		add_text(a, &f.connections[i]);
	if (f.count == 0)
		buffer_addf(&a->text, "no connection");
	if (f.exclusive)
		buffer_addf(&a->text, "; %s", f.exclusive);
	status_write_keys(&a->keys, &f);
	status_facts_free(&f);
}

void
status_garbage(struct reply *a, struct manager *m)
{
	struct status_facts f;

	status_facts_collect(&f, m);
	begin(&a->keys, "garbage");
	for (size_t i = 0; i < f.count; i++) {
		const struct status_connection *c = &f.connections[i];
		const char *reason = c->reason ? c->reason : "";

		if (c->good || c->connecting)
			continue;
		reply_separate(a, "; ");
		buffer_addf(&a->text, "%s: %s", c->label, reason);
		add_string(&a->keys, c->label, reason);
	}
	end(&a->keys);
	status_facts_free(&f);
}
