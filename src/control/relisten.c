#include "config.h"

#include "control/relisten.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "manager/manager.h"
#include "postgres/server_error.h"
#include "postgres/sql.h"

/* The LISTEN or UNLISTEN of one call: it takes effect as a whole, or not at all (fact F14). */
struct batch {
	struct source *source;
	bool listen;    /* LISTEN; false: UNLISTEN */
	char **changed; /* the channels that it adds or removes */
	size_t count;
	unsigned origin;
	relisten_done *done;
	void *arg;
};

static struct batch *
batch_new(struct source *s, bool listen, const struct relisten_channels *channels,
    relisten_done *done, void *arg)
{
	struct batch *b = xcalloc(1, sizeof *b);

	b->source = s;
	b->listen = listen;
	b->origin = channels->origin;
	b->changed = xcalloc(channels->count, sizeof *b->changed);
	b->done = done;
	b->arg = arg;
	return b;
}

/* Calls `done`, and frees the batch. */
static void
finish(struct batch *b, const char *refused)
{
	b->done(refused, b->arg);
	for (size_t i = 0; i < b->count; i++)
		free(b->changed[i]);
	free(b->changed);
	free(b);
}

static void
take_back(struct batch *b)
{
	struct subscription *s = &b->source->subscription;

	for (size_t i = 0; i < b->count; i++)
		if (b->listen)
			(void)subscription_remove(s, b->changed[i], b->origin);
		else
			(void)subscription_add(s, b->changed[i], b->origin);
}

/* Makes the message, such as: "a": LISTEN on "x", "y": permission denied */
static char *
describe(const struct batch *b, const char *reason)
{
	struct buffer text = {0};
	char *line;

	buffer_addf(
	    &text, "\"%s\": %s on ", source_label(b->source), b->listen ? "LISTEN" : "UNLISTEN");
	for (size_t i = 0; i < b->count; i++)
		buffer_addf(&text, "%s\"%s\"", i ? ", " : "", b->changed[i]);
	buffer_addf(&text, ": %s", reason);
	buffer_add(&text, "", 1);
	line = server_error_line(buffer_content(&text));
	buffer_free(&text);
	return line;
}

static void
refuse(struct batch *b, const char *reason)
{
	char *text = describe(b, reason);

	take_back(b);
	finish(b, text);
	free(text);
}

static void
on_answer(void *arg, const PGresult *result)
{
	struct batch *b = arg;

	if (request_refused(result)) {
		refuse(b, request_message(result));
		return;
	}
	/* Without an answer, or after a fatal one, the connection is lost: it will listen on what is wanted. */
	if (!request_failed(result) && b->listen)
		manager_listens(b->source->set->manager, b->source);
	finish(b, NULL);
}

static bool
is_open(const struct source *s)
{
	enum connection_state state = connection_state(s->connection);

	return state == CONN_READY || state == CONN_LISTENING;
}

/* False: the channel cannot be a name in the server's encoding. */
static bool
add_statement(struct batch *b, struct buffer *sql, const char *channel)
{
	const struct connection *c = b->source->connection;

	return !is_open(b->source) || sql_add(sql, b->listen ? "LISTEN" : "UNLISTEN", channel,
					  connection_conn(c), connection_origin(c)->encoding);
}

static void
send_batch(struct batch *b, struct buffer *sql)
{
	if (buffer_length(sql) &&
	    connection_ask(b->source->connection, xstrndup(buffer_content(sql), buffer_length(sql)),
		NULL, 0, on_answer, b))
		return;
	finish(b, NULL);
}

void
relisten_add(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg)
{
	struct batch *b = batch_new(s, true, channels, done, arg);
	struct buffer sql = {0};
	char *unfit = NULL;

	for (size_t i = 0; !unfit && i < channels->count; i++) {
		const char *channel = channels->list[i];

		if (!subscription_add(&s->subscription, channel, channels->origin))
			continue;
		b->changed[b->count++] = xstrdup(channel);
		if (!add_statement(b, &sql, channel))
			unfit =
			    xasprintf("\"%s\" does not exist in the server's encoding", channel);
	}
	if (unfit)
		refuse(b, unfit);
	else
		send_batch(b, &sql);
	free(unfit);
	buffer_free(&sql);
}

void
relisten_remove(
    struct source *s, const struct relisten_channels *channels, relisten_done *done, void *arg)
{
	struct batch *b = batch_new(s, false, channels, done, arg);
	struct buffer sql = {0};

	for (size_t i = 0; i < channels->count; i++) {
		const char *channel = channels->list[i];

		if (!subscription_remove(&s->subscription, channel, channels->origin))
			continue;
		b->changed[b->count++] = xstrdup(channel);
		(void)add_statement(b, &sql, channel); /* false: it cannot listen on that */
	}
	send_batch(b, &sql);
	buffer_free(&sql);
}
