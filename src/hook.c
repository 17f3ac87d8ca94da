#include "config.h"

#include "hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "format.h"
#include "log.h"
#include "record.h"

extern char **environ;

/* A longer environment string makes exec fail (fact F22). */
#define GARBAGE_MAX ((size_t)32 << 10)
#define VARIABLES   4

struct hook {
	struct sink sink;
	struct event_base *base;
	const char *command;
	int64_t timeout;
	struct child *child;
	bool warned; /* that it still runs */
	void (*changed)(void *arg);
	void *arg;
};

static void
on_done(int status, void *arg)
{
	struct hook *h = arg;

	h->child = NULL;
	h->sink.out = h->sink.in;
	if (WIFSIGNALED(status))
		log_warning("idle command was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		log_warning("idle command ended with status %d", WEXITSTATUS(status));
	h->changed(h->arg);
}

/* Ours and the event's variables: a NULL-terminated array, of which the first `VARIABLES` are owned. */
static char **
make_environment(const struct record *r)
{
	size_t n = 0, length = strlen(r->garbage);
	char time[FORMAT_TIME_LENGTH], **environment;

	while (environ[n])
		n++;
	environment = xcalloc(n + VARIABLES + 1, sizeof *environment);
	if (length > GARBAGE_MAX)
		for (length = GARBAGE_MAX; length && r->garbage[length] != '\n';)
			length--;
	format_time(time, r->time);
	environment[0] = xstrdup("PGWAIT_EVENT=idle");
	environment[1] = xasprintf("PGWAIT_COUNT=%llu", (unsigned long long)r->count);
	environment[2] = xasprintf("PGWAIT_TIME=%.*s", FORMAT_TIME_LENGTH, time);
	environment[3] = xasprintf("PGWAIT_GARBAGE=%.*s", (int)length, r->garbage);
	n = VARIABLES;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "PGWAIT_", 7) != 0)
			environment[n++] = *e;
	return environment;
}

static void
start(struct hook *h, const struct record *r)
{
	char **environment = make_environment(r);
	/* Records go to our standard output: what the command prints must not get between them. */
	const struct child_spec spec = {h->command, environment, STDERR_FILENO, h->timeout};

	h->warned = false;
	h->child = child_start(h->base, &spec, on_done, h);
	if (!h->child) {
		log_warning("could not run the idle command: %s", strerror(errno));
		h->sink.out = h->sink.in;
	}
	for (size_t i = 0; i < VARIABLES; i++)
		free(environment[i]);
	free(environment);
}

static bool
hook_take(struct sink *s, const struct record *r)
{
	struct hook *h = (struct hook *)s;

	if (!h->child) {
		start(h, r);
		return true;
	}
	if (!h->warned)
		log_warning("idle command still runs: not started again");
	h->warned = true;
	return false;
}

static bool
hook_working(const struct sink *s)
{
	return ((const struct hook *)s)->child != NULL;
}

struct hook *
hook_new(struct event_base *base, const char *command, int64_t timeout, void (*changed)(void *arg),
    void *arg)
{
	static const struct sink_ops ops = {.take = hook_take, .working = hook_working};
	struct hook *h = xcalloc(1, sizeof *h);

	h->sink.ops = &ops;
	h->sink.kinds = RECORD_BIT(RECORD_IDLE);
	h->base = base;
	h->command = command;
	h->timeout = timeout;
	h->changed = changed;
	h->arg = arg;
	return h;
}

struct sink *
hook_sink(struct hook *h)
{
	return &h->sink;
}

void
hook_terminate(struct hook *h)
{
	if (h && h->child)
		child_terminate(h->child);
}

void
hook_free(struct hook *h)
{
	free(h);
}
