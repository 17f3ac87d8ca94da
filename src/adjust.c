#include "config.h"

#include "adjust.h"

#include <stdlib.h>

#include "buffer.h"
#include "manager.h"
#include "message.h"
#include "sql.h"

/* One batch on the wire. */
struct batch {
	struct source *source;
	char **added; /* by LISTEN: taken back if the server refuses it */
	size_t count;
	unsigned origin;
	adjust_done *done;
	void *arg;
};

static void
batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->added[i]);
	free(b->added);
	free(b);
}

static void
take_back(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		(void)subscription_remove(&b->source->subscription, b->added[i], b->origin);
}

static void
on_answer(void *arg, const PGresult *result)
{
	struct batch *b = arg;
	char *error = NULL;

	/* Without an answer the connection went: what is wanted takes effect when it is back. */
	if (result && request_failed(result)) {
		error = message_line(PQresultErrorMessage(result));
		take_back(b);
	} else if (result && b->count) {
		manager_listens(b->source->set->manager, b->source);
	}
	b->done(error, b->arg);
	free(error);
	batch_free(b);
}

static void
refuse(struct batch *b, const char *channel)
{
	char *error =
	    xasprintf("channel \"%s\" cannot be a name in the server's encoding", channel);

	take_back(b);
	b->done(error, b->arg);
	free(error);
	batch_free(b);
}

static bool
is_open(const struct source *s)
{
	enum connection_state state = connection_state(s->connection);

	return state == CONN_READY || state == CONN_LISTENING;
}

static void
send_batch(struct batch *b, struct buffer *sql)
{
	if (buffer_length(sql) &&
	    connection_ask(b->source->connection, xstrndup(buffer_content(sql), buffer_length(sql)),
		NULL, 0, on_answer, b))
		return;
	b->done(NULL, b->arg);
	batch_free(b);
}

static struct batch *
batch_new(struct source *s, unsigned origin, adjust_done *done, void *arg)
{
	struct batch *b = xcalloc(1, sizeof *b);

	b->source = s;
	b->origin = origin;
	b->done = done;
	b->arg = arg;
	return b;
}

static bool
add_statement(struct source *s, struct buffer *sql, const char *command, const char *channel)
{
	return !is_open(s) || sql_add(sql, command, channel, connection_conn(s->connection),
				  connection_origin(s->connection)->encoding);
}

void
adjust_listen(
    struct source *s, const struct adjust_channels *channels, adjust_done *done, void *arg)
{
	struct batch *b = batch_new(s, channels->origin, done, arg);
	struct buffer sql = {0};

	b->added = xcalloc(channels->count, sizeof *b->added);
	for (size_t i = 0; i < channels->count; i++) {
		const char *channel = channels->list[i];

		if (!subscription_add(&s->subscription, channel, channels->origin))
			continue;
		b->added[b->count++] = xstrdup(channel);
		if (!add_statement(s, &sql, "LISTEN", channel)) {
			refuse(b, channel);
			goto out;
		}
	}
	send_batch(b, &sql);
out:
	buffer_free(&sql);
}

void
adjust_unlisten(
    struct source *s, const struct adjust_channels *channels, adjust_done *done, void *arg)
{
	struct batch *b = batch_new(s, channels->origin, done, arg);
	struct buffer sql = {0};

	for (size_t i = 0; i < channels->count; i++)
		if (subscription_remove(&s->subscription, channels->list[i], channels->origin) &&
		    !add_statement(s, &sql, "UNLISTEN", channels->list[i]))
			continue; /* the server cannot have listened to it */
	send_batch(b, &sql);
	buffer_free(&sql);
}
