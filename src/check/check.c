#include "config.h"

#include "check/check.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fifo.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/signals.h"
#include "base/stream.h"
#include "base/work_queue.h"
#include "check/check_report.h"
#include "check/connection_check.h"
#include "check/diagnosis.h"
#include "settings/options.h"

/* What a turn of the loop may spend on connecting; microseconds. */
#define WORK_BUDGET 2000

struct check {
	struct options *options;
	struct event_base *base;
	size_t left;    /* checks that have not ended */
	size_t written; /* sections */
	struct stream *output;
	struct fifo waiting; /* for its reader */
	bool blocked;        /* until the stream says that there is room */
	bool failed;         /* to write */
	bool unreached, refused;
	int signal;
};

struct checked_connection {
	struct check *all;
	struct subscription *subscription;
	struct connection_check *check;
};

static void
fail(struct check *c)
{
	log_error("could not write to standard output: %s", strerror(errno));
	c->failed = true;
}

/* What the reader takes. */
static void
write_out(struct check *c)
{
	const char *bytes;
	size_t n;
	ssize_t w;

	while (c->waiting.length && !c->blocked && !c->failed) {
		bytes = fifo_front(&c->waiting, &n);
		w = stream_write(c->output, bytes, n);
		if (w > 0)
			fifo_consume(&c->waiting, (size_t)w);
		c->blocked = w == 0;
		if (w < 0 || (w == 0 && !stream_wait(c->output)))
			fail(c);
	}
}

static void
on_writable(void *arg)
{
	struct check *c = arg;

	c->blocked = false;
}

/* A reader that has read enough may leave; then the next write fails, if there is one. */
static void
on_gone(void *arg)
{
	(void)arg;
}

static void
report(struct check *c, const struct subscription *s, const struct findings *f)
{
	const bool terminal = isatty(STDOUT_FILENO);
	struct problems problems = diagnose(f);
	struct buffer b = {0};

	if (c->options->quiet && problems.count == 0)
		return;
	if (c->options->json) {
		check_report_json(&b, s, f, &problems, terminal);
	} else {
		if (c->written++)
			buffer_add(&b, "\n", 1);
		check_report_text(&b, s, f, &problems, terminal);
	}
	fifo_add(&c->waiting, buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	problems_free(&problems);
}

static void
on_checked(const struct findings *f, void *arg)
{
	struct checked_connection *p = arg;
	struct check *c = p->all;

	c->left--;
	c->unreached |= f->verdict == VERDICT_UNREACHED;
	c->refused |= f->verdict == VERDICT_REFUSED || f->verdict == VERDICT_UNDELIVERED;
	report(c, p->subscription, f);
}

static void
on_signal(int signo, void *arg)
{
	struct check *c = arg;

	if (signo != SIGUSR1) /* there is no status to print */
		c->signal = signo;
}

static struct checked_connection *
start_checks(struct check *c)
{
	struct options *o = c->options;
	const struct connector_policy policy = {
	    .never_prompt = o->never_prompt, .force_prompt = o->force_prompt};
	struct checked_connection *list = xcalloc(o->subscriptions.count, sizeof *list);

	c->left = o->subscriptions.count;
	for (size_t i = 0; i < o->subscriptions.count; i++) {
		list[i].all = c;
		list[i].subscription = &o->subscriptions.list[i];
		list[i].check = connection_check_start(
		    c->base, list[i].subscription, &policy, o->heartbeat, on_checked, &list[i]);
	}
	return list;
}

static struct exit_status
exit_status_of_checks(const struct check *c)
{
	if (c->signal)
		return (struct exit_status){STATUS_ERROR, c->signal};
	if (c->failed)
		return (struct exit_status){STATUS_ERROR, 0};
	if (c->unreached)
		return (struct exit_status){STATUS_LOST, 0};
	return (struct exit_status){c->refused ? STATUS_REFUSED : STATUS_OK, 0};
}

struct exit_status
check_run(struct options *options)
{
	struct check c = {.options = options, .base = loop_new()};
	struct checked_connection *list;

	if (!c.base || !signals_catch(c.base, false, on_signal, &c))
		return (struct exit_status){STATUS_ERROR, 0};
	c.output = stream_open(c.base, STDOUT_FILENO, on_writable, on_gone, &c);
	list = start_checks(&c);
	while ((c.left > 0 || c.waiting.length) && !c.signal && !c.failed) {
		loop_turn(c.base, work_queue_waiting() || (c.waiting.length && !c.blocked));
		work_queue_run(WORK_BUDGET);
		write_out(&c);
	}
	for (size_t i = 0; i < options->subscriptions.count; i++)
		connection_check_free(list[i].check);
	free(list);
	if (!stream_close(c.output) && !c.failed)
		fail(&c);
	fifo_free(&c.waiting);
	signals_release();
	loop_free(c.base);
	return exit_status_of_checks(&c);
}
