#include "config.h"

#include "base/prompt.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/portable.h"
#include "base/status_line.h"
#include "base/tty.h"

#define PASSWORD_MAX 4096
/* How often we look whether the terminal is ours again. */
#define LATER (SECOND / 5)

struct prompt {
	struct event_base *base;
	char *text;
	prompt_done *done;
	void *arg;
	struct event
	    start; /* begins the prompt from the loop, so that prompt_start() never calls back */
	struct prompt *next;

	/* The dialogue; valid if fd is not -1. */
	int fd; /* the terminal, opened once more, so that O_NONBLOCK affects nobody else (fact F13) */
	struct termios saved;
	struct event writable, readable, continued, later;
	size_t written; /* of `text` */
	char answer[PASSWORD_MAX];
	size_t length;
};

static struct prompt *queue; /* its head has the terminal */

/*
 * Does not wait: discards what was typed before; what was written before may still be on its way. If another job has the
 * terminal, does not change that job's settings.
 */
static bool
set_terminal(int fd, const struct termios *how)
{
	return tty_is_ours(fd) && tcsetattr(fd, TCSANOW, how) == 0 && tcflush(fd, TCIFLUSH) == 0;
}

static void
restore(const struct prompt *p)
{
	ssize_t n;

	if (!set_terminal(p->fd, &p->saved))
		return;
	n = write(p->fd, "\n", 1);
	(void)n; /* for looks only */
}

void
prompt_restore_terminal(void)
{
	if (queue && queue->fd >= 0)
		restore(queue);
}

static bool
silence(const struct prompt *p)
{
	struct termios quiet = p->saved;

	quiet.c_lflag &= (tcflag_t)~ECHO;
	return set_terminal(p->fd, &quiet);
}

static bool
open_terminal(struct prompt *p)
{
	p->fd = open("/dev/tty", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (p->fd < 0)
		return false;
	if (tcgetattr(p->fd, &p->saved) == 0 && silence(p))
		return true;
	close(p->fd);
	p->fd = -1;
	return false;
}

static void
end_dialogue(struct prompt *p)
{
	if (p->fd < 0)
		return;
	event_del(&p->writable);
	event_del(&p->readable);
	event_del(&p->continued);
	event_del(&p->later);
	restore(p);
	close(p->fd);
	p->fd = -1;
	status_line_release();
}

/* Ends a prompt. When it has restored the terminal, the next prompt begins. */
static void
leave(struct prompt *p)
{
	struct prompt **at = &queue;

	end_dialogue(p);
	event_del(&p->start);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (queue)
		event_active(&queue->start, EV_TIMEOUT, 0);
}

static void
prompt_free(struct prompt *p)
{
	portable_wipe(p->answer, sizeof p->answer);
	free(p->text);
	free(p);
}

static void
finish(struct prompt *p, const char *answer)
{
	leave(p);
	p->done(answer, p->arg);
	prompt_free(p);
}

/* Reads one byte at a time, since what follows the line is not for us. False: there is no more for now. */
static bool
read_byte(struct prompt *p)
{
	char c = 0;
	ssize_t n = read(p->fd, &c, 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n == 1 && c != '\n') {
		if (p->length < sizeof p->answer - 1)
			p->answer[p->length++] = c;
		return true;
	}
	finish(p, n == 1 ? p->answer : NULL);
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	/* The terminal is readable also if the user types for another job. */
	while (tty_is_ours(fd) && read_byte(arg))
		;
}

/* False: the terminal is gone. */
static bool
write_text(struct prompt *p)
{
	size_t left = strlen(p->text) - p->written;
	ssize_t n = write(p->fd, p->text + p->written, left);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	p->written += n > 0 ? (size_t)n : 0;
	if (n == (ssize_t)left)
		return event_add(&p->readable, NULL) == 0;
	return event_add(&p->writable, NULL) == 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	if (!write_text(arg))
		finish(arg, NULL);
}

/*
 * After ^Z the shell has turned the echo on. It sends no signal when it hands the terminal over to a job that runs in the
 * background: so we look for it at intervals.
 */
static void
ask_again(struct prompt *p)
{
	struct timeval tv;

	timeval_from(LATER, &tv);
	if (!tty_is_ours(p->fd)) {
		event_add(&p->later, &tv);
		return;
	}
	p->written = p->length = 0;
	event_del(&p->readable);
	if (!silence(p) || !write_text(p))
		finish(p, NULL);
}

static void
on_continued(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_again(arg);
}

static void
on_start(evutil_socket_t fd, short what, void *arg)
{
	struct prompt *p = arg;

	(void)fd;
	(void)what;
	if (p != queue || p->fd >= 0)
		return;
	if (!open_terminal(p)) {
		finish(p, NULL);
		return;
	}
	status_line_hold();
	event_assign(&p->writable, p->base, p->fd, EV_WRITE | EV_ET, on_writable, p);
	/* Edge-triggered: what the user types for another job would keep it readable. */
	event_assign(&p->readable, p->base, p->fd, EV_READ | EV_PERSIST | EV_ET, on_readable, p);
	evsignal_assign(&p->continued, p->base, SIGCONT, on_continued, p);
	evtimer_assign(&p->later, p->base, on_continued, p);
	if (event_add(&p->continued, NULL) < 0 || !write_text(p))
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
	p->fd = -1;
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
	leave(p);
	prompt_free(p);
}
