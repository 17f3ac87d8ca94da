#include "config.h"

#include "postgres/conninfo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postgres/redact.h"

/* Stands for a value that no parameter has: see dry_run(). */
#define NO_VALUE NULL

/* Where no password file can be: libpq would write to stderr about a bad one (fact F23). */
#define NO_FILE "/dev/null/none"

struct setting {
	const char *keyword, *value;
};

void
conninfo_add(struct conninfo *p, const char *keyword, const char *value)
{
	p->keywords = xrealloc(p->keywords, (p->count + 2) * sizeof *p->keywords);
	p->values = xrealloc(p->values, (p->count + 2) * sizeof *p->values);
	p->keywords[p->count] = xstrdup(keyword);
	p->values[p->count++] = xstrdup(value);
	p->keywords[p->count] = p->values[p->count] = NULL;
}

const char *
conninfo_get(const struct conninfo *p, const char *keyword)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->keywords[i], keyword) == 0)
			return p->values[i];
	return NULL;
}

void
conninfo_default(struct conninfo *p, const char *keyword, const char *value)
{
	if (value && !conninfo_get(p, keyword))
		conninfo_add(p, keyword, value);
}

void
conninfo_free(struct conninfo *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->keywords[i]);
		free(p->values[i]);
	}
	free(p->keywords);
	free(p->values);
	*p = (struct conninfo){0};
}

const char *
conninfo_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val && *options->val ? options->val : NULL;
	return NULL;
}

int
conninfo_since(const char *keyword, size_t length)
{
	static const struct {
		int version;
		const char *keyword;
	} news[] = {{16, "load_balance_hosts"}, {16, "require_auth"}, {16, "sslcertmode"},
	    {16, "gssdelegation"}, {17, "sslnegotiation"}, {18, "min_protocol_version"},
	    {18, "max_protocol_version"}, {18, "scram_client_key"}, {18, "scram_server_key"},
	    {18, "sslkeylogfile"}, {18, "oauth_issuer"}, {18, "oauth_client_id"},
	    {18, "oauth_client_secret"}, {18, "oauth_scope"}};

	for (size_t i = 0; i < sizeof news / sizeof news[0]; i++)
		if (strlen(news[i].keyword) == length &&
		    strncmp(news[i].keyword, keyword, length) == 0)
			return news[i].version;
	return 0;
}

bool
conninfo_integer(const char *s, int *value)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (end == s || errno || n < INT_MIN || n > INT_MAX || end[strspn(end, " \t\r\n\v\f")])
		return false;
	*value = (int)n;
	return true;
}

char *
conninfo_misplaced(const char *what)
{
	return xasprintf("invalid connection parameters: what stands for %s seems to hold a "
			 "password; accepted are postgresql://USER:PASSWORD@HOST/DBNAME, and "
			 "KEYWORD=VALUE with blanks between ('' for an empty value)",
	    what);
}

/* What some parameters accept, where libpq, which judges them, does not say it. */
static const struct setting choices[] = {
    {"sslmode", "disable, allow, prefer, require, verify-ca and verify-full"},
    {"channel_binding", "disable, prefer and require"},
    {"gssencmode", "disable, prefer and require"},
    {"target_session_attrs", "any, read-write, read-only, primary, standby and prefer-standby"},
    {"load_balance_hosts", "disable and random"},
    {"require_auth", "lists of password, md5, gss, sspi, scram-sha-256, oauth and none"},
    {"sslcertmode", "disable, allow and require"},
    {"sslnegotiation", "postgres and direct"},
    {"ssl_min_protocol_version", "TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3"},
    {"ssl_max_protocol_version", "TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3"},
    {"min_protocol_version", "3.0, 3.2 and latest"},
    {"max_protocol_version", "3.0, 3.2 and latest"},
};

/* Takes `text` off the front of *s where it stands there. */
static bool
skip(const char **s, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*s, text, length) != 0)
		return false;
	*s += length;
	return true;
}

/* What follows in the message invalid KEYWORD value: "VALUE", or that with quotes for both; or NULL. */
static const char *
refused_value(const char *message, const char *keyword)
{
	bool quoted = skip(&message, "invalid \"");

	if (!quoted && !skip(&message, "invalid "))
		return NULL;
	if (!skip(&message, keyword) || (quoted && !skip(&message, "\"")))
		return NULL;
	return skip(&message, " value: ") ? message : NULL;
}

/* libpq's message quotes what it refuses. */
static char *
refused_error(const char *message)
{
	const char *quote = strchr(message, '"');

	if (redact_finds_password(quote ? quote : message))
		return conninfo_misplaced("a parameter");
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		const char *value = refused_value(message, choices[i].keyword);

		if (value)
			return xasprintf("invalid %s %.*s; accepted are %s", choices[i].keyword,
			    (int)strcspn(value, "\n"), value, choices[i].value);
	}
	return xasprintf(
	    "invalid connection parameters: %.*s", (int)strcspn(message, "\n"), message);
}

/*
 * What libpq would connect with. A connection is started with parameters `instead` of those that
 * are given, one of them with NO_VALUE, which libpq refuses after it has put its parameters together and
 * before it opens anything; what it came to is asked then. NULL where libpq refuses something
 * else: *error is its message.
 */
static PQconninfoOption *
dry_run(const struct conninfo *p, const struct setting *instead, char **error)
{
	const char **keywords = xcalloc(p->count + 8, sizeof *keywords);
	const char **values = xcalloc(p->count + 8, sizeof *values);
	/* Not a constant, which a file or a variable could have, too. */
	char *no_value = xasprintf("pgwait-%d-%jd", (int)getpid(), (intmax_t)clock_monotonic());
	PQconninfoOption *options = NULL;
	PGconn *conn;
	size_t n = 0;

	for (; instead[n].keyword; n++) {
		keywords[n] = instead[n].keyword;
		values[n] = instead[n].value ? instead[n].value : no_value;
	}
	for (size_t i = 0; i < p->count; i++) {
		const struct setting *s = instead;

		while (s->keyword && strcmp(s->keyword, p->keywords[i]) != 0)
			s++;
		if (s->keyword)
			continue;
		keywords[n] = p->keywords[i];
		values[n++] = p->values[i];
	}
	conn = PQconnectStartParams(keywords, values, 0);
	if (conn && strstr(PQerrorMessage(conn), no_value)) {
		options = PQconninfo(conn);
		if (!options)
			*error = xstrdup("out of memory");
	} else {
		*error = refused_error(conn ? PQerrorMessage(conn) : "out of memory");
	}
	PQfinish(conn);
	free(keywords);
	free(values);
	free(no_value);
	return options;
}

/* Takes over the value that another list has. */
static void
take_value(PQconninfoOption *options, PQconninfoOption *from, const char *keyword)
{
	for (; options->keyword; options++, from++) {
		char *value = options->val;

		if (strcmp(options->keyword, keyword) != 0)
			continue;
		options->val = from->val;
		from->val = value;
	}
}

/* NULL, or what is wrong with a value that libpq would not look at before it connects. */
static char *
check_values(const PQconninfoOption *options)
{
	static const struct {
		const char *keyword, *accepted;
		int most; /* of Linux */
	} integers[] = {{"connect_timeout", "whole seconds", INT_MAX},
	    {"keepalives", "0 and 1", INT_MAX},
	    {"keepalives_idle", "whole seconds up to 32767", 32767},
	    {"keepalives_interval", "whole seconds up to 32767", 32767},
	    {"keepalives_count", "whole numbers up to 127", 127},
	    {"tcp_user_timeout", "whole milliseconds", INT_MAX}};
	int n;

	/* No other message needs to mind what it quotes, then. */
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (o->val && o->dispchar[0] != '*' && redact_finds_misplaced(o->keyword, o->val))
			return conninfo_misplaced(o->keyword);
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
		const char *value = conninfo_value(options, integers[i].keyword);

		if (value && (!conninfo_integer(value, &n) || n > integers[i].most))
			return xasprintf("invalid %s \"%s\"; accepted are %s", integers[i].keyword,
			    value, integers[i].accepted);
	}
	return NULL;
}

PQconninfoOption *
conninfo_complete(const struct conninfo *p, char **error)
{
	/* With a password libpq looks for no other one, in a file. */
	static const struct setting but_gssencmode[] = {
	    {"gssencmode", NO_VALUE}, {"password", "-"}, {NULL, NULL}};
	/* The address is the last that it looks at, once all else is well. */
	static const struct setting but_host[] = {{"host", "-"}, {"hostaddr", NO_VALUE},
	    {"port", "1"}, {"passfile", NO_FILE}, {NULL, NULL}};
	PQconninfoOption *options = dry_run(p, but_gssencmode, error), *rest;

	if (!options)
		return NULL;
	rest = dry_run(p, but_host, error);
	if (rest) {
		take_value(options, rest, "gssencmode");
		take_value(options, rest, "password");
		*error = check_values(options);
	}
	if (!rest || *error) {
		PQconninfoFree(options);
		options = NULL;
	}
	PQconninfoFree(rest);
	return options;
}
