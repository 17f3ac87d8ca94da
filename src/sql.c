#include "config.h"

#include "sql.h"

#include "buffer.h"
#include "encoding.h"
#include "channel.h"

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
