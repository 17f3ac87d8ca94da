#include "config.h"

#include "settings/option_rules.h"

#ifdef HAVE_SQLITE
#define PRINT_NEEDS "--notify-cmd, --batch-cmd or --spool"

static bool
has_spool(const struct arguments *a)
{
	return a->spool->count > 0;
}

/* What is left of the command line where nothing is received, but only written out. */
static bool
suits_from_spool(const struct arguments *a)
{
	static const char *const makes_sense[] = {"from-spool", "listen", "count", "max-time",
	    "json", "format", "null", "events", "buffer", "notify-cmd", "batch-cmd", "batch-wait",
	    "listen-cmd", "cmd-timeout", "jobs", "print", "color", "stats", "quiet", "verbose",
	    NULL};
	const char *other = a->from_spool->count ? arguments_beyond(a, makes_sense) : NULL;

	if (other)
		arguments_error("--from-spool and --%s exclude each other: what a spool holds is "
				"written out, and no connection is made",
		    other);
	return !other;
}
#else
#define PRINT_NEEDS "--notify-cmd or --batch-cmd"

static bool
has_spool(const struct arguments *a)
{
	(void)a;
	return false;
}

static bool
suits_from_spool(const struct arguments *a)
{
	(void)a;
	return true;
}
#endif

static bool
suits_check(const struct arguments *a)
{
	static const char *const makes_sense[] = {"check", "dbname", "host", "port", "username",
	    "no-password", "password", "listen", "heartbeat", "json", "config", "color", "quiet",
	    "verbose", NULL};
	const char *other = a->check->count ? arguments_beyond(a, makes_sense) : NULL;

	if (other)
		arguments_error(
		    "--check takes no --%s: it tells whether notifications get through, and ends",
		    other);
	return !other;
}

static bool
is_zero(const char *seconds)
{
	int64_t us;

	return parse_seconds(seconds, true, &us) && us == 0;
}

static bool
has_notification_command(const struct arguments *a)
{
	return a->notify_cmd->count || a->batch_cmd->count;
}

bool
option_rules_command_given(const struct arguments *a)
{
	return has_notification_command(a) || a->idle_cmd->count || a->listen_cmd->count ||
	       a->lost_cmd->count;
}

/* An option that needs another one would do nothing without it. */
static bool
has_what_it_needs(const struct arguments *a)
{
	if (a->idle_cmd->count && !a->timeout->count && !a->control->count)
		arguments_error("--idle-cmd needs --timeout: without it there is no idle event");
	else if (a->idle_restart->count && !a->timeout->count && !a->control->count)
		arguments_error(
		    "--idle-restart needs --timeout: without it there is no idle timer");
	else if (a->print->count && !has_notification_command(a) && !has_spool(a))
		arguments_error("--print needs " PRINT_NEEDS ": without them notifications are "
				"written anyway");
	else if (a->cmd_timeout->count && !option_rules_command_given(a))
		arguments_error("--cmd-timeout needs a command: --notify-cmd, --batch-cmd, "
				"--idle-cmd, --listen-cmd or --lost-cmd");
	else if (a->batch_wait->count && !a->batch_cmd->count)
		arguments_error("--batch-wait needs --batch-cmd: it says how long a batch waits "
				"for more notifications");
	else if (a->jobs->count && !a->notify_cmd->count)
		arguments_error(
		    "--jobs needs --notify-cmd: it says how many of its commands run at a time");
	else if (a->catchup_sql->count && a->work_sql->count)
		arguments_error("--catchup-sql and --work-sql exclude each other: the second one "
				"runs whenever pgwait listens, too");
	else if (a->events->count && !a->json->count)
		arguments_error("--events needs --json: events are JSON objects");
	else if (a->control->count && !*arguments_last(a->control))
		arguments_error("invalid --control \"\": accepted are the path of a FIFO, and -");
	else if (a->control->count && a->timeout->count && is_zero(arguments_last(a->timeout)))
		arguments_error("--control and --timeout 0 exclude each other: a drain ends by "
				"itself; the command \"drain\" waits for one");
	else if (a->exit_idle->count && a->timeout->count && is_zero(arguments_last(a->timeout)))
		arguments_error("--exit-idle and --timeout 0 exclude each other: a drain ends by "
				"itself");
	else if (a->password->count && a->no_password->count)
		arguments_error("--password and --no-password exclude each other");
	else
		return true;
	return false;
}

bool
option_rules_met(const struct arguments *a)
{
	return suits_check(a) && suits_from_spool(a) && has_what_it_needs(a);
}
