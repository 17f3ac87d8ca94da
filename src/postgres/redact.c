#include "config.h"

#include "postgres/redact.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* No keyword of libpq has as many bytes. */
#define KEYWORD_LONGEST 40

size_t
redact_scheme_length(const char *s)
{
	static const char *const schemes[] = {"postgresql://", "postgres://"};

	for (size_t i = 0; i < 2; i++)
		if (strncmp(s, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

static bool
is_keyword(const char *s, size_t length)
{
	PQconninfoOption *options = PQconninfoParse("", NULL);
	bool found = false;

	for (PQconninfoOption *o = options; o && o->keyword; o++)
		found |= strlen(o->keyword) == length && strncmp(o->keyword, s, length) == 0;
	PQconninfoFree(options);
	return found;
}

int
redact_public_length(const char *conninfo)
{
	size_t blank = strspn(conninfo, BLANKS), length;

	if (redact_scheme_length(conninfo))
		return (int)redact_scheme_length(conninfo);
	length = strcspn(conninfo + blank, "=" BLANKS);
	if (!is_keyword(conninfo + blank, length))
		return 0;
	length += blank;
	return (int)(length + (conninfo[length] == '='));
}

/* What libpq's message about a keyword quotes; NULL: it is about something else. Freed by the caller. */
static char *
refused_keyword(const char *conninfo)
{
	char *message = NULL, *keyword = NULL, *end;

	PQconninfoFree(PQconninfoParse(conninfo, &message));
	if (message && (strncmp(message, "invalid connection option \"", 27) == 0 ||
			   strncmp(message, "invalid URI query parameter: \"", 30) == 0)) {
		end = strrchr(message, '"');
		*end = '\0';
		keyword = strdup(strchr(message, '"') + 1);
	}
	PQfreemem(message);
	return keyword;
}

/* Whether "=" follows, and then a value; base64, which may be a password, ends in "=". */
static bool
has_value(const char *s)
{
	s += strspn(s, BLANKS);
	if (*s != '=')
		return false;
	s += 1 + strspn(s + 1, BLANKS);
	return *s && *s != '=';
}

/* The place of a keyword that has a value; NULL: it is not written like that. */
static const char *
find_keyword(const char *s, const char *keyword)
{
	const char *before = redact_scheme_length(s) ? "?&" : BLANKS;

	for (const char *at = s; (at = strstr(at, keyword)); at++)
		if ((at == s || strchr(before, at[-1])) && has_value(at + strlen(keyword)))
			return at;
	return NULL;
}

/* Whether a port in "HOST:PORT,...", up to a slash or question mark, is no number. */
static bool
has_odd_port(const char *s)
{
	for (; !strchr("/?", *s); s++)
		if (*s == ':' && !strchr(",/?", s[1 + strspn(s + 1, "0123456789")]))
			return true;
	return false;
}

/* Whether there can be a password before `at`, which is a part of it then. */
static bool
after_password(const char *s, const char *at)
{
	static const char *const words[] = {"pass", "pwd", "secret", "_key"};

	if (redact_scheme_length(s)) {
		const char *user_end = strrchr(s, '@');

		s += redact_scheme_length(s);
		/* That of the user ends there (fact F21); without a user it may be the port. */
		if (user_end && user_end < at)
			s = user_end;
		else if (has_odd_port(s))
			return true;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const char *found = strcasestr(s, words[i]);

		if (found && found < at)
			return true;
	}
	return false;
}

const char *
redact_unknown_keyword(const char *conninfo, size_t *length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	char *keyword = refused_keyword(conninfo);
	const char *at = NULL;

	if (keyword && *keyword && strlen(keyword) <= KEYWORD_LONGEST &&
	    keyword[strspn(keyword, letters)] == '\0')
		at = find_keyword(conninfo, keyword);
	if (at && after_password(conninfo, at))
		at = NULL;
	*length = at ? strlen(keyword) : 0;
	free(keyword);
	return at;
}

static bool
says_password(const char *s)
{
	while ((s = strcasestr(s, "password"))) {
		s += strlen("password");
		if (s[strspn(s, BLANKS)] == '=')
			return true;
	}
	return false;
}

static bool
has_user_part(const char *s)
{
	const char *colon = strchr(s, ':');

	return colon && strchr(colon, '@');
}

bool
redact_finds_password(const char *s)
{
	return says_password(s) || has_user_part(s);
}

bool
redact_suspected(const char *word)
{
	static const char *const signs[] = {"//", ":/", "postgres:", "postgresql:", ".s.PGSQL."};

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (strcasestr(word, signs[i]))
			return true;
	if (strncmp(word, "./", 2) == 0 || strncmp(word, "../", 3) == 0)
		return true;
	return strchr(word, '@') && strpbrk(word, ":/");
}

/* The length of "SCHEME:/" or "SCHEME://"; else 0. */
static size_t
foreign_scheme(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+";
	size_t length = strncasecmp(word, "jdbc:", 5) == 0 ? 5 : 0;

	length += strspn(word + length, letters);
	return strncmp(word + length, ":/", 2) == 0 ? length + 1 + strspn(word + length + 1, "/")
						    : 0;
}

int
redact_suspected_length(const char *word)
{
	size_t scheme = foreign_scheme(word);

	return (int)(strpbrk(word + scheme, "@:") ? scheme : strlen(word));
}

/* The parameters that are shown: in labels, and in messages of pgwait, libpq and the server. */
static bool
is_shown(const char *keyword)
{
	static const char *const names[] = {"host", "hostaddr", "dbname", "user", "service",
	    "connect_timeout", "target_session_attrs", "keepalives", "keepalives_idle",
	    "keepalives_interval", "keepalives_count", "tcp_user_timeout"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

bool
redact_finds_misplaced(const char *keyword, const char *value)
{
	/* "-c some.password=..." is the server's business, and shown nowhere. */
	if (strcmp(keyword, "options") == 0 && value[strspn(value, " ")] == '-')
		return false;
	/* A directory may have such a name; "//" is a URI whose scheme was cut off. */
	if (value[0] == '/' && value[1] != '/')
		return false;
	return says_password(value) || (is_shown(keyword) && has_user_part(value));
}

/* A parameter whose value is shown nowhere, not in ps either. */
static bool
holds_secret(const PQconninfoOption *o)
{
	return o->dispchar[0] == '*' || strcmp(o->keyword, "scram_client_key") == 0 ||
	       strcmp(o->keyword, "scram_server_key") == 0;
}

void
redact_overwrite(char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	bool secret = !options; /* what cannot be read may hold anything */

	for (PQconninfoOption *o = options; o && o->keyword; o++)
		secret |= o->val && holds_secret(o);
	PQconninfoFree(options);
	if (secret)
		for (char *p = conninfo + redact_public_length(conninfo); *p; p++)
			*p = '*';
}
