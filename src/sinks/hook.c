#include "config.h"

#include "sinks/hook.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/child.h"
#include "base/log.h"
#include "record/backlog.h"
#include "record/format.h"
#include "record/record.h"
#include "sinks/hook_env.h"

static const struct {
	const char *name, *id;
	unsigned kinds;
} kinds[HOOK_KINDS] = {
    [HOOK_NOTIFY] = {"the notification command", "notify-cmd", RECORD_BIT(RECORD_NOTIFICATION)},
    [HOOK_BATCH] = {"the batch command", "batch-cmd", RECORD_BIT(RECORD_NOTIFICATION)},
    [HOOK_IDLE] = {"the idle command", "idle-cmd", RECORD_BIT(RECORD_IDLE)},
    [HOOK_LISTEN] = {"the listen command", "listen-cmd", RECORD_BIT(RECORD_LISTENING)},
    [HOOK_LOST] = {"the lost command", "lost-cmd", RECORD_BIT(RECORD_LOST)},
};

/* Notifications that the spool has discarded. All that the hook took are numbered in order. */
struct range {
	uint64_t begin, end;
};

/* One command at a time, and the records that it runs for, numbered as they were taken. */
struct job {
	struct hook *hook;
	struct child *child;
	uint64_t first, count; /* 0: it does not run */
};

struct hook {
	struct sink sink;
	struct hook_settings settings;
	struct job *jobs;   /* as many as the settings say */
	size_t made;        /* how many of them were needed so far */
	size_t running;     /* how many of them run a command */
	uint64_t begun;     /* up to this record a command has started, or none will */
	char **environment; /* the first `inherited` are the same for every run */
	size_t inherited;
	struct backlog backlog; /* a batch: formatted notifications; else: packed environments */
	struct buffer scratch;
	struct fifo input;
	struct event wait;    /* pending: a batch waits for more notifications */
	uint64_t settled;     /* how many the spool has committed or discarded so far */
	struct fifo excluded; /* struct range: those of them that it has discarded */
	uint64_t takeover;    /* the number of the last record with the mark "takeover" */
	uint64_t idle_missed; /* the sum of the counts of idle events that came while it ran */
	bool warned;          /* an idle event came during this run, and the warning was due */
	struct log_pace pace;
};

/* The name without its article, for the beginning of a line. */
static const char *
name(const struct hook *h)
{
	return h->sink.name + strlen("the ");
}

static void
hold(struct hook *h)
{
	size_t bytes = backlog_size(&h->backlog);

	for (size_t i = 0; i < h->made; i++)
		bytes += child_input_left(h->jobs[i].child);
	sink_hold(&h->sink, bytes);
}

/* Done with `n` records, from the `first` on. All before the oldest one that a command runs for are done, too. */
static void
done(struct hook *h, uint64_t first, uint64_t n, enum sink_outcome outcome)
{
	uint64_t out = h->begun;

	for (size_t i = 0; i < h->made; i++)
		if (h->jobs[i].count && h->jobs[i].first <= out)
			out = h->jobs[i].first - 1;
	sink_done_any(&h->sink, first, n, out, outcome);
}

static void
end_job(struct job *j, bool ok)
{
	uint64_t count = j->count;

	j->count = 0;
	j->hook->running--;
	done(j->hook, j->first, count, ok ? SINK_DELIVERED : SINK_FAILED);
}

static void
on_done(int status, void *arg)
{
	struct job *j = arg;
	struct hook *h = j->hook;

	if (WIFSIGNALED(status))
		log_warning("%s was ended by signal %d (%s)", name(h), WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		log_warning("%s ended with status %d", name(h), WEXITSTATUS(status));
	end_job(j, WIFEXITED(status) && WEXITSTATUS(status) == 0);
	h->settings.changed(h->settings.arg);
}

/* How many of the waiting records come before the next one that the spool has discarded. */
static uint64_t
next_included(struct hook *h)
{
	const struct range *r;
	size_t n;

	while ((r = fifo_front(&h->excluded, &n)) && r->end <= h->begun)
		fifo_consume(&h->excluded, sizeof *r);
	if (!r)
		return UINT64_MAX;
	return r->begin > h->begun ? r->begin - h->begun : 0;
}

/*
 * The queue with the first entry that a command is to run for; NULL: there is none. Drops the
 * entries before it that were discarded, here or by the spool: no command runs for them.
 */
static struct queue *
next_queue(struct hook *h)
{
	struct queue *q;
	struct queue_entry *e;

	while ((q = backlog_oldest(&h->backlog)) &&
	       ((e = queue_front(q))->kind == QUEUE_GAP || next_included(h) == 0)) {
		h->begun += e->count;
		done(h, h->begun - e->count + 1, e->count, SINK_DISCARDED);
		queue_drop(q);
	}
	return q;
}

/* Puts the environment and input of the next run into `scratch` and `input`. Returns the number of records. */
static size_t
next_run(struct hook *h, struct queue *q)
{
	size_t n = 1;

	buffer_clear(&h->scratch);
	if (h->settings.kind == HOOK_BATCH) {
		n = backlog_take_run(&h->backlog, next_included(h), &h->input);
		hook_env_pack_batch(n, h->takeover > h->begun, clock_realtime(), &h->scratch);
	} else {
		queue_pop(q, &h->scratch);
	}
	return n;
}

/* A job that does not run; NULL: as many run as may. */
static struct job *
free_job(struct hook *h)
{
	struct job *j = h->jobs;

	if (h->running == h->settings.jobs)
		return NULL;
	while (j < h->jobs + h->made && j->count)
		j++;
	if (j == h->jobs + h->made) {
		*j = (struct job){.hook = h, .child = child_new(h->settings.base, on_done, j)};
		h->made++;
	}
	return j;
}

static void
start(struct hook *h, struct job *j, struct queue *q)
{
	const struct child_spec spec = {
	    .command = h->settings.command,
	    .environment = h->environment,
	    .output = h->settings.output,
	    .timeout = h->settings.timeout,
	    .input = &h->input,
	};
	char **variables = h->environment + h->inherited;
	struct input input;
	size_t n;

	j->first = h->begun + 1;
	j->count = next_run(h, q);
	h->begun += j->count;
	h->running++;
	n = hook_env_unpack((char *)(uintptr_t)buffer_content(&h->scratch),
	    buffer_length(&h->scratch), variables, &input);
	variables[n] = NULL;
	fifo_add(&h->input, input.bytes, input.length);
	h->warned = false;
	if (child_start(j->child, &spec))
		return;
	log_warning("could not run the %s: %s", name(h), strerror(errno));
	fifo_consume(&h->input, h->input.length);
	end_job(j, false);
}

/* The pass that follows every turn of the loop does the rest. */
static void
on_wait_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* The first notification of a batch came: those that come within this time belong to it. */
static void
begin_wait(struct hook *h)
{
	struct timeval tv;

	timeval_from(h->settings.wait, &tv);
	evtimer_add(&h->wait, &tv);
}

/*
 * Whether the batch waits for more. It does not once it is full; nor if somebody waits for it, who may be the one that
 * would bring more.
 */
static bool
waits_for_more(const struct hook *h)
{
	return evtimer_pending(&h->wait, NULL) &&
	       backlog_size(&h->backlog) < h->sink.set->budget / 4 &&
	       !sink_is_awaited(&h->sink, h->begun + 1);
}

/*
 * Whether the next command may start. The spool must have committed or discarded what it runs for, which is all that
 * waits for a batch.
 */
static bool
may_start(const struct hook *h)
{
	if (waits_for_more(h))
		return false;
	if (!h->settings.spooled)
		return true;
	return h->settings.kind == HOOK_BATCH ? h->settled == h->sink.in : h->settled > h->begun;
}

static void
hook_pass(struct sink *s)
{
	struct hook *h = (struct hook *)s;
	struct job *j;
	struct queue *q;

	while ((q = next_queue(h)) && (j = free_job(h)) && may_start(h) && sink_may_deliver(s))
		start(h, j, q);
	hold(h);
}

/* Leaves out an idle event that comes while the command runs, or waits to run; the next run gets the sum of the counts. */
static bool
take_idle(struct hook *h, const struct record *r)
{
	struct record sum = *r;

	if (h->running || backlog_oldest(&h->backlog)) {
		h->idle_missed += r->count;
		if (!h->warned && log_due(&h->pace))
			log_warning("%s still runs: not started again", name(h));
		h->warned = true;
		return false;
	}
	sum.count += h->idle_missed;
	h->idle_missed = 0;
	hook_env_pack(&sum, &h->scratch);
	return true;
}

static bool
hook_take(struct sink *s, const struct record *r)
{
	struct hook *h = (struct hook *)s;

	if (r->kind == RECORD_LOST && r->attempt > 1)
		return false;
	if (r->takeover)
		h->takeover = s->in + 1;
	if (h->settings.wait > 0 && s->in == h->begun)
		begin_wait(h);
	buffer_clear(&h->scratch);
	switch (h->settings.kind) {
	case HOOK_BATCH:
		format_write(h->settings.format, r, &h->scratch);
		break;
	case HOOK_IDLE:
		if (!take_idle(h, r))
			return false;
		break;
	default:
		hook_env_pack(r, &h->scratch);
	}
	queue_add(&h->backlog.waiting, queue_kind_of(r), 1, buffer_content(&h->scratch),
	    buffer_length(&h->scratch));
	hold(h);
	return true;
}

static bool
hook_discard(struct sink *s)
{
	struct hook *h = (struct hook *)s;
	bool discarded = backlog_discard(&h->backlog);

	hold(h);
	return discarded;
}

static uint64_t
hook_forget(struct sink *s)
{
	struct hook *h = (struct hook *)s;
	uint64_t n = backlog_forget(&h->backlog, h->settings.kind == HOOK_IDLE);

	hold(h);
	return n;
}

static bool
hook_working(const struct sink *s)
{
	const struct hook *h = (const struct hook *)s;

	if (h->running)
		return true;
	for (size_t i = 0; i < h->made; i++)
		if (child_lingers(h->jobs[i].child))
			return true;
	return backlog_size(&h->backlog) && may_start(h);
}

static void
hook_stop(struct sink *s)
{
	const struct hook *h = (const struct hook *)s;

	for (size_t i = 0; i < h->made; i++)
		child_terminate(h->jobs[i].child);
}

struct hook *
hook_new(const struct hook_settings *settings)
{
	static const struct sink_ops ops = {.take = hook_take,
	    .discard = hook_discard,
	    .forget = hook_forget,
	    .pass = hook_pass,
	    .working = hook_working,
	    .stop = hook_stop};
	struct hook *h = xcalloc(1, sizeof *h);

	h->sink.ops = &ops;
	h->sink.name = kinds[settings->kind].name;
	h->sink.id = kinds[settings->kind].id;
	h->sink.kinds = kinds[settings->kind].kinds;
	h->settings = *settings;
	h->jobs = xcalloc(settings->jobs, sizeof *h->jobs);
	evtimer_assign(&h->wait, settings->base, on_wait_over, NULL);
	h->environment = hook_env_inherited(&h->inherited);
	return h;
}

struct sink *
hook_sink(struct hook *h)
{
	return &h->sink;
}

void
hook_settle(struct hook *h, uint64_t count, bool committed)
{
	const struct range r = {h->settled, h->settled + count};

	h->settled = r.end;
	if (!committed)
		fifo_add(&h->excluded, &r, sizeof r);
}

bool
hook_finish(struct hook *h)
{
	uint64_t left = h->sink.in - h->begun;
	bool notifications = h->sink.kinds & RECORD_BIT(RECORD_NOTIFICATION);

	for (size_t i = 0; i < h->made; i++)
		left += h->jobs[i].count;
	if (left)
		log_error("%s was not run to its end for %" PRIu64 " %s%s", name(h), left,
		    notifications ? "notification" : "event", left == 1 ? "" : "s");
	for (size_t i = 0; i < h->made; i++)
		child_free(h->jobs[i].child);
	event_del(&h->wait);
	free(h->jobs);
	free(h->environment);
	(void)backlog_free(&h->backlog);
	fifo_free(&h->input);
	fifo_free(&h->excluded);
	buffer_free(&h->scratch);
	free(h);
	return left == 0;
}
