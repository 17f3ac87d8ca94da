#include "config.h"

#include "postgres/oauth.h"

#include <unistd.h>

#include "base/log.h"

static bool forbidden;

void
oauth_forbid(void)
{
	forbidden = true;
}

const char *
oauth_tell(const struct oauth_device *device, const char *label)
{
	if (forbidden)
		return "a login with OAuth is needed, and -w forbids to ask for it";
	if (!isatty(STDERR_FILENO))
		return "a login with OAuth is needed, and there is no terminal to ask for it";
	log_result(
	    "%s: to log in, open %s and enter the code %s", label, device->url, device->code);
	return NULL;
}

#ifdef LIBPQ_HAS_PROMPT_OAUTH_DEVICE

/* libpq's hook has no argument: whose connection it polls stands here meanwhile. */
static struct {
	oauth_ask *ask;
	void *arg;
} polled;

static int
hook(PGauthData type, PGconn *conn, void *data)
{
	const PGpromptOAuthDevice *prompt = data;
	struct oauth_device device;

	if (type != PQAUTHDATA_PROMPT_OAUTH_DEVICE || !polled.ask)
		return PQdefaultAuthDataHook(type, conn, data);
	device.url = prompt->verification_uri;
	device.code = prompt->user_code;
	device.valid = (int64_t)prompt->expires_in * SECOND;
	return polled.ask(&device, polled.arg) ? 1 : -1;
}

PostgresPollingStatusType
oauth_connect_poll(PGconn *conn, oauth_ask *ask, void *arg)
{
	PostgresPollingStatusType status;

	polled.ask = ask;
	polled.arg = arg;
	PQsetAuthDataHook(hook);
	status = PQconnectPoll(conn);
	polled.ask = NULL;
	return status;
}

#else

PostgresPollingStatusType
oauth_connect_poll(PGconn *conn, oauth_ask *ask, void *arg)
{
	(void)ask;
	(void)arg;
	return PQconnectPoll(conn);
}

#endif
