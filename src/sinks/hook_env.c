#include "config.h"

#include "sinks/hook_env.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "record/encoding.h"
#include "record/format.h"
#include "record/record.h"

extern char **environ;

/* After the packed strings, each of which ends in a zero byte. */
struct trailer {
	size_t variables; /* how many of them, from the first */
	size_t input;     /* the last bytes, but for the zero byte, are standard input too */
};

/* `n` bytes at `s` in `e`, or UTF-8 where that is NULL. */
static void
add_utf8(struct buffer *out, struct encoding *e, const char *s, size_t n)
{
	struct segments text = {.list = &(struct segment){s, n}, .count = 1};

	if (e)
		text = encoding_to_utf8(e, s, n);
	for (size_t i = 0; i < text.count; i++)
		buffer_add(out, text.list[i].bytes, text.list[i].length);
}

/* Appends a variable. It ends where the first zero byte is: what follows would be a variable of its own. */
static void
add_bytes(struct buffer *out, const char *name, struct encoding *e, const char *s, size_t n)
{
	size_t before = buffer_length(out);

	buffer_add(out, name, strlen(name));
	add_utf8(out, e, s, n);
	buffer_add(out, "", 1);
	buffer_add_end(out, strchr(buffer_content(out) + before, '\0') + 1);
}

static void
add_text(struct buffer *out, const char *name, const char *s, size_t n)
{
	add_bytes(out, name, NULL, s, n < HOOK_ENV_TEXT_MAX ? n : HOOK_ENV_TEXT_MAX);
}

static void
add_time(struct buffer *out, const char *name, int64_t us)
{
	char time[FORMAT_TIME_LENGTH];

	format_time(time, us);
	add_text(out, name, time, sizeof time);
}

static void
add_number(struct buffer *out, const char *name, uint64_t n)
{
	buffer_addf(out, "%s%" PRIu64 "%c", name, n, '\0');
}

static size_t
add_takeover(struct buffer *out, bool takeover)
{
	if (takeover)
		add_number(out, "PGWAIT_TAKEOVER=", 1);
	return takeover;
}

/*
 * The payload is last, so that it can be standard input as well, and a variable only where that can hold all of
 * it. Returns how long it is.
 */
static size_t
add_notification(struct buffer *out, const struct record *r, size_t *variables)
{
	static const char name[] = "PGWAIT_PAYLOAD=";
	struct encoding *e = r->origin->encoding;
	struct buffer payload = {0};
	size_t length;

	add_utf8(&payload, e, r->payload, r->payload_length);
	length = buffer_length(&payload);
	buffer_add(&payload, "", 1);
	add_bytes(out, "PGWAIT_CHANNEL=", e, r->channel, r->channel_length);
	add_number(out, "PGWAIT_PAYLOAD_LENGTH=", length);
	add_number(out, "PGWAIT_BACKEND_PID=", (uint64_t)r->pid);
	*variables += 3;
	*variables += add_takeover(out, r->takeover);
	if (length <= HOOK_ENV_TEXT_MAX && strlen(buffer_content(&payload)) == length) {
		buffer_add(out, name, sizeof name - 1);
		++*variables;
	}
	buffer_add(out, buffer_content(&payload), length + 1);
	buffer_free(&payload);
	return length;
}

static size_t
add_idle(struct buffer *out, const struct record *r)
{
	size_t n = strlen(r->garbage);

	/* Cut between two labels. */
	if (n > HOOK_ENV_TEXT_MAX)
		for (n = HOOK_ENV_TEXT_MAX; n && r->garbage[n] != '\n';)
			n--;
	add_number(out, "PGWAIT_COUNT=", r->count);
	add_text(out, "PGWAIT_GARBAGE=", r->garbage, n);
	return 2;
}

static size_t
add_listening(struct buffer *out, const struct record *r)
{
	if (r->since < 0)
		return 0;
	buffer_addf(
	    out, "PGWAIT_GAP=%" PRId64 ".%06" PRId64 "%c", r->gap / SECOND, r->gap % SECOND, '\0');
	add_time(out, "PGWAIT_SINCE=", r->since);
	return 2;
}

static size_t
add_lost(struct buffer *out, const struct record *r)
{
	const char *sqlstate = r->sqlstate ? r->sqlstate : "";

	add_text(out, "PGWAIT_REASON=", r->reason, strlen(r->reason));
	add_text(out, "PGWAIT_SQLSTATE=", sqlstate, strlen(sqlstate));
	return 2;
}

/* The variables that every command has. */
static size_t
add_common(struct buffer *out, const char *event, int64_t time)
{
	add_text(out, "PGWAIT_EVENT=", event, strlen(event));
	add_time(out, "PGWAIT_TIME=", time);
	return 2;
}

void
hook_env_pack(const struct record *r, struct buffer *out)
{
	static const char *const events[] = {
	    [RECORD_NOTIFICATION] = "notification",
	    [RECORD_IDLE] = "idle",
	    [RECORD_LISTENING] = "listening",
	    [RECORD_LOST] = "lost",
	};
	struct trailer t = {.variables = add_common(out, events[r->kind], r->time)};

	if (r->origin) {
		add_text(out, "PGWAIT_CONNECTION=", r->origin->label, r->origin->label_length);
		t.variables++;
	}
	switch (r->kind) {
	case RECORD_NOTIFICATION:
		t.input = add_notification(out, r, &t.variables);
		break;
	case RECORD_IDLE:
		t.variables += add_idle(out, r);
		break;
	case RECORD_LISTENING:
		t.variables += add_listening(out, r);
		break;
	case RECORD_LOST:
		t.variables += add_lost(out, r);
		break;
	default:
		break;
	}
	buffer_add(out, &t, sizeof t);
}

void
hook_env_pack_batch(uint64_t count, bool takeover, int64_t time, struct buffer *out)
{
	struct trailer t = {.variables = add_common(out, "batch", time) + 1};

	add_number(out, "PGWAIT_COUNT=", count);
	t.variables += add_takeover(out, takeover);
	buffer_add(out, &t, sizeof t);
}

size_t
hook_env_unpack(char *packed, size_t n, char *variables[HOOK_ENV_MAX], struct input *input)
{
	struct trailer t;

	n -= sizeof t;
	memcpy(&t, packed + n, sizeof t);
	input->length = t.input;
	input->bytes = packed + n - 1 - t.input;
	for (size_t i = 0; i < t.variables; i++) {
		variables[i] = packed;
		packed += strlen(packed) + 1;
	}
	return t.variables;
}

/* Of ours, and of what systemd says to one process of the service only: pgwait speaks for the others. */
static bool
is_private(const char *variable)
{
	static const char *const names[] = {
	    "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "PGWAIT_"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

char **
hook_env_inherited(size_t *count)
{
	char **list;
	size_t n = 0;

	while (environ[n])
		n++;
	list = xcalloc(n + HOOK_ENV_MAX + 1, sizeof *list);
	*count = 0;
	for (size_t i = 0; i < n; i++)
		if (!is_private(environ[i]))
			list[(*count)++] = environ[i];
	return list;
}
