#include "config.h"

#include "postgres/connector.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/buffer.h"
#include "base/prompt.h"
#include "base/random.h"
#include "base/work_queue.h"
#include "postgres/host_order.h"
#include "postgres/oauth.h"
#include "postgres/passfile.h"
#include "postgres/resolve.h"
#include "postgres/server_error.h"
#include "postgres/target.h"

struct connector {
	struct event_base *base;
	struct target *target;
	struct connector_policy policy;
	connector_done *done;
	void *arg;

	struct host_order hosts;
	size_t address;
	struct addresses
	    addresses; /* of the current host; an empty string: none to give to libpq */
	PGconn *conn;

	struct resolve *resolving;
	struct prompt *prompting;
	struct work_queue_job job; /* runs `step`: what goes on next */
	void (*step)(struct connector *c);
	struct event io, deadline;
	int64_t allowed; /* until `deadline`; microseconds */
	bool io_added;
	bool logging_in; /* the user does, with OAuth */

	struct buffer errors; /* of every attempt, joined by "; " */
	char sqlstate[6];     /* of the last error that had one */
	bool permanent;
};

static void start_host(struct connector *c);
static void attempt(struct connector *c);

/* Queues the next step: there may be many connectors, and each pass does a few steps. */
static void
proceed(struct connector *c, void (*step)(struct connector *c))
{
	c->step = step;
	work_queue_add(&c->job);
}

static void
on_turn(void *arg)
{
	struct connector *c = arg;

	c->step(c);
}

static int64_t
attempt_timeout(const struct connector *c)
{
	return c->target->attempt_timeout < 0 ? CONNECTOR_TIMEOUT : c->target->attempt_timeout;
}

static void
arm_deadline(struct connector *c, int64_t us)
{
	struct timeval tv;

	c->allowed = us;
	timeval_from(us, &tv);
	if (us > 0)
		event_add(&c->deadline, &tv);
	else
		event_del(&c->deadline);
}

static void
unwatch(struct connector *c)
{
	if (c->io_added)
		event_del(&c->io);
	c->io_added = false;
}

static void
close_attempt(struct connector *c)
{
	unwatch(c);
	event_del(&c->deadline);
	work_queue_remove(&c->job);
	PQfinish(c->conn);
	c->conn = NULL;
}

void
connector_cancel(struct connector *c)
{
	close_attempt(c);
	if (c->resolving)
		resolve_cancel(c->resolving);
	if (c->prompting)
		prompt_cancel(c->prompting);
	addresses_free(&c->addresses);
	buffer_free(&c->errors);
	host_order_free(&c->hosts);
	free(c);
}

static void
tell_prompting(struct connector *c, bool prompting)
{
	if (c->policy.prompting)
		c->policy.prompting(prompting, c->arg);
}

/* The user has logged in with OAuth, or need not any more. */
static void
end_login(struct connector *c)
{
	if (c->logging_in)
		tell_prompting(c, false);
	c->logging_in = false;
}

static void
succeed(struct connector *c)
{
	PGconn *conn = c->conn;
	connector_done *done = c->done;
	void *arg = c->arg;

	unwatch(c); /* before the callback registers the socket anew */
	c->conn = NULL;
	end_login(c);
	connector_cancel(c);
	done(conn, NULL, arg);
}

static void
fail(struct connector *c)
{
	struct connector_failure failure;

	buffer_add(&c->errors, "", 1);
	failure.reason = buffer_content(&c->errors);
	failure.sqlstate = c->sqlstate[0] ? c->sqlstate : NULL;
	failure.permanent = c->permanent;
	close_attempt(c);
	c->done(NULL, &failure, c->arg);
	connector_cancel(c);
}

/* Keeps an error; the same one from another address adds nothing. */
static void
add_error(struct connector *c, const char *text)
{
	size_t length = strlen(text);
	bool known;

	buffer_add(&c->errors, "", 1);
	known = strstr(buffer_content(&c->errors), text);
	c->errors.end--;
	if (known)
		return;
	if (buffer_length(&c->errors))
		buffer_add(&c->errors, "; ", 2);
	buffer_add(&c->errors, text, length);
}

static void
next_host(struct connector *c)
{
	addresses_free(&c->addresses);
	c->address = 0;
	if (!host_order_next(&c->hosts)) {
		if (!host_order_next_pass(&c->hosts)) {
			fail(c);
			return;
		}
		buffer_clear(&c->errors);
	}
	proceed(c, start_host); /* not from here: there may be thousands */
}

static void
next_address(struct connector *c)
{
	if (++c->address < c->addresses.count)
		proceed(c, attempt);
	else
		next_host(c);
}

static void
on_password(const char *password, void *arg)
{
	struct connector *c = arg;

	c->prompting = NULL;
	tell_prompting(c, false);
	if (!password) {
		add_error(c, "a password is needed, and there is no terminal to ask for it");
		c->permanent = true;
		fail(c);
		return;
	}
	free(c->target->password);
	c->target->password = xstrdup(password);
	if (c->addresses.count)
		attempt(c);
	else
		start_host(c);
}

static void
ask_password(struct connector *c)
{
	tell_prompting(c, true);
	c->prompting = prompt_start(c->base, c->target->label, c->target->user, on_password, c);
}

/* Fails for a reason that pgwait found, not libpq. */
static void
give_up_address(struct connector *c, const char *text)
{
	add_error(c, text);
	c->sqlstate[0] = '\0';
	end_login(c);
	close_attempt(c);
	next_address(c);
}

/* The attempt on this address ended with an error: what it was decides where to go on. */
static void
attempt_failed(struct connector *c)
{
	bool wants_password =
	    PQconnectionNeedsPassword(c->conn) && !c->policy.never_prompt && !c->target->password;
	char sqlstate[6] = "";
	char *text = server_error_of_connection(c->conn, sqlstate);

	end_login(c);
	if (wants_password) {
		free(text);
		close_attempt(c);
		ask_password(c);
		return;
	}
	c->permanent |= server_error_is_permanent(*sqlstate ? sqlstate : NULL) ||
			PQconnectionNeedsPassword(c->conn);
	memcpy(c->sqlstate, sqlstate, sizeof sqlstate);
	add_error(c, text);
	free(text);
	close_attempt(c);
	/* As libpq does: another host may be up, but it would refuse the same password, too. */
	if (c->permanent)
		fail(c);
	else
		next_address(c);
}

static void on_io(evutil_socket_t fd, short what, void *arg);

/* The last thing that is done in a step: where it fails, the attempt has. */
static void
await(struct connector *c, short what)
{
	char *text;

	event_assign(&c->io, c->base, PQsocket(c->conn), what, on_io, c);
	c->io_added = event_add(&c->io, NULL) == 0;
	if (c->io_added)
		return;
	text = xasprintf("could not watch the connection: %s", strerror(errno));
	give_up_address(c, text);
	free(text);
}

/* The user takes longer to log in than a server to answer: the attempt lasts as long as the code. */
static bool
ask_login(const struct oauth_device *device, void *arg)
{
	struct connector *c = arg;
	const char *refusal = oauth_tell(device, c->target->label);

	if (refusal) {
		add_error(c, refusal);
		c->permanent = true;
		return false;
	}
	c->logging_in = true;
	arm_deadline(c, device->valid);
	tell_prompting(c, true);
	return true;
}

static void
poll_connection(struct connector *c)
{
	PostgresPollingStatusType status;

	unwatch(c); /* libpq may have a new socket under the same number (fact F9) */
	status = oauth_connect_poll(c->conn, ask_login, c);
	if (status == PGRES_POLLING_OK) {
		PQsetErrorVerbosity(c->conn, PQERRORS_DEFAULT);
		if (PQsetnonblocking(c->conn, 1) == 0)
			succeed(c);
		else
			attempt_failed(c);
		return;
	}
	if (status == PGRES_POLLING_FAILED) {
		attempt_failed(c);
		return;
	}
	await(c, status == PGRES_POLLING_READING ? EV_READ : EV_WRITE);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct connector *c = arg;

	(void)fd;
	(void)what;
	c->io_added = false;
	proceed(c, poll_connection);
}

static void
give_up_late(struct connector *c)
{
	const struct target_host *h = host_order_current(&c->hosts);
	char *text = xasprintf("connection to server at \"%s\", port %s: %s in %g s",
	    *h->host ? h->host : h->hostaddr, h->port,
	    c->resolving    ? "the name was not resolved"
	    : c->logging_in ? "the user did not log in"
			    : "no answer",
	    (double)c->allowed / SECOND);

	if (c->resolving) {
		resolve_cancel(c->resolving);
		c->resolving = NULL; /* no address is known: the next one is the next host's */
	}
	give_up_address(c, text);
	free(text);
}

/* To close the socket is a step, too: many may be late together. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct connector *c = arg;

	(void)fd;
	(void)what;
	unwatch(c);
	proceed(c, give_up_late);
}

static void
on_notice(void *arg, const PGresult *result)
{
	server_error_log_notice(((struct connector *)arg)->target->label, result);
}

/* What libpq may look for a password in. Where it has one it does not. */
static const char *
usable_passfile(const struct target *t)
{
	bool looks = t->passfile && !(t->password && *t->password);

	return looks ? passfile_usable(t->passfile) : t->passfile;
}

static PGconn *
start_connection(const struct connector *c)
{
	const struct target *t = c->target;
	const struct target_host *h = host_order_current(&c->hosts);
	const char *hostaddr = c->addresses.list[c->address], *keyword = NULL, *value = NULL;
	const char *keywords[64] = {"client_encoding", "fallback_application_name"};
	const char *values[64] = {"SQL_ASCII" /* fact F4 */, "pgwait"};
	size_t n = 2;

	for (; n < 57 && conninfo_next(&t->params, &keyword, &value); n++) {
		keywords[n] = keyword;
		values[n] = value;
	}
#define SET(keyword, value) (keywords[n] = (keyword), values[n++] = (value))
	SET("host", h->host);
	SET("hostaddr", *hostaddr ? hostaddr : NULL);
	SET("port", h->port);
	SET("password", t->password);
	SET("passfile", usable_passfile(t));
	if (c->hosts.standbys_only)
		SET("target_session_attrs", "standby");
#undef SET
	return PQconnectStartParams(keywords, values, 0);
}

static void
attempt(struct connector *c)
{
	c->conn = start_connection(c);
	if (!c->conn || PQstatus(c->conn) == CONNECTION_BAD) {
		attempt_failed(c);
		return;
	}
	PQsetErrorVerbosity(c->conn, PQERRORS_VERBOSE); /* the only way to an SQLSTATE */
	PQsetNoticeReceiver(c->conn, on_notice, c);
	arm_deadline(c, attempt_timeout(c));
	await(c, EV_WRITE);
}

static void
on_resolved(const struct addresses *found, void *arg)
{
	struct connector *c = arg;

	c->resolving = NULL;
	event_del(&c->deadline);
	if (found->count == 0) {
		add_error(c, found->error);
		c->sqlstate[0] = '\0';
		proceed(c, next_host);
		return;
	}
	addresses_copy(&c->addresses, found);
	if (c->target->load_balance)
		random_shuffle(c->addresses.list, c->addresses.count, sizeof *c->addresses.list);
	proceed(c, attempt);
}

static void
start_host(struct connector *c)
{
	const struct target_host *h = host_order_current(&c->hosts);

	if (!*h->hostaddr && resolve_needed(h->host)) {
		c->resolving = resolve_start(c->base, h->host, on_resolved, c);
		if (c->resolving) {
			arm_deadline(c, attempt_timeout(c));
		} else {
			add_error(c, strerror(errno));
			next_host(c);
		}
		return;
	}
	c->addresses.list = xmalloc(sizeof *c->addresses.list);
	c->addresses.list[0] = xstrdup(h->hostaddr);
	c->addresses.count = 1;
	attempt(c);
}

static void
begin(struct connector *c)
{
	if (c->target->trouble) {
		add_error(c, c->target->trouble);
		c->permanent = true;
		fail(c);
		return;
	}
	if (c->policy.force_prompt) /* as psql: though one is known */
		ask_password(c);
	else
		start_host(c);
}

struct connector *
connector_start(struct event_base *base, struct target *target,
    const struct connector_policy *policy, connector_done *done, void *arg)
{
	struct connector *c = xcalloc(1, sizeof *c);

	c->base = base;
	c->target = target;
	c->policy = *policy;
	c->done = done;
	c->arg = arg;
	host_order_start(&c->hosts, target, policy->beside);
	c->job.run = on_turn;
	c->job.arg = c;
	evtimer_assign(&c->deadline, base, on_deadline, c);
	proceed(c, begin);
	return c;
}
