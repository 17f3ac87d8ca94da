#include "config.h"

#include "postgres/sql.h"

#include "base/buffer.h"
#include "postgres/channel.h"
#include "postgres/subscription.h"
#include "record/encoding.h"

bool
sql_add(
    struct buffer *sql, const char *command, const char *channel, PGconn *conn, struct encoding *e)
{
	struct buffer name = {0};
	char *identifier = NULL;

	if (encoding_from_utf8(e, channel, strlen(channel), &name) &&
	    buffer_length(&name) <= CHANNEL_MAX)
		identifier = PQescapeIdentifier(conn, buffer_content(&name), buffer_length(&name));
	if (identifier)
		buffer_addf(sql, "%s%s %s", buffer_length(sql) ? ";" : "", command, identifier);
	PQfreemem(identifier);
	buffer_free(&name);
	return identifier != NULL;
}

char *
sql_add_listen(struct buffer *sql, const struct subscription *s, PGconn *conn, struct encoding *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (!sql_add(sql, "LISTEN", s->channels[i], conn, e))
			return xasprintf(
			    "channel \"%s\" cannot be a name in the server's encoding %s",
			    s->channels[i], PQparameterStatus(conn, "server_encoding"));
	return NULL;
}
