#include "config.h"

#include "postgres/target.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "base/suggestion.h"
#include "postgres/conninfo.h"
#include "postgres/passfile.h"
#include "postgres/redact.h"

#define SOCKET_FILE "/.s.PGSQL."

/* libpq's words where no user name is given and that of the process is not found. */
#define NO_NAME "local user"

bool
target_is_socket(const char *s)
{
	return s[0] == '/';
}

bool
target_is_conninfo(const char *s)
{
	return redact_scheme_length(s) || (strchr(s, '=') && !target_is_socket(s));
}

/* Which one it could be, or since when libpq knows it. */
static char *
keyword_advice(const char *keyword, size_t length)
{
	struct suggestion nearest = {.word = keyword, .length = length};
	int since = conninfo_since(keyword, length);
	PQconninfoOption *known;
	char *question;

	if (since)
		return xasprintf(", which came with libpq %d", since);
	known = PQconninfoParse("", NULL);
	for (PQconninfoOption *o = known; o && o->keyword; o++)
		suggestion_offer(&nearest, o->keyword);
	question = suggestion_question(&nearest, "");
	PQconninfoFree(known);
	return question;
}

/* Why libpq cannot read it; without libpq's text, which may quote a password (fact F21). */
static char *
unreadable_error(const char *s)
{
	static const char accepted[] = "accepted are postgresql://[USER@]HOST[:PORT]/DBNAME and "
				       "KEYWORD=VALUE ... as libpq reads them (for a channel with "
				       "\"=\" use -l)";
	int shown = redact_public_length(s), version = PQlibVersion();
	size_t length;
	const char *keyword = redact_unknown_keyword(s, &length);
	char *advice, *error;

	if (!keyword)
		return xasprintf("invalid connection string \"%.*s...\"; %s", shown, s, accepted);
	advice = keyword_advice(keyword, length);
	error =
	    xasprintf("invalid connection string \"%.*s...\": libpq %d.%d knows no \"%.*s\"%s; %s",
		shown, s, version / 10000, version % 10000, (int)length, keyword, advice, accepted);
	free(advice);
	return error;
}

static bool
add_conninfo(struct conninfo *p, const char *s, char **error)
{
	const char *rest = s + redact_scheme_length(s);
	const char *at = rest > s ? strrchr(rest, '@') : NULL;
	PQconninfoOption *options;

	if (at && (strcspn(rest, "/?") < (size_t)(at - rest) || strchr(rest, '@') != at)) {
		*error = xasprintf(
		    "invalid connection string \"%.*s...\": \"/\", \"?\" or \"@\" stands "
		    "before its last \"@\"; in a user name or password write %%2F, %%3F, %%40",
		    redact_public_length(s), s);
		return false;
	}
	options = PQconninfoParse(s, NULL);
	if (!options) {
		*error = unreadable_error(s);
		return false;
	}
	for (PQconninfoOption *o = options; o->keyword; o++)
		if (o->val)
			conninfo_add(p, o->keyword, o->val);
	PQconninfoFree(options);
	return true;
}

static bool
add_socket(struct conninfo *p, const char *s, char **error)
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
	conninfo_add(p, "host", directory);
	free(directory);
	if (file)
		conninfo_add(p, "port", file + strlen(SOCKET_FILE));
	return true;
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
	const char *host = conninfo_value(options, "host");
	const char *hostaddr = conninfo_value(options, "hostaddr");
	const char *port = conninfo_value(options, "port");

	t->host_count = list_count(hostaddr ? hostaddr : host);
	t->hosts = xcalloc(t->host_count, sizeof *t->hosts);
	for (size_t i = 0; i < t->host_count; i++) {
		t->hosts[i].host = list_item(host, i, false);
		t->hosts[i].hostaddr = list_item(hostaddr, i, false);
		t->hosts[i].port = list_item(port, i, true);
	}
}

/* A copy in UTF-8, whatever the name of a database is: what is no character becomes U+FFFD. The caller frees it. */
static char *
valid_text(const char *s)
{
	struct buffer b = {0};
	size_t left = strlen(s), n;
	char *copy;

	for (; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n)
			buffer_add(&b, s, n);
		else
			buffer_add_string(&b, "\xEF\xBF\xBD");
		n = n ? n : 1;
	}
	buffer_add(&b, "", 1);
	copy = xstrdup(buffer_content(&b));
	buffer_free(&b);
	return copy;
}

static void
set_label(struct target *t, const PQconninfoOption *options, const char *service)
{
	const char *dbname = conninfo_value(options, "dbname");
	struct buffer b = {0};

	if (service && *service) {
		t->label = xstrdup(service);
		return;
	}
	buffer_add_string(&b, dbname ? dbname : "");
	buffer_add(&b, "@", 1);
	for (size_t i = 0; i < t->host_count; i++) {
		const struct target_host *h = &t->hosts[i];
		const char *name = *h->host ? h->host : *h->hostaddr ? h->hostaddr : "[local]";
		bool v6 = name[0] != '/' && strchr(name, ':');

		buffer_add_string(&b, i ? "," : "");
		buffer_add_string(&b, v6 ? "[" : "");
		buffer_add_string(&b, name);
		buffer_add_string(&b, v6 ? "]" : "");
		if (*h->port && strcmp(h->port, "5432") != 0) {
			buffer_add(&b, ":", 1);
			buffer_add_string(&b, h->port);
		}
	}
	buffer_add(&b, "", 1);
	t->label = valid_text(buffer_content(&b));
	buffer_free(&b);
}

static bool
apart(const char *keyword)
{
	static const char *const names[] = {"host", "hostaddr", "port", "password", "passfile",
	    "service", "client_encoding", "fallback_application_name", "target_session_attrs",
	    "replication", "connect_timeout"};

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
add_keepalives(struct conninfo *p, const PQconninfoOption *options)
{
	static const char *const defaults[][2] = {{"keepalives_idle", "30"},
	    {"keepalives_interval", "5"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "45000"}};

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (!conninfo_value(options, defaults[i][0]))
			conninfo_add(p, defaults[i][0], defaults[i][1]);
}

/* 0 stands for the system's default, says libpq's documentation; but the system refuses a 0. */
static bool
is_system_default(const PQconninfoOption *o)
{
	int n;

	return strncmp(o->keyword, "keepalives_", 11) == 0 && conninfo_integer(o->val, &n) &&
	       n <= 0;
}

/*
 * Whether libpq comes to this value where none is given: then it need not be kept. `d` is at the same place in the list of
 * conninfo_defaults(). The name of the user is kept, since libpq would have to look it up in the system's files.
 */
static bool
adds_itself(const PQconninfoOption *d, const PQconninfoOption *o)
{
	return o->val && d->val && strcmp(o->val, d->val) == 0 &&
	       strcmp(o->keyword, d->keyword) == 0 && strcmp(o->keyword, "user") != 0;
}

/* "KEYWORD=VALUE,", where each "," of the value is doubled, so that no other values come to the same text. */
static void
add_identity(struct buffer *b, const PQconninfoOption *o)
{
	buffer_add_string(b, o->keyword);
	buffer_add(b, "=", 1);
	for (const char *s = o->val; *s; s++)
		buffer_add(b, *s == ',' ? ",," : s, *s == ',' ? 2 : 1);
	buffer_add(b, ",", 1);
}

static void
set_parameters(struct target *t, const PQconninfoOption *options)
{
	const char *session = conninfo_value(options, "target_session_attrs");
	const char *timeout = conninfo_value(options, "connect_timeout");
	const char *balance = conninfo_value(options, "load_balance_hosts");
	const PQconninfoOption *d = conninfo_defaults();
	struct conninfo *p = &t->params;
	struct buffer identity = {0};
	int seconds;

	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (!conninfo_is_default(o) && strcmp(o->keyword, "service") != 0)
			add_identity(&identity, o);
		if (d && d->keyword && adds_itself(d++, o))
			continue;
		if (o->val && *o->val && !apart(o->keyword) && !is_system_default(o))
			conninfo_add(p, o->keyword, o->val);
	}
	add_keepalives(p, options);
	t->load_balance = balance && strcmp(balance, "random") == 0;
	t->prefer_standby = session && strcmp(session, "prefer-standby") == 0;
	if (session && !t->prefer_standby)
		conninfo_add(p, "target_session_attrs", session);
	t->identity = xstrndup(buffer_content(&identity), buffer_length(&identity));
	buffer_free(&identity);
	t->attempt_timeout = -1;
	if (timeout &&
	    conninfo_integer(timeout, &seconds)) /* it is one, says conninfo_complete() */
		t->attempt_timeout = seconds < 0 ? 0 : seconds * SECOND;
}

/* An IP address. Whether the interface after "%" is there, is seen when it is needed. */
static bool
is_address(const char *s)
{
	const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char *address = xstrndup(s, strcspn(s, "%"));
	bool ok = getaddrinfo(address, NULL, &numeric, &found) == 0;

	if (ok)
		freeaddrinfo(found);
	free(address);
	return ok;
}

/* NULL, or what is wrong with a host: libpq would see it only when it connects, each time anew. */
static char *
check_host(const struct target_host *h)
{
	const size_t longest = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	size_t length = strlen(h->host) + strlen(SOCKET_FILE) + strlen(h->port);

	if (*h->hostaddr)
		return is_address(h->hostaddr)
			   ? NULL
			   : xasprintf(
				 "invalid hostaddr \"%s\"; accepted are IP addresses", h->hostaddr);
	if ((h->host[0] != '/' && h->host[0] != '@') || length <= longest)
		return NULL;
	return xasprintf("invalid host \"%s\": with the name of the socket's file it has %zu "
			 "bytes; accepted are at most %zu",
	    h->host, length, longest);
}

/* NULL, or what is wrong with the hosts. */
static char *
check_hosts(const struct target *t)
{
	char *error = NULL;

	for (size_t i = 0; i < t->host_count && !error; i++)
		error = check_host(&t->hosts[i]);
	return error;
}

/* The parameters in `p` and what libpq adds to them. */
static struct target *
complete(const struct conninfo *p, const char *service, char **error)
{
	PQconninfoOption *options = conninfo_complete(p, error);
	struct target *t = NULL;
	const char *value;

	if (!options)
		return NULL;
	value = conninfo_value(options, "port");
	if (value && !target_is_port_list(value)) {
		/* Not quoted: in a mistaken URI the password can stand here (fact F21). */
		*error =
		    xstrdup("invalid port in the connection parameters; accepted are whole numbers "
			    "from 1 to 65535 (in a URI write %3A for a colon in a password)");
		goto out;
	}
	t = xcalloc(1, sizeof *t);
	set_hosts(t, options);
	if ((*error = check_hosts(t))) {
		target_free(t);
		t = NULL;
		goto out;
	}
	set_label(t, options, service);
	value = conninfo_value(options, "password");
	t->password = value ? xstrdup(value) : NULL;
	value = conninfo_value(options, "passfile");
	t->passfile = value ? xstrdup(value) : passfile_default();
	value = conninfo_value(options, "user");
	t->user = xstrdup(value ? value : "");
	set_parameters(t, options);
out:
	PQconninfoFree(options);
	return t;
}

/*
 * Who has no name on this system, as in a container with an arbitrary user id, has to give one. That is found out when
 * it is connected to, as if the server had refused it: another user can do the same.
 */
static struct target *
complete_nameless(struct conninfo *p, const char *service, char **error)
{
	char *trouble = xasprintf("no user name is given, and %s", strstr(*error, NO_NAME));
	struct target *t;

	free(*error);
	conninfo_add(p, "user", "?");
	t = complete(p, service, error);
	if (t)
		t->trouble = trouble;
	else
		free(trouble);
	return t;
}

struct target *
target_parse(const char *s, const struct target_defaults *defaults, char **error)
{
	struct conninfo p = {0};
	struct target *t = NULL;
	const char *service = NULL;

	if (s && target_is_socket(s) && redact_finds_misplaced("host", s)) {
		*error = conninfo_misplaced("a socket path");
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
	service = conninfo_get(&p, "service");
	if (!service && !s)
		service = getenv("PGSERVICE");
	conninfo_default(&p, "host", conninfo_get(&p, "hostaddr") ? NULL : defaults->host);
	conninfo_default(&p, "port", defaults->port);
	conninfo_default(&p, "user", defaults->user);
	if (!conninfo_get(&p, "service"))
		conninfo_default(&p, "dbname", defaults->dbname);
	t = complete(&p, service, error);
	if (!t && strstr(*error, NO_NAME))
		t = complete_nameless(&p, service, error);
out:
	conninfo_free(&p);
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
	conninfo_free(&t->params);
	free(t->label);
	free(t->identity);
	free(t->password);
	free(t->passfile);
	free(t->user);
	free(t->trouble);
	free(t);
}
