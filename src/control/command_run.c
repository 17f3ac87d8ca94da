#include "config.h"

#include "control/command_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "control/relisten.h"
#include "control/status.h"
#include "manager/exclusive.h"
#include "manager/source.h"
#include "postgres/redact.h"
#include "postgres/server_error.h"
#include "record/encoding.h"
#include "record/json_writer.h"
#include "record/record.h"

/* How many channels of pgwait's own a connection may listen on. */
#define PRIVATE_CHANNELS 4

/* One connection's part in a command. */
struct part {
	struct command_run *op;
	struct source *source;
};

static void
expect(struct command_run *op)
{
	op->waiting++;
}

/* One of the answers came. */
static void
got(struct command_run *op)
{
	if (--op->waiting == 0)
		op->done(op, op->arg);
}

static struct source *
find(struct command_run *op, const char *name)
{
	struct source *s = sources_find(manager_sources(op->manager), name);
	char *question = s ? NULL : sources_question(manager_sources(op->manager), name);

	if (!s && (target_is_conninfo(name) || redact_finds_password(name)))
		reply_fail(&op->reply, "a connection has a name; \"status\" lists them");
	else if (!s)
		reply_fail(&op->reply, "there is no connection \"%s\"%s", name, question);
	free(question);
	return s;
}

/* Runs `each` for the connection that the command names, or for all of them. */
static void
for_each(struct command_run *op, const struct command *c,
    void (*each)(struct command_run *op, struct source *s, const struct command *c))
{
	struct sources *set = manager_sources(op->manager);

	if (c->name) {
		struct source *s = find(op, c->name);

		if (s)
			each(op, s, c);
		return;
	}
	for (size_t i = 0; i < set->count; i++)
		if (!set->list[i]->leaves)
			each(op, set->list[i], c);
}

/* ----- connect, disconnect, recover */

static bool
on_connected(struct source *s, const struct record *lost, void *arg)
{
	struct command_run *op = arg;

	if (lost) {
		reply_fail(&op->reply, "\"%s\": %s", source_label(s), lost->reason);
		if (s->subscription.origin == ORIGIN_CONTROL) /* nobody else wants it */
			source_leave(s, NULL, NULL);
	}
	got(op);
	return true;
}

static void
start_connect(struct command_run *op, const struct command *c)
{
	struct subscription wanted = {.origin = ORIGIN_CONTROL};
	struct source *s;
	char *error = NULL;

	if (sources_find(manager_sources(op->manager), c->name)) {
		reply_fail(&op->reply, "there is a connection \"%s\" already", c->name);
		return;
	}
	wanted.target = target_parse(c->conninfo, op->defaults, &error);
	if (!wanted.target) {
		reply_fail(&op->reply, "%s", error);
		free(error);
		return;
	}
	target_rename(wanted.target, c->name);
	s = manager_add(op->manager, &wanted, false);
	s->outcome = on_connected;
	s->outcome_arg = op;
	expect(op);
}

static void
on_disconnected(const char *error, void *arg)
{
	struct command_run *op = arg;

	op->disconnected = true;
	if (error)
		reply_fail(&op->reply,
		    "it is disconnected, but not all that was sent before was received: %s", error);
	got(op);
}

static void
start_disconnect(struct command_run *op, const struct command *c)
{
	struct source *s = find(op, c->name);

	if (!s)
		return;
	expect(op);
	source_leave(s, on_disconnected, op);
}

static bool
on_recovered(struct source *s, const struct record *lost, void *arg)
{
	struct command_run *op = arg;

	if (lost)
		reply_fail(&op->reply, "\"%s\": %s", source_label(s), lost->reason);
	got(op);
	return true; /* whether pgwait ends for it was decided before */
}

static void
start_recover(struct command_run *op, const struct command *c)
{
	struct source *s = find(op, c->name);

	if (!s || s->good)
		return;
	s->outcome = on_recovered;
	s->outcome_arg = op;
	expect(op);
	source_retry_now(s);
}

/* ----- listen, unlisten */

static void
on_adjusted(const char *error, void *arg)
{
	struct command_run *op = arg;

	if (error)
		reply_fail(&op->reply, "%s", error);
	got(op);
}

static void
listen_one(struct command_run *op, struct source *s, const struct command *c)
{
	const struct relisten_channels channels = {c->channels, c->channel_count, ORIGIN_CONTROL};

	expect(op);
	relisten_add(s, &channels, on_adjusted, op);
}

static void
start_listen(struct command_run *op, const struct command *c)
{
	for_each(op, c, listen_one);
}

static void
unlisten_one(struct command_run *op, struct source *s, const struct command *c)
{
	const struct relisten_channels channels = {c->channels, c->channel_count, ORIGIN_ALL};

	for (size_t i = 0; c->name && i < c->channel_count; i++)
		if (!subscription_has(&s->subscription, c->channels[i])) {
			reply_fail(&op->reply, "\"%s\" does not listen on \"%s\"", c->name,
			    c->channels[i]);
			return;
		}
	expect(op);
	relisten_remove(s, &channels, on_adjusted, op);
}

static void
start_unlisten(struct command_run *op, const struct command *c)
{
	for_each(op, c, unlisten_one);
}

/* ----- channels, drain, notify: requests with an answer of the server */

static void
expect_part(struct command_run *op, struct source *s, struct part **p)
{
	*p = xcalloc(1, sizeof **p);
	(*p)->op = op;
	(*p)->source = s;
	expect(op);
}

/* The connection cannot be asked. */
static void
fail_part(struct part *p)
{
	const char *reason = connection_reason(p->source->connection);

	reply_fail(&p->op->reply, "\"%s\" is not connected%s%s", source_label(p->source),
	    reason ? ": " : "", reason ? reason : "");
	p->op->waiting--;
	free(p);
}

static void
ask(struct command_run *op, struct source *s, char *sql, const char *const parameters[], int count,
    request_done *done)
{
	struct part *p;

	expect_part(op, s, &p);
	if (!connection_ask(s->connection, sql, parameters, count, done, p))
		fail_part(p);
}

/* Whether the server answered. If it refused, or the connection was lost, adds the reason to the reply. */
static bool
answered(struct part *p, const PGresult *result)
{
	char *line;

	if (!request_failed(result))
		return true;
	if (request_refused(result)) {
		line = server_error_line(request_message(result));
		reply_fail(&p->op->reply, "\"%s\": %s", source_label(p->source), line);
		free(line);
	} else {
		reply_fail(&p->op->reply,
		    "\"%s\": the connection was lost before the server answered",
		    source_label(p->source));
	}
	return false;
}

static void
finish_part(struct part *p)
{
	struct command_run *op = p->op;

	free(p);
	got(op);
}

/* Adds the name of a channel, in UTF-8. */
static void
add_channel(struct part *p, const char *name)
{
	struct encoding *e = connection_origin(p->source->connection)->encoding;
	struct reply *a = &p->op->reply;
	struct buffer utf8 = {0};

	if (e) {
		struct segments converted = encoding_to_utf8(e, name, strlen(name));

		for (size_t i = 0; i < converted.count; i++)
			buffer_add(&utf8, converted.list[i].bytes, converted.list[i].length);
	} else {
		buffer_add(&utf8, name, strlen(name));
	}
	json_writer_item(&a->keys, NULL);
	json_writer_string(&a->keys, buffer_content(&utf8), buffer_length(&utf8));
	buffer_addf(&a->text, " %.*s", (int)buffer_length(&utf8), buffer_content(&utf8));
	buffer_free(&utf8);
}

/* Whether this is a channel of pgwait's own. */
static bool
hides(const struct source *s, const char *channel)
{
	return connection_hides(s->connection, channel) || exclusive_hides(s, channel);
}

static void
on_channels(void *arg, const PGresult *result)
{
	struct part *p = arg;
	struct reply *a = &p->op->reply;

	if (answered(p, result)) {
		reply_separate(a, "; ");
		buffer_addf(&a->text, "%s:", source_label(p->source));
		json_writer_item(&a->keys, source_label(p->source));
		buffer_addf(&a->keys, "[");
		for (int i = 0; i < PQntuples(result); i++)
			if (!hides(p->source, request_value(result, i, 0)))
				add_channel(p, request_value(result, i, 0));
		buffer_addf(&a->keys, "]");
	}
	if (p->op->waiting == 1)
		buffer_addf(&a->keys, "}");
	finish_part(p);
}

static void
channels_of_one(struct command_run *op, struct source *s, const struct command *c)
{
	struct part *p;

	if (!s->good && !c->name)
		return;
	expect_part(op, s, &p);
	if (!connection_ask_table(s->connection,
		xstrdup("SELECT c FROM pg_catalog.pg_listening_channels() c ORDER BY 1"),
		s->subscription.count + PRIVATE_CHANNELS, on_channels, p))
		fail_part(p);
}

static void
start_channels(struct command_run *op, const struct command *c)
{
	buffer_addf(&op->reply.keys, "\"channels\":{");
	for_each(op, c, channels_of_one);
	if (op->waiting == 1) /* nobody to ask */
		buffer_addf(&op->reply.keys, "}");
}

static void
on_fence(struct fence *f, void *arg)
{
	struct command_run *op = arg;

	if (f->failed)
		reply_fail(&op->reply, "not everything could be delivered");
	got(op);
}

static void
on_barrier(void *arg, const PGresult *result)
{
	struct part *p = arg;
	struct command_run *op = p->op;

	(void)answered(p, result);
	if (op->waiting == 2) /* the last one: all that was received has been taken */
		fence_set(manager_sinks(op->manager), &op->fence);
	finish_part(p);
}

static void
barrier_of_one(struct command_run *op, struct source *s, const struct command *c)
{
	(void)c;
	ask(op, s, xstrdup(""), NULL, 0, on_barrier);
}

static void
start_drain(struct command_run *op, const struct command *c)
{
	op->fence.passed = on_fence;
	op->fence.arg = op;
	fence_begin(manager_sinks(op->manager), &op->fence);
	fence_cover_held(manager_sinks(op->manager), &op->fence);
	expect(op); /* the fence */
	for_each(op, c, barrier_of_one);
	if (op->waiting == 2) /* nobody can be asked: itself, and the fence */
		fence_set(manager_sinks(op->manager), &op->fence);
}

static void
on_notified(void *arg, const PGresult *result)
{
	struct part *p = arg;

	(void)answered(p, result);
	finish_part(p);
}

static void
start_notify(struct command_run *op, const struct command *c)
{
	struct source *s = find(op, c->name);
	const char *texts[2] = {c->channels[0], c->payload ? c->payload : ""};
	const char *parameters[2];
	struct buffer converted[2] = {{0}, {0}};

	if (!s)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (!encoding_from_utf8(connection_origin(s->connection)->encoding, texts[i],
			strlen(texts[i]), &converted[i])) {
			reply_fail(
			    &op->reply, "\"%s\" does not exist in the server's encoding", texts[i]);
			goto out;
		}
		buffer_add(&converted[i], "", 1);
		parameters[i] = buffer_content(&converted[i]);
	}
	ask(op, s, xstrdup("SELECT pg_catalog.pg_notify($1, $2)"), parameters, 2, on_notified);
out:
	buffer_free(&converted[0]);
	buffer_free(&converted[1]);
}

/* ----- what is known without asking */

static void
start_status(struct command_run *op, const struct command *c)
{
	(void)c;
	status_all(&op->reply, op->manager);
}

static void
start_garbage(struct command_run *op, const struct command *c)
{
	(void)c;
	status_garbage(&op->reply, op->manager);
}

static void
start_help(struct command_run *op, const struct command *c)
{
	struct reply *a = &op->reply;

	(void)c;
	buffer_addf(&a->keys, "\"commands\":[");
	for (int i = COMMAND_NONE + 1; i < COMMAND_KINDS; i++) {
		const struct command_syntax *syntax = command_syntax((enum command_kind)i);
		char *usage = xasprintf(
		    "%s%s%s", syntax->name, *syntax->arguments ? " " : "", syntax->arguments);

		reply_separate(a, "; ");
		buffer_addf(&a->text, "%s", usage);
		json_writer_item(&a->keys, NULL);
		json_writer_string(&a->keys, usage, strlen(usage));
		free(usage);
	}
	buffer_addf(&a->keys, "]");
}

static void
start_timeout(struct command_run *op, const struct command *c)
{
	manager_set_interval(op->manager, c->interval);
}

static void
start_quit(struct command_run *op, const struct command *c)
{
	(void)c;
	manager_quit(op->manager);
}

void
command_run_start(struct command_run *op, const struct command *c)
{
	static void (*const starts[COMMAND_KINDS])(struct command_run *, const struct command *) = {
	    [COMMAND_CONNECT] = start_connect,
	    [COMMAND_DISCONNECT] = start_disconnect,
	    [COMMAND_LISTEN] = start_listen,
	    [COMMAND_UNLISTEN] = start_unlisten,
	    [COMMAND_CHANNELS] = start_channels,
	    [COMMAND_STATUS] = start_status,
	    [COMMAND_GARBAGE] = start_garbage,
	    [COMMAND_RECOVER] = start_recover,
	    [COMMAND_TIMEOUT] = start_timeout,
	    [COMMAND_DRAIN] = start_drain,
	    [COMMAND_NOTIFY] = start_notify,
	    [COMMAND_QUIT] = start_quit,
	    [COMMAND_HELP] = start_help,
	};

	reply_clear(&op->reply);
	op->disconnected = false;
	op->waiting = 1;     /* itself, until everything was asked */
	if (starts[c->kind]) /* COMMAND_NONE has nothing to do */
		starts[c->kind](op, c);
	got(op);
}
