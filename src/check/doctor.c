#include "config.h"

#include "check/doctor.h"

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
#define PACE_BUDGET 2000

struct doctor {
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

struct patient {
	struct doctor *doctor;
	struct subscription *subscription;
	struct connection_check *check;
};

static void
fail(struct doctor *d)
{
	log_error("could not write to standard output: %s", strerror(errno));
	d->failed = true;
}

/* What the reader takes. */
static void
write_out(struct doctor *d)
{
	const char *bytes;
	size_t n;
	ssize_t w;

	while (d->waiting.length && !d->blocked && !d->failed) {
		bytes = fifo_front(&d->waiting, &n);
		w = stream_write(d->output, bytes, n);
		if (w > 0)
			fifo_consume(&d->waiting, (size_t)w);
		d->blocked = w == 0;
		if (w < 0 || (w == 0 && !stream_wait(d->output)))
			fail(d);
	}
}

static void
on_writable(void *arg)
{
	struct doctor *d = arg;

	d->blocked = false;
}

/* Who has read enough leaves; the next write fails, if there is one. */
static void
on_gone(void *arg)
{
	(void)arg;
}

static void
report(struct doctor *d, const struct subscription *s, const struct findings *f)
{
	const bool terminal = isatty(STDOUT_FILENO);
	struct problems problems = diagnose(f);
	struct buffer b = {0};

	if (d->options->quiet && problems.count == 0)
		return;
	if (d->options->json) {
		check_report_json(&b, s, f, &problems, terminal);
	} else {
		if (d->written++)
			buffer_add(&b, "\n", 1);
		check_report_text(&b, s, f, &problems, terminal);
	}
	fifo_add(&d->waiting, buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	problems_free(&problems);
}

static void
on_checked(const struct findings *f, void *arg)
{
	struct patient *p = arg;
	struct doctor *d = p->doctor;

	d->left--;
	d->unreached |= f->verdict == VERDICT_UNREACHED;
	d->refused |= f->verdict == VERDICT_REFUSED || f->verdict == VERDICT_UNDELIVERED;
	report(d, p->subscription, f);
}

static void
on_signal(int signo, void *arg)
{
	struct doctor *d = arg;

	if (signo != SIGUSR1) /* there is no status to print */
		d->signal = signo;
}

static struct patient *
start_checks(struct doctor *d)
{
	struct options *o = d->options;
	const struct connector_policy policy = {
	    .never_prompt = o->never_prompt, .force_prompt = o->force_prompt};
	struct patient *list = xcalloc(o->subscriptions.count, sizeof *list);

	d->left = o->subscriptions.count;
	for (size_t i = 0; i < o->subscriptions.count; i++) {
		list[i].doctor = d;
		list[i].subscription = &o->subscriptions.list[i];
		list[i].check = connection_check_start(
		    d->base, list[i].subscription, &policy, o->heartbeat, on_checked, &list[i]);
	}
	return list;
}

static struct exit_status
ending_of_checks(const struct doctor *d)
{
	if (d->signal)
		return (struct exit_status){STATUS_ERROR, d->signal};
	if (d->failed)
		return (struct exit_status){STATUS_ERROR, 0};
	if (d->unreached)
		return (struct exit_status){STATUS_LOST, 0};
	return (struct exit_status){d->refused ? STATUS_REFUSED : STATUS_OK, 0};
}

struct exit_status
doctor_run(struct options *options)
{
	struct doctor d = {.options = options, .base = loop_new()};
	struct patient *list;

	if (!d.base || !signals_catch(d.base, false, on_signal, &d))
		return (struct exit_status){STATUS_ERROR, 0};
	d.output = stream_open(d.base, STDOUT_FILENO, on_writable, on_gone, &d);
	list = start_checks(&d);
	while ((d.left > 0 || d.waiting.length) && !d.signal && !d.failed) {
		loop_turn(d.base, work_queue_waiting() || (d.waiting.length && !d.blocked));
		work_queue_run(PACE_BUDGET);
		write_out(&d);
	}
	for (size_t i = 0; i < options->subscriptions.count; i++)
		connection_check_free(list[i].check);
	free(list);
	if (!stream_close(d.output) && !d.failed)
		fail(&d);
	fifo_free(&d.waiting);
	signals_release();
	loop_free(d.base);
	return ending_of_checks(&d);
}
