/*
 * A login with OAuth, which libpq 18 and later can do ("OAuth Support" and "Authdata Hooks" in the PostgreSQL
 * documentation, chapter libpq). In its device flow the user opens a URL in a browser, and enters a code there, while
 * libpq asks the provider again and again. libpq would write both to stderr by itself.
 */
#ifndef PGWAIT_OAUTH_H
#define PGWAIT_OAUTH_H

#include <libpq-fe.h>

#include "base/util.h"

struct oauth_device {
	const char *url;
	const char *code;
	int64_t valid; /* microseconds; 0: not known */
};

/* --no-password: from here on nobody is asked to log in. */
void oauth_forbid(void);

/*
 * Tells the user at the terminal (stderr) to log in to the connection `label`; NULL. Or says why that cannot be, or must
 * not.
 */
const char *oauth_tell(const struct oauth_device *device, const char *label);

/* The user has to log in; false if nobody can be told: the attempt to connect fails. */
typedef bool oauth_ask(const struct oauth_device *device, void *arg);

/* PQconnectPoll(), which calls `ask` when the user has to log in. An older libpq never does. */
PostgresPollingStatusType oauth_connect_poll(PGconn *conn, oauth_ask *ask, void *arg);

#endif
