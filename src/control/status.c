#include "config.h"

#include "control/status.h"

#include <inttypes.h>
#include <string.h>

#include "manager/runs.h"
#include "record/json_writer.h"

static const char *
state_name(const struct source *s)
{
	return s->good ? "listening" : s->settled ? "garbage" : "connecting";
}

/* What --work-sql has done. */
static void
add_work(struct reply *a, const struct source *s)
{
	const struct runs_counts *c = runs_counts(s);

	if (!c)
		return;
	buffer_addf(&a->text,
	    ", work %s (%" PRIu64 " rows in %" PRIu64 " runs, %" PRIu64 " signals)", runs_state(s),
	    c->rows, c->runs, c->signals);
	json_writer_item(&a->keys, "work");
	buffer_addf(&a->keys,
	    "{\"state\":\"%s\",\"rows\":%" PRIu64 ",\"runs\":%" PRIu64 ",\"signals\":%" PRIu64 "}",
	    runs_state(s), c->rows, c->runs, c->signals);
}

static void
add_connection(struct reply *a, const struct source *s)
{
	const char *reason = s->good ? NULL : connection_reason(s->connection);
	const char *label = source_label(s);

	reply_separate(a, "; ");
	buffer_addf(&a->text, "%s: %s", label, state_name(s));
	json_writer_item(&a->keys, label);
	buffer_addf(&a->keys, "{\"state\":\"%s\",\"channels\":[", state_name(s));
	for (size_t i = 0; i < s->subscription.count; i++) {
		const char *channel = s->subscription.channels[i];

		buffer_addf(&a->text, "%s%s", i ? ", " : " on ", channel);
		json_writer_item(&a->keys, NULL);
		json_writer_string(&a->keys, channel, strlen(channel));
	}
	buffer_addf(&a->keys, "]");
	add_work(a, s);
	if (reason) {
		buffer_addf(&a->text, " (%s)", reason);
		json_writer_item(&a->keys, "reason");
		json_writer_string(&a->keys, reason, strlen(reason));
	}
	buffer_addf(&a->keys, "}");
}

static void
add_failed(struct reply *a, const struct source *s)
{
	const char *reason = connection_reason(s->connection);
	const char *label = source_label(s);

	if (!s->settled || s->good)
		return;
	reason = reason ? reason : "";
	reply_separate(a, "; ");
	buffer_addf(&a->text, "%s: %s", label, reason);
	json_writer_item(&a->keys, label);
	json_writer_string(&a->keys, reason, strlen(reason));
}

static void
add_all(struct reply *a, const struct sources *set, const char *key,
    void (*add)(struct reply *a, const struct source *s))
{
	buffer_addf(&a->keys, "\"%s\":{", key);
	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves)
			add(a, set->list[i]);
	buffer_addf(&a->keys, "}");
}

void
status_connections(struct reply *a, const struct sources *set)
{
	add_all(a, set, "connections", add_connection);
	if (!buffer_length(&a->text))
		buffer_addf(&a->text, "no connection");
}

void
status_exclusive(struct reply *a, const struct manager *m)
{
	const char *state = manager_exclusive(m);

	if (!state)
		return;
	reply_separate(a, "; ");
	buffer_addf(&a->text, "%s", state);
	json_writer_item(&a->keys, "exclusive");
	json_writer_string(&a->keys, state, strlen(state));
}

void
status_garbage(struct reply *a, const struct sources *set)
{
	add_all(a, set, "garbage", add_failed);
}
