#include "config.h"

#include "manager/delivery.h"

#include <stdlib.h>
#include <unistd.h>

#include "record/record.h"
#include "record/terminal.h"
#include "settings/options.h"
#include "sinks/hook.h"
#include "sinks/output.h"
#include "sinks/report.h"
#include "sinks/sink.h"
#include "sinks/spool.h"
#include "sinks/stats.h"

struct delivery {
	struct sinks *set;
	struct spool *spool; /* NULL where there is none */
	struct output *output;
	struct terminal *terminal; /* NULL: stdout is not for people */
	struct report *report;
	struct stats *stats;            /* NULL: nobody asks for them */
	struct hook *hooks[HOOK_KINDS]; /* NULL where there is no such command */
};

static bool
runs_for_notifications(int kind)
{
	return kind == HOOK_NOTIFY || kind == HOOK_BATCH;
}

static struct output *
make_output(const struct options *options, struct terminal *terminal, struct event_base *base,
    void (*changed)(void *arg), void *arg, bool notifications)
{
	const struct output_settings settings = {
	    .base = base,
	    .format = notifications ? options->format : NULL,
	    .events = options->events,
	    .end = options->end,
	    .terminal = terminal,
	    .changed = changed,
	    .arg = arg,
	};

	return output_new(&settings);
}

/* The commands are told what happened to each notification. */
static void
on_settled(uint64_t count, bool committed, void *arg)
{
	struct delivery *d = arg;

	for (int kind = 0; kind < HOOK_KINDS; kind++)
		if (d->hooks[kind] && runs_for_notifications(kind))
			hook_settle(d->hooks[kind], count, committed);
}

/* First in its pass: what a command runs for is committed. False: it cannot be opened. */
static bool
make_spool(struct delivery *d, const struct options *options, struct event_base *base,
    void (*changed)(void *arg), void *arg)
{
	const struct spool_settings settings = {.base = base,
	    .path = options->spool,
	    .changed = changed,
	    .arg = arg,
	    .settled = on_settled,
	    .settled_arg = d};

	if (!options->spool)
		return true;
	d->spool = spool_new(&settings);
	if (!d->spool)
		return false;
	sinks_add(d->set, spool_sink(d->spool));
	return true;
}

/* What a spool held is told by events, or by lines. */
static unsigned
report_kinds(const struct options *options)
{
	if (options->from_spool)
		return options->events ? 0
				       : RECORD_BIT(RECORD_LISTENING) | RECORD_BIT(RECORD_DROPPED);
	return RECORD_BIT(RECORD_LISTENING) | RECORD_BIT(RECORD_LOST) |
	       RECORD_BIT(RECORD_CAUGHT_UP) | RECORD_BIT(RECORD_WORKED) |
	       RECORD_BIT(RECORD_RUN_FAILED) | RECORD_BIT(RECORD_ACTIVE) |
	       RECORD_BIT(RECORD_WAITING) | (options->events ? 0 : RECORD_BIT(RECORD_REPLY));
}

static void
make_hooks(struct delivery *d, const struct options *o, struct hook_settings *settings)
{
	const char *const commands[HOOK_KINDS] = {
	    [HOOK_NOTIFY] = o->notify_cmd,
	    [HOOK_BATCH] = o->batch_cmd,
	    [HOOK_IDLE] = o->timeout != 0 ? o->idle_cmd : NULL,
	    [HOOK_LISTEN] = o->listen_cmd,
	    [HOOK_LOST] = o->lost_cmd,
	};

	settings->timeout = o->cmd_timeout;
	settings->format = o->format;
	for (int kind = 0; kind < HOOK_KINDS; kind++) {
		settings->kind = (enum hook_kind)kind;
		settings->wait = kind == HOOK_BATCH ? o->batch_wait : 0;
		settings->jobs = kind == HOOK_NOTIFY ? (size_t)o->jobs : 1;
		settings->spooled = d->spool && runs_for_notifications(kind);
		settings->command = commands[kind];
		if (!settings->command)
			continue;
		d->hooks[kind] = hook_new(settings);
		sinks_add(d->set, hook_sink(d->hooks[kind]));
	}
}

static void
expect_names(struct terminal *t, const struct options *options)
{
	const struct subscriptions *s = &options->subscriptions;

	for (size_t i = 0; i < s->count; i++)
		terminal_expect(t, s->list[i].target->label,
		    (const char *const *)s->list[i].channels, s->list[i].count);
	terminal_expect(t, "", options->channels, options->channel_count);
}

struct delivery *
delivery_new(struct event_base *base, const struct options *options, struct sinks *set,
    void (*changed)(void *arg), void *arg)
{
	bool taken = options->notify_cmd || options->batch_cmd || options->spool;
	bool notifications = !taken || options->print;
	struct hook_settings hooks = {
	    .base = base,
	    /* What a command prints must not get between records. */
	    .output = notifications || options->events ? STDERR_FILENO : STDOUT_FILENO,
	    .changed = changed,
	    .arg = arg,
	};
	struct delivery *d = xcalloc(1, sizeof *d);

	d->set = set;
	set->budget = options->buffer;
	set->overflow = options->overflow;
	if (!make_spool(d, options, base, changed, arg)) {
		free(d);
		return NULL;
	}
	d->terminal = terminal_new(&options->terminal);
	if (d->terminal)
		expect_names(d->terminal, options);
	d->output = make_output(options, d->terminal, base, changed, arg, notifications);
	d->report =
	    report_new(report_kinds(options), options->timeout == 0, options->subscriptions.count);
	sinks_add(set, output_sink(d->output));
	sinks_add(set, report_sink(d->report));
	make_hooks(d, options, &hooks);
	if (options->stats) { /* the last, after those where -n counts */
		d->stats = stats_new();
		sinks_add(set, stats_sink(d->stats));
	}
	return d;
}

void
delivery_started(struct delivery *d)
{
	report_started(d->report);
}

bool
delivery_ended(const struct delivery *d)
{
	return output_ended(d->output);
}

struct spool *
delivery_spool(const struct delivery *d)
{
	return d->spool;
}

bool
delivery_finish(struct delivery *d)
{
	bool ok;

	sinks_tell_discarded(d->set);
	if (d->stats)
		stats_report(d->stats);
	stats_free(d->stats);
	ok = output_finish(d->output);
	terminal_free(d->terminal);
	if (d->spool && !spool_finish(d->spool))
		ok = false;
	for (int kind = 0; kind < HOOK_KINDS; kind++)
		if (d->hooks[kind] && !hook_finish(d->hooks[kind]))
			ok = false;
	report_free(d->report);
	free(d);
	return ok;
}
