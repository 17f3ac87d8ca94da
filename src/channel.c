#include "config.h"

#include "channel.h"

#include <string.h>

#include "escape.h"
#include "secret.h"

bool
channel_check(const char *name, char **error)
{
	size_t length = strlen(name);

	if (length == 0)
		*error = xasprintf("invalid channel name \"\": it is empty");
	else if (length > CHANNEL_MAX) /* not shown where a password could be in it (fact F21) */
		*error = xasprintf(
		    "invalid channel name \"%.100s%s\": it has %zu bytes, PostgreSQL takes %d",
		    secret_inside(name) ? "" : name,
		    length > 100 || secret_inside(name) ? "..." : "", length, CHANNEL_MAX);
	else if (!utf8_valid(name, length))
		*error = xasprintf("invalid channel name \"%s\": it is not UTF-8", name);
	else
		return true;
	return false;
}
