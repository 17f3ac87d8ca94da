#include "config.h"

#include "secret.h"

#include <libpq-fe.h>
#include <string.h>

size_t
secret_scheme(const char *s)
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
secret_public_length(const char *conninfo)
{
	size_t blank = strspn(conninfo, " \t\r\n"), length;

	if (secret_scheme(conninfo))
		return (int)secret_scheme(conninfo);
	length = strcspn(conninfo + blank, "= \t\r\n");
	if (!is_keyword(conninfo + blank, length))
		return 0;
	length += blank;
	return (int)(length + (conninfo[length] == '='));
}

static bool
says_password(const char *s)
{
	while ((s = strcasestr(s, "password"))) {
		s += strlen("password");
		if (s[strspn(s, " \t\r\n")] == '=')
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
secret_inside(const char *s)
{
	return says_password(s) || has_user_part(s);
}

bool
secret_suspected(const char *word)
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
secret_suspected_length(const char *word)
{
	size_t scheme = foreign_scheme(word);

	return (int)(strpbrk(word + scheme, "@:") ? scheme : strlen(word));
}

/* The parameters that are shown: in labels, and in messages of pgwait, libpq and the server. */
static bool
is_shown(const char *keyword)
{
	static const char *const names[] = {"host", "hostaddr", "dbname", "user", "service",
	    "connect_timeout", "target_session_attrs"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(keyword, names[i]) == 0)
			return true;
	return false;
}

bool
secret_misplaced(const char *keyword, const char *value)
{
	/* "-c some.password=..." is the server's business, and shown nowhere. */
	if (strcmp(keyword, "options") == 0 && value[strspn(value, " ")] == '-')
		return false;
	/* A directory may have such a name; "//" is a URI whose scheme was cut off. */
	if (value[0] == '/' && value[1] != '/')
		return false;
	return says_password(value) || (is_shown(keyword) && has_user_part(value));
}

void
secret_hide(char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	bool secret = !options; /* what cannot be read may hold anything */

	for (PQconninfoOption *o = options; o && o->keyword; o++)
		secret |= o->val && o->dispchar[0] == '*';
	PQconninfoFree(options);
	if (secret)
		for (char *p = conninfo + secret_public_length(conninfo); *p; p++)
			*p = '*';
}
