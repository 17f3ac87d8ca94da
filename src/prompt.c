#include "config.h"

#include "prompt.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "escape.h"
#include "offload.h"
#include "statusline.h"

#define PASSWORD_MAX 4096

struct prompt {
	struct event_base *base;
	char *text;
	prompt_done *done;
	void *arg;
	struct event start; /* from the loop, so that prompt_start() never calls back */
	struct offload *offload;
	struct prompt *next;
};

/* What the thread works on; it may outlive the prompt. */
struct dialogue {
	char *text;
	char answer[PASSWORD_MAX];
	bool answered;
};

static struct prompt *queue; /* its head is on the terminal */

static struct {
	pthread_mutex_t lock;
	int fd;
	struct termios saved;
	bool open;
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

void
prompt_restore_terminal(void)
{
	pthread_mutex_lock(&terminal.lock);
	if (terminal.open) {
		ssize_t n;

		tcsetattr(terminal.fd, TCSAFLUSH, &terminal.saved);
		n = write(terminal.fd, "\n", 1);
		(void)n; /* for looks only */
		terminal.open = false;
	}
	pthread_mutex_unlock(&terminal.lock);
}

static bool
terminal_open(void)
{
	struct termios quiet;
	bool ok = false;

	pthread_mutex_lock(&terminal.lock);
	terminal.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (terminal.fd >= 0 && tcgetattr(terminal.fd, &terminal.saved) == 0) {
		quiet = terminal.saved;
		quiet.c_lflag &= (tcflag_t)~ECHO;
		ok = terminal.open = tcsetattr(terminal.fd, TCSAFLUSH, &quiet) == 0;
	}
	if (!ok && terminal.fd >= 0)
		close(terminal.fd);
	pthread_mutex_unlock(&terminal.lock);
	return ok;
}

static void
dialogue_work(void *job)
{
	struct dialogue *d = job;
	size_t n = 0;
	char c = 0;
	ssize_t got = 0;

	if (!terminal_open())
		return;
	if (write(terminal.fd, d->text, strlen(d->text)) >= 0)
		while ((got = read(terminal.fd, &c, 1)) == 1 && c != '\n')
			if (n < sizeof d->answer - 1)
				d->answer[n++] = c;
	d->answer[n] = '\0';
	d->answered = got == 1;
	prompt_restore_terminal();
	close(terminal.fd);
}

static void
dialogue_drop(void *job)
{
	struct dialogue *d = job;

#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(d->answer, sizeof d->answer);
#endif
	free(d->text);
	free(d);
}

static void
queue_remove(struct prompt *p)
{
	struct prompt **at = &queue;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	if (queue)
		event_active(&queue->start, EV_TIMEOUT, 0);
}

static void
finish(struct prompt *p, const char *answer)
{
	prompt_done *done = p->done;
	void *arg = p->arg;

	if (p->offload)
		statusline_release();
	p->offload = NULL;
	prompt_cancel(p);
	done(answer, arg);
}

static void
dialogue_done(void *job, void *arg)
{
	struct dialogue *d = job;

	finish(arg, d->answered ? d->answer : NULL);
	dialogue_drop(d);
}

static void
on_start(evutil_socket_t fd, short what, void *arg)
{
	static const struct offload_job kind = {dialogue_work, dialogue_done, dialogue_drop};
	struct prompt *p = arg;
	struct dialogue *d;

	(void)fd;
	(void)what;
	if (p->offload || p != queue)
		return;
	d = xcalloc(1, sizeof *d);
	d->text = xstrdup(p->text);
	statusline_hold();
	p->offload = offload_start(p->base, &kind, d, p);
	if (p->offload)
		return;
	statusline_release();
	dialogue_drop(d);
	finish(p, NULL);
}

struct prompt *
prompt_start(
    struct event_base *base, const char *label, const char *user, prompt_done *done, void *arg)
{
	struct prompt *p = xcalloc(1, sizeof *p), **at = &queue;
	char *shown_user = escape_shown_dup(user, strlen(user), true);
	char *shown_label = escape_shown_dup(label, strlen(label), true);

	p->base = base;
	p->text = xasprintf("Password for user %s (%s): ", shown_user, shown_label);
	p->done = done;
	p->arg = arg;
	free(shown_user);
	free(shown_label);
	while (*at)
		at = &(*at)->next;
	*at = p;
	evtimer_assign(&p->start, base, on_start, p);
	if (queue == p)
		event_active(&p->start, EV_TIMEOUT, 0);
	return p;
}

void
prompt_cancel(struct prompt *p)
{
	if (p->offload) {
		offload_cancel(p->offload);
		statusline_release();
	}
	event_del(&p->start);
	queue_remove(p);
	free(p->text);
	free(p);
}
