#include "config.h"

#include "target.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "secret.h"

#define SOCKET_FILE "/.s.PGSQL."

/* A value that no option has: see dry_run(). */
#define NO_VALUE "pgwait-reads-parameters"

bool
target_is_socket(const char *s)
{
	return s[0] == '/';
}

bool
target_is_conninfo(const char *s)
{
	return secret_scheme(s) || (strchr(s, '=') && !target_is_socket(s));
}

/* The parameters of one target while it is put together: keyword and value, owned. */
struct params {
	char **keywords, **values;
	size_t count;
};

static void
params_add(struct params *p, const char *keyword, const char *value)
{
	p->keywords = xrealloc(p->keywords, (p->count + 2) * sizeof *p->keywords);
	p->values = xrealloc(p->values, (p->count + 2) * sizeof *p->values);
	p->keywords[p->count] = xstrdup(keyword);
	p->values[p->count++] = xstrdup(value);
	p->keywords[p->count] = p->values[p->count] = NULL;
}

static const char *
params_get(const struct params *p, const char *keyword)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->keywords[i], keyword) == 0)
			return p->values[i];
	return NULL;
}

static void
strings_free(char **strings)
{
	for (char **s = strings; s && *s; s++)
		free(*s);
	free(strings);
}

static void
params_free(struct params *p)
{
	strings_free(p->keywords);
	strings_free(p->values);
}

static void
params_default(struct params *p, const char *keyword, const char *value)
{
	if (value && !params_get(p, keyword))
		params_add(p, keyword, value);
}

static bool
add_conninfo(struct params *p, const char *s, char **error)
{
	const char *rest = s + secret_scheme(s);
	const char *at = rest > s ? strrchr(rest, '@') : NULL;
	PQconninfoOption *options;

	if (at && (strcspn(rest, "/?") < (size_t)(at - rest) || strchr(rest, '@') != at)) {
		*error = xasprintf(
		    "invalid connection string \"%.*s...\": \"/\", \"?\" or \"@\" stands "
		    "before its last \"@\"; in a user name or password write %%2F, %%3F, %%40",
		    secret_public_length(s), s);
		return false;
	}
	options = PQconninfoParse(s, NULL);
	if (!options) {
		*error = xasprintf("invalid connection string \"%.*s...\"; accepted are "
				   "postgresql://[USER@]HOST[:PORT]/DBNAME and KEYWORD=VALUE ... "
				   "as libpq reads them (for a channel with \"=\" use -l)",
		    secret_public_length(s), s);
		return false;
	}
	for (PQconninfoOption *o = options; o->keyword; o++)
		if (o->val)
			params_add(p, o->keyword, o->val);
	PQconninfoFree(options);
	return true;
}

static bool
add_socket(struct params *p, const char *s, char **error)
{
	const char *file = strstr(s, SOCKET_FILE);
	size_t length = file ? (size_t)(file - s) : strlen(s);
	int64_t port;
	char *directory;

	if (file && !parse_integer(file + strlen(SOCKET_FILE), 1, 65535, &port)) {
		*error =
		    xasprintf("invalid socket path \"%s\": the file's name is .s.PGSQL.PORT", s);
		return false;
	}
	while (length > 1 && s[length - 1] == '/')
		length--;
	directory = xstrndup(s, length);
	params_add(p, "host", directory);
	free(directory);
	if (file)
		params_add(p, "port", file + strlen(SOCKET_FILE));
	return true;
}

static char *
misplaced_error(const char *keyword)
{
	return xasprintf("invalid connection parameters: what stands for %s seems to hold a "
			 "password; accepted are postgresql://USER:PASSWORD@HOST/DBNAME, and "
			 "KEYWORD=VALUE with blanks between ('' for an empty value)",
	    keyword);
}

/* libpq's message quotes what it refuses. */
static char *
refused_error(const char *message)
{
	const char *quote = strchr(message, '"');

	if (secret_inside(quote ? quote : message))
		return misplaced_error("a parameter");
	return xasprintf(
	    "invalid connection parameters: %.*s", (int)strcspn(message, "\n"), message);
}

/*
 * What libpq would connect with. A connection is started with a value for `blocked` that libpq
 * refuses, after it has put its parameters together and before it opens anything; what it came to
 * is asked then. NULL where libpq refuses something else: *error is its message.
 */
static PQconninfoOption *
dry_run(const struct params *p, const char *blocked, char **error)
{
	const char **keywords = xcalloc(p->count + 2, sizeof *keywords);
	const char **values = xcalloc(p->count + 2, sizeof *values);
	PQconninfoOption *options = NULL;
	PGconn *conn;
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->keywords[i], blocked) == 0)
			continue;
		keywords[n] = p->keywords[i];
		values[n++] = p->values[i];
	}
	keywords[n] = blocked;
	values[n] = NO_VALUE;
	conn = PQconnectStartParams(keywords, values, 0);
	if (conn && strstr(PQerrorMessage(conn), NO_VALUE))
		options = PQconninfo(conn);
	else
		*error = refused_error(conn ? PQerrorMessage(conn) : "out of memory");
	PQfinish(conn);
	free(keywords);
	free(values);
	return options;
}

static const char *
option_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val && *options->val ? options->val : NULL;
	return NULL;
}

/* The `index`th of a comma-separated list; a list of one stands for all. "" past the end. */
static char *
list_item(const char *list, size_t index, bool repeat)
{
	const char *s = list ? list : "";

	if (repeat && !strchr(s, ','))
		return xstrdup(s);
	for (; index && *s; index--) {
		s += strcspn(s, ",");
		s += *s == ',';
	}
	return xstrndup(s, strcspn(s, ","));
}

bool
target_is_port_list(const char *s)
{
	for (;;) {
		size_t length = strcspn(s, ",");
		char *port = xstrndup(s, length);
		int64_t n;
		bool ok = length == 0 || parse_integer(port, 1, 65535, &n);

		free(port);
		if (!ok || s[length] == '\0')
			return ok;
		s += length + 1;
	}
}

static size_t
list_count(const char *list)
{
	size_t n = 1;

	for (; list && *list; list++)
		n += *list == ',';
	return n;
}

static void
set_hosts(struct target *t, const PQconninfoOption *options)
{
	const char *host = option_value(options, "host");
	const char *hostaddr = option_value(options, "hostaddr");
	const char *port = option_value(options, "port");

	t->host_count = list_count(hostaddr ? hostaddr : host);
	t->hosts = xcalloc(t->host_count, sizeof *t->hosts);
	for (size_t i = 0; i < t->host_count; i++) {
		t->hosts[i].host = list_item(host, i, false);
		t->hosts[i].hostaddr = list_item(hostaddr, i, false);
		t->hosts[i].port = list_item(port, i, true);
	}
}

static void
set_label(struct target *t, const PQconninfoOption *options, const char *service)
{
	const char *dbname = option_value(options, "dbname");
	struct buffer b = {0};

	if (service && *service) {
		t->label = xstrdup(service);
		return;
	}
	buffer_addf(&b, "%s@", dbname ? dbname : "");
	for (size_t i = 0; i < t->host_count; i++) {
		const struct target_host *h = &t->hosts[i];
		const char *name = *h->host ? h->host : *h->hostaddr ? h->hostaddr : "[local]";
		bool v6 = name[0] != '/' && strchr(name, ':');

		buffer_addf(&b, "%s%s%s%s", i ? "," : "", v6 ? "[" : "", name, v6 ? "]" : "");
		if (*h->port && strcmp(h->port, "5432") != 0)
			buffer_addf(&b, ":%s", h->port);
	}
	t->label = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
}

static bool
apart(const char *keyword)
{
	static const char *const names[] = {"host", "hostaddr", "port", "password", "service",
	    "client_encoding", "fallback_application_name", "target_session_attrs", "replication",
	    "connect_timeout"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

/*
 * So that a connection that died without a word is noticed while nothing is sent (fact F6): the
 * kernel asks after 30 s, three times; the system's own default is two hours. What the user set
 * stays.
 */
static void
add_keepalives(struct params *p, const PQconninfoOption *options)
{
	static const char *const defaults[][2] = {{"keepalives_idle", "30"},
	    {"keepalives_interval", "5"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "45000"}};

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (!option_value(options, defaults[i][0]))
			params_add(p, defaults[i][0], defaults[i][1]);
}

/* dry_run() cannot tell: libpq looks at it after gssencmode. */
static bool
check_session(const char *value, char **error)
{
	static const char *const accepted[] = {
	    "any", "read-write", "read-only", "primary", "standby", "prefer-standby"};

	for (size_t i = 0; value && i < sizeof accepted / sizeof accepted[0]; i++)
		if (strcmp(value, accepted[i]) == 0)
			return true;
	if (value)
		*error =
		    xasprintf("invalid target_session_attrs \"%s\"; accepted are any, read-write, "
			      "read-only, primary, standby and prefer-standby",
			value);
	return !value;
}

static bool
set_parameters(
    struct target *t, const PQconninfoOption *options, const char *gssencmode, char **error)
{
	const char *session = option_value(options, "target_session_attrs");
	const char *timeout = option_value(options, "connect_timeout");
	struct params p = {0};
	struct buffer identity = {0};
	int64_t seconds;

	if (!check_session(session, error))
		return false;
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		const char *value = strcmp(o->keyword, "gssencmode") == 0 ? gssencmode : o->val;

		if (value && *value && strcmp(o->keyword, "service") != 0)
			buffer_addf(&identity, "%s=%zu:%s,", o->keyword, strlen(value), value);
		if (value && *value && !apart(o->keyword))
			params_add(&p, o->keyword, value);
	}
	add_keepalives(&p, options);
	params_add(&p, "client_encoding", "SQL_ASCII"); /* fact F4 */
	params_add(&p, "fallback_application_name", "pgwait");
	t->prefer_standby = session && strcmp(session, "prefer-standby") == 0;
	if (session && !t->prefer_standby)
		params_add(&p, "target_session_attrs", session);
	t->keywords = p.keywords;
	t->values = p.values;
	t->identity = xstrndup(buffer_content(&identity), buffer_length(&identity));
	buffer_free(&identity);
	t->attempt_timeout = -1;
	if (!timeout)
		return true;
	if (!parse_integer(timeout, -INT32_MAX, INT32_MAX, &seconds)) {
		*error = xasprintf(
		    "invalid connect_timeout \"%s\"; accepted are whole seconds", timeout);
		return false;
	}
	t->attempt_timeout = seconds < 0 ? 0 : seconds * SECOND;
	return true;
}

/* The keyword of a parameter that seems to hold a password and should not; else NULL. */
static const char *
find_misplaced(const PQconninfoOption *options)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (o->val && o->dispchar[0] != '*' && secret_misplaced(o->keyword, o->val))
			return o->keyword;
	return NULL;
}

/* The parameters in `p` and what libpq adds to them. */
static struct target *
complete(const struct params *p, const char *service, char **error)
{
	struct target *t = NULL;
	PQconninfoOption *gss = NULL;
	PQconninfoOption *options = dry_run(p, "gssencmode", error);
	const char *value;

	if (!options || !(gss = dry_run(p, "target_session_attrs", error)))
		goto out;
	if ((value = find_misplaced(options))) {
		*error = misplaced_error(value);
		goto out;
	}
	value = option_value(options, "port");
	if (value && !target_is_port_list(value)) {
		/* Not quoted: in a mistaken URI the password can stand here (fact F21). */
		*error =
		    xstrdup("invalid port in the connection parameters; accepted are whole numbers "
			    "from 1 to 65535 (in a URI write %3A for a colon in a password)");
		goto out;
	}
	t = xcalloc(1, sizeof *t);
	set_hosts(t, options);
	set_label(t, options, service);
	value = option_value(options, "password");
	t->password = value ? xstrdup(value) : NULL;
	value = option_value(options, "user");
	t->user = xstrdup(value ? value : "");
	if (!set_parameters(t, options, option_value(gss, "gssencmode"), error)) {
		target_free(t);
		t = NULL;
	}
out:
	PQconninfoFree(options);
	PQconninfoFree(gss);
	return t;
}

struct target *
target_parse(const char *s, const struct target_defaults *defaults, char **error)
{
	struct params p = {0};
	struct target *t = NULL;
	const char *service = NULL;

	if (s && target_is_socket(s) && secret_misplaced("host", s)) {
		*error = misplaced_error("a socket path");
		goto out;
	}
	if (s && target_is_socket(s) && (defaults->host || defaults->port)) {
		*error =
		    xasprintf("the socket path \"%s\" says host and port: it cannot stand together "
			      "with -h or -p",
			s);
		goto out;
	}
	if (s && !(target_is_socket(s) ? add_socket(&p, s, error) : add_conninfo(&p, s, error)))
		goto out;
	service = params_get(&p, "service");
	if (!service && !s)
		service = getenv("PGSERVICE");
	params_default(&p, "host", params_get(&p, "hostaddr") ? NULL : defaults->host);
	params_default(&p, "port", defaults->port);
	params_default(&p, "user", defaults->user);
	if (!params_get(&p, "service"))
		params_default(&p, "dbname", defaults->dbname);
	t = complete(&p, service, error);
out:
	params_free(&p);
	return t;
}

void
target_rename(struct target *t, const char *label)
{
	char *copy = xstrdup(label);

	free(t->label);
	t->label = copy;
}

void
target_number(struct target *t, int number)
{
	char *label = xasprintf("%s#%d", t->label, number);

	free(t->label);
	t->label = label;
}

void
target_free(struct target *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->host_count; i++) {
		free(t->hosts[i].host);
		free(t->hosts[i].hostaddr);
		free(t->hosts[i].port);
	}
	free(t->hosts);
	strings_free(t->keywords);
	strings_free(t->values);
	free(t->label);
	free(t->identity);
	free(t->password);
	free(t->user);
	free(t);
}
