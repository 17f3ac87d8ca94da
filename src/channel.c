#include "config.h"

#include "channel.h"

#include <string.h>

#include "escape.h"

bool
channel_check(const char *name, char **error)
{
	size_t length = strlen(name);

	if (length == 0)
		*error = xasprintf("invalid channel name \"\": it is empty");
	else if (length > CHANNEL_MAX)
		*error = xasprintf(
		    "invalid channel name \"%.100s%s\": it has %zu bytes, PostgreSQL takes %d",
		    name, length > 100 ? "..." : "", length, CHANNEL_MAX);
	else if (!utf8_valid(name, length))
		*error = xasprintf("invalid channel name \"%s\": it is not UTF-8", name);
	else
		return true;
	return false;
}
