#include "config.h"

#include "postgres/conninfo.h"

#include <errno.h>
#include <fcntl.h>
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
	size_t k = strlen(keyword) + 1, v = strlen(value) + 1;

	p->pairs = xrealloc(p->pairs, p->length + k + v);
	memcpy(p->pairs + p->length, keyword, k);
	memcpy(p->pairs + p->length + k, value, v);
	p->length += k + v;
	p->count++;
}

bool
conninfo_next(const struct conninfo *p, const char **keyword, const char **value)
{
	const char *next = *keyword ? *value + strlen(*value) + 1 : p->pairs;

	if (p->count == 0 || next == p->pairs + p->length)
		return false;
	*keyword = next;
	*value = next + strlen(next) + 1;
	return true;
}

const char *
conninfo_get(const struct conninfo *p, const char *keyword)
{
	const char *k = NULL, *value = NULL;

	while (conninfo_next(p, &k, &value))
		if (strcmp(k, keyword) == 0)
			return value;
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
	free(p->pairs);
	*p = (struct conninfo){0};
}

/* NULL: libpq does not know the keyword. As strchr() does, it leaves it to the caller whether the list is constant. */
static PQconninfoOption *
find_option(const PQconninfoOption *options, const char *keyword)
{
	/* Few keywords begin with the same letter: most comparisons need no call. */
	while (options->keyword &&
	       (options->keyword[0] != keyword[0] || strcmp(options->keyword, keyword) != 0))
		options++;
	return options->keyword ? (PQconninfoOption *)options : NULL;
}

const char *
conninfo_value(const PQconninfoOption *options, const char *keyword)
{
	const PQconninfoOption *o = find_option(options, keyword);

	return o && o->val && *o->val ? o->val : NULL;
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
	    {18, "oauth_client_secret"}, {18, "oauth_scope"}, {19, "servicefile"},
	    {19, "oauth_ca_file"}};

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

/* The values that some parameters accept; libpq refuses others, but does not say which it accepts. */
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

/* If *s begins with `text`, moves *s behind it. */
static bool
skip(const char **s, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*s, text, length) != 0)
		return false;
	*s += length;
	return true;
}

/* The "VALUE" in libpq's message: invalid KEYWORD value: "VALUE", where KEYWORD may have quotes; NULL: it is another one. */
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

/* Our message for libpq's, which quotes the value that libpq refuses. */
static char *
refused_error(const char *message)
{
	static const struct setting keys[] = {{"scram_client_key", "invalid SCRAM client key"},
	    {"scram_server_key", "invalid SCRAM server key"}};
	const char *quote = strchr(message, '"');

	if (redact_finds_password(quote ? quote : message))
		return conninfo_misplaced("a parameter");
	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		const char *value = refused_value(message, choices[i].keyword);

		if (value)
			return xasprintf("invalid %s %.*s; accepted are %s", choices[i].keyword,
			    (int)strcspn(value, "\n"), value, choices[i].value);
	}
	/* libpq does not quote these, which are secret. */
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (strncmp(message, keys[i].value, strlen(keys[i].value)) == 0)
			return xasprintf(
			    "invalid %s; accepted are 32 bytes in base64", keys[i].keyword);
	return xasprintf(
	    "invalid connection parameters: %.*s", (int)strcspn(message, "\n"), message);
}

/*
 * Asks libpq with which values it would connect: starts a connection with the parameters `instead` in place of those of
 * `p`. One of them has NO_VALUE, which libpq refuses after it has put all parameters together and before it opens
 * anything; then PQconninfo() has the values. NULL if libpq refuses another value: *error is our message for that.
 */
static PQconninfoOption *
dry_run(const struct conninfo *p, const struct setting *instead, char **error)
{
	const char **keywords = xcalloc(p->count + 8, sizeof *keywords);
	const char **values = xcalloc(p->count + 8, sizeof *values);
	/* No constant, since a file or a variable could have the same text. */
	char *no_value = xasprintf("pgwait-%d-%jd", (int)getpid(), (intmax_t)clock_monotonic());
	PQconninfoOption *options = NULL;
	const char *keyword = NULL, *value = NULL;
	PGconn *conn;
	size_t n = 0;

	for (; instead[n].keyword; n++) {
		keywords[n] = instead[n].keyword;
		values[n] = instead[n].value ? instead[n].value : no_value;
	}
	while (conninfo_next(p, &keyword, &value)) {
		const struct setting *s = instead;

		while (s->keyword && strcmp(s->keyword, keyword) != 0)
			s++;
		if (s->keyword)
			continue;
		keywords[n] = keyword;
		values[n++] = value;
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

/* Exchanges the value of a keyword with that of another list. */
static void
take_value(PQconninfoOption *options, PQconninfoOption *from, const char *keyword)
{
	PQconninfoOption *to = find_option(options, keyword), *other = find_option(from, keyword);
	char *value;

	if (!to || !other)
		return;
	value = to->val;
	to->val = other->val;
	other->val = value;
}

const PQconninfoOption *
conninfo_defaults(void)
{
	static PQconninfoOption *defaults;

	/* If PQconndefaults() cannot read the service file, it does not say so. */
	if (!defaults && !getenv("PGSERVICE"))
		defaults = PQconndefaults();
	return defaults;
}

/* For PQconninfoFree(), as libpq itself makes one. NULL if there is none to copy. */
static PQconninfoOption *
copy_options(const PQconninfoOption *options)
{
	PQconninfoOption *copy;
	size_t count = 0;

	if (!options)
		return NULL;
	while (options[count].keyword)
		count++;
	copy = xmalloc((count + 1) * sizeof *copy);
	memcpy(copy, options, (count + 1) * sizeof *copy);
	for (PQconninfoOption *o = copy; o->keyword; o++)
		if (o->val)
			o->val = xstrdup(o->val);
	return copy;
}

/* In the list, a copy of it. */
static bool
set_value(PQconninfoOption *options, const char *keyword, const char *value)
{
	PQconninfoOption *o = find_option(options, keyword);

	if (!o)
		return false;
	free(o->val);
	o->val = xstrdup(value);
	return true;
}

/* Where there are several, libpq compares how many there are of each. */
static bool
is_list(const PQconninfoOption *options, const char *keyword)
{
	const char *value = conninfo_value(options, keyword);

	return value && strchr(value, ',');
}

/*
 * The values with which libpq would connect unless it refuses one: those of `p`, and its defaults. NULL: only dry_run()
 * can find them.
 */
static PQconninfoOption *
combine(const struct conninfo *p)
{
	const char *service = conninfo_get(p, "service"), *keyword = NULL, *value = NULL, *user;
	PQconninfoOption *options = service && *service ? NULL : copy_options(conninfo_defaults());
	bool ok = true;

	while (options && ok && conninfo_next(p, &keyword, &value))
		ok = !*value || set_value(options, keyword, value);
	user = options ? conninfo_value(options, "user") : NULL;
	if (!user || !ok || is_list(options, "host") || is_list(options, "hostaddr") ||
	    is_list(options, "port")) {
		PQconninfoFree(options);
		return NULL;
	}
	if (!conninfo_value(options, "dbname"))
		(void)set_value(options, "dbname", user);
	return options;
}

/* Whether libpq accepts any value of the keyword, or check_values() checks it. */
static bool
is_unjudged(const char *keyword)
{
	static const char *const names[] = {"host", "hostaddr", "port", "dbname", "user",
	    "password", "passfile", "application_name", "fallback_application_name", "options",
	    "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval",
	    "keepalives_count", "tcp_user_timeout"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

bool
conninfo_is_default(const PQconninfoOption *o)
{
	return !o->val || !*o->val || (o->compiled && strcmp(o->val, o->compiled) == 0);
}

/* Whether there is a value that libpq may refuse, or replace by another one. */
static bool
is_judged(const PQconninfoOption *options)
{
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (!conninfo_is_default(o) && !is_unjudged(o->keyword))
			return true;
	return false;
}

/*
 * Checks the values that libpq uses as far as it can, while it itself writes a warning to stderr (fact F23): a password that
 * is longer than OpenSSL's buffer for it (PEM_BUFSIZE), and a file that it cannot write. NULL, or the message.
 */
static char *
check_half_used(const PQconninfoOption *options)
{
	const char *password = conninfo_value(options, "sslpassword");
	const char *file = conninfo_value(options, "sslkeylogfile");
	int fd;

	if (password && strlen(password) > 1023)
		return xasprintf("invalid sslpassword: it has %zu bytes; accepted are up to 1023",
		    strlen(password));
	if (!file)
		return NULL;
	fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return xasprintf("invalid sslkeylogfile \"%s\": %s; accepted is a file that can be "
				 "written",
		    file, strerror(errno));
	close(fd);
	return NULL;
}

/* Checks the values that libpq would not check before it connects. NULL, or the message. */
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

	/* First, so that the messages below can quote a value. */
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (!conninfo_is_default(o) && o->dispchar[0] != '*' &&
		    redact_finds_misplaced(o->keyword, o->val))
			return conninfo_misplaced(o->keyword);
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
		const char *value = conninfo_value(options, integers[i].keyword);

		if (value && (!conninfo_integer(value, &n) || n > integers[i].most))
			return xasprintf("invalid %s \"%s\"; accepted are %s", integers[i].keyword,
			    value, integers[i].accepted);
	}
	return check_half_used(options);
}

/* Has libpq check the values; takes those of host, port and so on from `options`, and frees that. */
static PQconninfoOption *
judge(const struct conninfo *p, PQconninfoOption *options, char **error)
{
	/* libpq checks the address last, when it has accepted all other values. */
	static const struct setting but_host[] = {{"host", "-"}, {"hostaddr", NO_VALUE},
	    {"port", "1"}, {"passfile", NO_FILE}, {NULL, NULL}};
	PQconninfoOption *judged = dry_run(p, but_host, error);

	for (const struct setting *s = but_host; judged && s->keyword; s++)
		take_value(judged, options, s->keyword);
	PQconninfoFree(options);
	return judged;
}

PQconninfoOption *
conninfo_complete(const struct conninfo *p, char **error)
{
	/* If a password is given, libpq does not look for one in a file. */
	static const struct setting but_gssencmode[] = {
	    {"gssencmode", NO_VALUE}, {"password", "-"}, {NULL, NULL}};
	PQconninfoOption *options = combine(p);
	bool alone = options && !is_judged(options);

	if (!options)
		options = dry_run(p, but_gssencmode, error);
	if (options && !alone)
		options = judge(p, options, error);
	if (options && (*error = check_values(options))) {
		PQconninfoFree(options);
		options = NULL;
	}
	return options;
}
