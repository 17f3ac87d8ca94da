/* Starts pgwait and ends it, in order, and gives the process its exit status. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/signals.h"
#include "base/util.h"
#include "check/check.h"
#include "control/control.h"
#include "control/reload.h"
#include "control/status_file.h"
#include "manager/manager.h"
#include "manager/spool_drain.h"
#include "postgres/oauth.h"
#include "postgres/subscription.h"
#include "settings/options.h"

/*
 * Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise a socket would
 * get that number, and what pgwait writes to stdout or stderr would go to the server. False if
 * standard output was closed.
 */
static bool
fill_standard_descriptors(void)
{
	bool had_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return had_output;
}

struct steering {
	struct control *control;
	struct options *options;
	struct manager *manager;
	struct status_file *status_file; /* NULL: without --status-file */
};

static void
reread(struct steering *s)
{
	if (manager_ends(s->manager)) { /* and begins nothing new */
		log_info("\"%s\" is not read again: pgwait is ending", s->options->config);
		return;
	}
	manager_reload(s->manager, true);
	reload(s->options->config, &s->options->defaults, s->manager);
	manager_reload(s->manager, false);
}

static bool
on_signal(int signo, void *arg)
{
	struct steering *s = arg;

	if (signo == SIGUSR1) {
		control_status(s->control);
	} else if (signo == SIGHUP && s->options->config) {
		reread(s);
	} else {
		return false;
	}
	return true;
}

/* Who sits at a terminal may wait in vain for what NOTIFY sends elsewhere. */
static void
tell_hint(const struct options *options)
{
	char *hint = NULL;

	if (options->quiet || !isatty(STDERR_FILENO))
		return;
	for (size_t i = 0; i < options->subscriptions.count && !hint; i++)
		hint = subscription_hint(&options->subscriptions.list[i]);
	if (hint)
		log_hint("%s", hint);
	free(hint);
}

/* False: a file cannot be used, which has been said. */
static bool
open_files(struct steering *s)
{
	const char *path = s->options->status_file;

	s->control = control_new(s->manager, s->options);
	if (s->control && path)
		s->status_file = status_file_new(s->manager, path);
	return s->control && (!path || s->status_file);
}

/* Runs pgwait from the start of the manager to its end, or drains a spool. */
static struct exit_status
run(struct options *options)
{
	struct exit_status exit_status = {STATUS_ERROR, 0};
	struct steering s = {.options = options};
	bool ran;

	if (options->from_spool)
		return spool_drain_run(options);
	tell_hint(options);
	s.manager = manager_new(options);
	if (!s.manager)
		return exit_status;
	ran = open_files(&s);
	if (ran) {
		manager_on_signal(s.manager, on_signal, &s);
		manager_run(s.manager);
	}
	status_file_stop(s.status_file);
	if (s.control)
		control_stop(s.control);
	exit_status = manager_finish(s.manager);
	status_file_free(s.status_file);
	if (s.control)
		control_free(s.control);
	return ran ? exit_status : (struct exit_status){STATUS_ERROR, 0};
}

static struct exit_status
work(int argc, char **argv)
{
	struct options options;
	struct exit_status exit_status = {STATUS_ERROR, 0};

	if (!fill_standard_descriptors()) {
		log_error("standard output is closed");
		return exit_status;
	}
	if (!options_parse(argc, argv, &options, &exit_status.status))
		return exit_status;
	if (options.never_prompt)
		oauth_forbid();
	limits_raise();
	exit_status = options.check ? check_run(&options) : run(&options);
	options_free(&options);
	return exit_status;
}

int
main(int argc, char **argv)
{
	struct exit_status exit_status;

	signals_start();
	exit_status = work(argc, argv);
	log_finish();
	if (!exit_status.signal)
		return exit_status.status;
	signals_die(exit_status.signal);
	return 128 + exit_status.signal;
}
