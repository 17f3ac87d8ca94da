#include "config.h"

#include "postgres/channel.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "postgres/redact.h"

/* Not where it may be a connection string (fact F21). */
static bool
can_show(const char *name)
{
	return !strchr(name, '=') && !redact_suspected(name);
}

/* The name in quotes, for an error; "" if it may not be shown. */
static char *
quoted(const char *name)
{
	if (!can_show(name))
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

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Whether SQL takes it for a name without quotes, if it is no keyword. */
static bool
is_identifier(const char *name)
{
	if (!strchr("0123456789$", *name))
		while (is_upper(*name) || (*name >= 'a' && *name <= 'z') ||
		       (unsigned char)*name >= 0x80 || (*name && strchr("_0123456789$", *name)))
			name++;
	return *name == '\0';
}

static bool
has_quotes(const char *name)
{
	size_t length = strlen(name);

	return length > 2 && (*name == '"' || *name == '\'') && name[length - 1] == *name;
}

char *
channel_in_sql(const char *name)
{
	char *other = NULL;

	if (!can_show(name))
		return NULL;
	if (has_quotes(name)) {
		other = xstrndup(name + 1, strlen(name) - 2);
	} else if (is_identifier(name) && name[strcspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]) {
		other = xstrdup(name);
		for (char *c = other; *c; c++)
			*c = is_upper(*c) ? (char)(*c - 'A' + 'a') : *c;
	}
	return other;
}

/* The name as SQL needs it. */
static char *
in_double_quotes(const char *name)
{
	char *text = xmalloc(2 * strlen(name) + 3), *end = text;

	*end++ = '"';
	for (; *name; name++) {
		if (*name == '"')
			*end++ = '"';
		*end++ = *name;
	}
	*end++ = '"';
	*end = '\0';
	return text;
}

char *
channel_hint(const char *name, const char *other)
{
	char *identifier = in_double_quotes(name), *hint;

	if (has_quotes(name))
		hint = xasprintf(
		    "pgwait listens on %s with its quotes, which SQL takes for no part of the "
		    "name: NOTIFY %s reaches it; for %s leave the quotes out",
		    name, identifier, other);
	else
		hint = xasprintf(
		    "pgwait listens on \"%s\", but NOTIFY %s goes to \"%s\": write NOTIFY %s, or "
		    "let pgwait listen on %s",
		    name, name, other, identifier, other);
	free(identifier);
	return hint;
}
