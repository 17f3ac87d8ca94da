#include "config.h"

#include "postgres/channel.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "postgres/redact.h"

/* The name in quotes, for an error; not where it may be a connection string (fact F21). */
static char *
quoted(const char *name)
{
	if (strchr(name, '=') || redact_suspected(name))
		return xstrdup("");
	return xasprintf(" \"%.100s%s\"", name, strlen(name) > 100 ? "..." : "");
}

bool
channel_check(const char *name, char **error)
{
	size_t length = strlen(name);
	char *quote;

	if (length > 0 && length <= CHANNEL_MAX && utf8_valid(name, length))
		return true;
	quote = quoted(name);
	if (length == 0)
		*error = xasprintf("invalid channel name%s: it is empty", quote);
	else if (length > CHANNEL_MAX)
		*error = xasprintf("invalid channel name%s: it has %zu bytes, PostgreSQL takes %d",
		    quote, length, CHANNEL_MAX);
	else
		*error = xasprintf("invalid channel name%s: it is not UTF-8", quote);
	free(quote);
	return false;
}
