#include "config.h"

#include "control/status.h"

#include <string.h>

static const char *
state_name(const struct source *s)
{
	return s->good ? "listening" : s->settled ? "garbage" : "connecting";
}

static void
add_connection(struct reply *a, const struct source *s)
{
	const char *reason = s->good ? NULL : connection_reason(s->connection);
	const char *label = source_label(s);

	reply_separate(a, "; ");
	buffer_addf(&a->text, "%s: %s", label, state_name(s));
	reply_item(a, label);
	buffer_addf(&a->keys, "{\"state\":\"%s\",\"channels\":[", state_name(s));
	for (size_t i = 0; i < s->subscription.count; i++) {
		const char *channel = s->subscription.channels[i];

		buffer_addf(&a->text, "%s%s", i ? ", " : " on ", channel);
		reply_item(a, NULL);
		reply_string(a, channel, strlen(channel));
	}
	buffer_addf(&a->keys, "]");
	if (reason) {
		buffer_addf(&a->text, " (%s)", reason);
		reply_item(a, "reason");
		reply_string(a, reason, strlen(reason));
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
	reply_item(a, label);
	reply_string(a, reason, strlen(reason));
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
status_garbage(struct reply *a, const struct sources *set)
{
	add_all(a, set, "garbage", add_failed);
}
