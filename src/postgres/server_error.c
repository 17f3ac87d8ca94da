#include "config.h"

#include "postgres/server_error.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"

/* `FATAL:  28P01: password ...`: what a verbose message has after the severity. */
static const char *
find_sqlstate(const char *line, size_t length)
{
	for (const char *s = line; s + 9 < line + length; s++) {
		size_t n = 0;

		if (strncmp(s, ":  ", 3) != 0)
			continue;
		while (
		    n < 5 && (isdigit((unsigned char)s[3 + n]) || isupper((unsigned char)s[3 + n])))
			n++;
		if (n == 5 && s[8] == ':' && s[9] == ' ')
			return s + 3;
	}
	return NULL;
}

static void
add_line(struct buffer *b, const char *line, size_t length, char *sqlstate)
{
	const char *state = sqlstate ? find_sqlstate(line, length) : NULL;

	while (length && isspace((unsigned char)*line))
		line++, length--;
	if (length == 0 || (sqlstate && strncmp(line, "LOCATION:  ", 11) == 0))
		return;
	if (buffer_length(b))
		buffer_add(b, "; ", 2);
	if (!state) {
		buffer_add(b, line, length);
		return;
	}
	memcpy(sqlstate, state, 5);
	sqlstate[5] = '\0';
	buffer_add(b, line, (size_t)(state - line));
	buffer_add(b, state + 7, length - (size_t)(state + 7 - line));
}

static char *
join(const char *text, char *sqlstate)
{
	struct buffer b = {0};
	char *joined;

	while (*text) {
		size_t length = strcspn(text, "\n");

		add_line(&b, text, length, sqlstate);
		text += length + (text[length] == '\n');
	}
	/* More may follow it in the line. */
	if (buffer_length(&b) && b.data[b.end - 1] == '.')
		b.end--;
	buffer_add(&b, "", 1);
	joined = xstrdup(buffer_content(&b));
	buffer_free(&b);
	return joined;
}

char *
server_error_of_connection(const PGconn *conn, char sqlstate[6])
{
	return join(conn ? PQerrorMessage(conn) : "out of memory", sqlstate);
}

char *
server_error_line(const char *text)
{
	return join(text, NULL);
}

void
server_error_copy_sqlstate(char to[6], const char *sqlstate)
{
	bool valid = sqlstate && strlen(sqlstate) == 5;

	memcpy(to, valid ? sqlstate : "", valid ? 6 : 1);
}

void
server_error_set(struct server_error *e, const char *reason, const char *sqlstate)
{
	free(e->reason);
	e->reason = server_error_line(reason);
	server_error_copy_sqlstate(e->sqlstate, sqlstate);
}

const char *
server_error_sqlstate(const struct server_error *e)
{
	return e->sqlstate[0] ? e->sqlstate : NULL;
}

void
server_error_free(struct server_error *e)
{
	free(e->reason);
	*e = (struct server_error){0};
}

bool
server_error_is_permanent(const char *sqlstate)
{
	static const char *const classes[] = {
	    "0A", /* feature not supported */
	    "22", /* data exception: a name that the server's encoding does not have */
	    "28", /* invalid authorization specification */
	    "3D", /* no such database */
	    "42", /* syntax error or access rule violation: 42501 insufficient privilege */
	};

	for (size_t i = 0; sqlstate && i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

void
server_error_log_notice(const char *label, const PGresult *notice)
{
	const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *primary = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

	if (severity && primary)
		log_debug("%s: %s: %s", label, severity, primary);
}
