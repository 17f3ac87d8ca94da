#include "config.h"

#include "base/orphans.h"

#include <dirent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

static struct {
	struct event ended;
	bool watched;
	const pid_t **kept; /* others reap these */
	size_t count;
} orphans;

static bool
is_kept(pid_t pid)
{
	for (size_t i = 0; i < orphans.count; i++)
		if (*orphans.kept[i] == pid)
			return true;
	return false;
}

/* Reaps up to the first process that another part reaps. True: there is one, and waitid() shows none behind it. */
static bool
reap_in_turn(void)
{
	for (;;) {
		siginfo_t info = {.si_pid = 0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return false;
		if (is_kept(info.si_pid))
			return true;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

/* Tries to reap each process of the container; most are not our children, and waitpid() says so. */
static void
reap_each(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int64_t pid;

	while (dir && (entry = readdir(dir)))
		if (parse_integer(entry->d_name, 1, INT32_MAX, &pid) && !is_kept((pid_t)pid))
			waitpid((pid_t)pid, NULL, WNOHANG);
	if (dir)
		closedir(dir);
}

static void
on_ended(evutil_socket_t signo, short what, void *arg)
{
	(void)signo;
	(void)what;
	(void)arg;
	if (reap_in_turn())
		reap_each();
}

void
orphans_watch(struct event_base *base)
{
	evsignal_assign(&orphans.ended, base, SIGCHLD, on_ended, NULL);
	if (getpid() != 1)
		return;
	orphans.watched = event_add(&orphans.ended, NULL) == 0;
	on_ended(SIGCHLD, 0, NULL); /* reaps those that have ended already */
}

void
orphans_release(void)
{
	if (orphans.watched)
		event_del(&orphans.ended);
	orphans.watched = false;
}

void
orphans_keep(const pid_t *pid)
{
	orphans.kept = xrealloc(orphans.kept, (orphans.count + 1) * sizeof *orphans.kept);
	orphans.kept[orphans.count++] = pid;
}

void
orphans_forget(const pid_t *pid)
{
	for (size_t i = 0; i < orphans.count; i++)
		if (orphans.kept[i] == pid)
			orphans.kept[i--] = orphans.kept[--orphans.count];
	if (orphans.count == 0) {
		free(orphans.kept);
		orphans.kept = NULL;
	}
}
