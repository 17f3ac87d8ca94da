#include "config.h"

#include "record/event_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "record/json_writer.h"
#include "record/record.h"

static void
add_text(struct buffer *out, const char *s)
{
	buffer_add(out, s, strlen(s));
}

static void
add_gap(struct buffer *out, const struct record *r)
{
	if (r->since < 0)
		return;
	add_text(out, ",\"gap_seconds\":");
	json_writer_seconds(out, r->gap);
	add_text(out, ",\"since\":");
	json_writer_time(out, r->since);
}

static void
add_listening(struct buffer *out, const struct record *r)
{
	add_text(out, ",\"channels\":[");
	for (size_t i = 0; i < r->channel_count; i++) {
		add_text(out, i ? "," : "");
		json_writer_string(out, r->channels[i], strlen(r->channels[i]));
	}
	buffer_addf(out, "],\"backend_pid\":%d", r->backend_pid);
	add_gap(out, r);
}

static void
add_lost(struct buffer *out, const struct record *r)
{
	add_text(out, ",\"reason\":");
	json_writer_string(out, r->reason, strlen(r->reason));
	add_text(out, ",\"sqlstate\":");
	if (r->sqlstate)
		json_writer_string(out, r->sqlstate, strlen(r->sqlstate));
	else
		add_text(out, "null");
	add_text(out, ",\"retry_seconds\":");
	if (r->retry >= 0)
		json_writer_seconds(out, r->retry);
	else
		add_text(out, "null");
}

static void
add_idle(struct buffer *out, const struct record *r)
{
	const char *label = r->garbage;

	buffer_addf(out, ",\"count\":%" PRIu64 ",\"garbage\":[", r->count);
	while (*label) {
		size_t n = strcspn(label, "\n");

		add_text(out, label == r->garbage ? "" : ",");
		json_writer_string(out, label, n);
		label += n + (label[n] == '\n');
	}
	add_text(out, "]");
}

static void
add_dropped(struct buffer *out, const struct record *r)
{
	buffer_addf(out, ",\"count\":%" PRIu64, r->count);
}

static void
add_rows(struct buffer *out, const struct record *r)
{
	buffer_addf(out, ",\"rows\":%" PRIu64, r->count);
}

static void
add_waiting(struct buffer *out, const struct record *r)
{
	add_text(out, ",\"reason\":");
	if (r->reason)
		json_writer_string(out, r->reason, strlen(r->reason));
	else
		add_text(out, "null");
}

static void
add_reply(struct buffer *out, const struct record *r)
{
	add_text(out, ",\"command\":");
	json_writer_string(out, r->command, strlen(r->command));
	add_text(out, r->error ? ",\"ok\":false,\"error\":" : ",\"ok\":true");
	if (r->error)
		json_writer_string(out, r->error, strlen(r->error));
	if (*r->keys)
		add_text(out, ",");
	add_text(out, r->keys);
}

static const struct {
	const char *name;
	void (*add)(struct buffer *out, const struct record *r);
} events[] = {
    [RECORD_IDLE] = {"idle", add_idle},
    [RECORD_LISTENING] = {"listening", add_listening},
    [RECORD_LOST] = {"lost", add_lost},
    [RECORD_DROPPED] = {"dropped", add_dropped},
    [RECORD_REPLY] = {"reply", add_reply},
    [RECORD_CAUGHT_UP] = {"caught_up", add_rows},
    [RECORD_WORKED] = {"worked", add_rows},
    [RECORD_ACTIVE] = {"active", add_gap},
    [RECORD_WAITING] = {"waiting", add_waiting},
};

unsigned
event_json_kinds(void)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < sizeof events / sizeof events[0]; i++)
		if (events[i].name)
			kinds |= RECORD_BIT(i);
	return kinds;
}

void
event_json_write(const struct record *r, struct buffer *out)
{
	buffer_addf(out, "{\"event\":\"%s\"", events[r->kind].name);
	if (r->origin) {
		add_text(out, ",\"connection\":");
		json_writer_string(out, r->origin->label, r->origin->label_length);
	}
	add_text(out, ",\"time\":");
	json_writer_time(out, r->time);
	events[r->kind].add(out, r);
	add_text(out, "}");
}
