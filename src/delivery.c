#include "config.h"

#include "delivery.h"

#include <stdlib.h>
#include <unistd.h>

#include "hook.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "sink.h"
#include "stats.h"
#include "terminal.h"

struct delivery {
	struct sinks *set;
	struct output *output;
	struct terminal *terminal; /* NULL: stdout is not for people */
	struct report *report;
	struct stats *stats;            /* NULL: nobody asks for them */
	struct hook *hooks[HOOK_KINDS]; /* NULL where there is no such command */
};

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
		settings->command = commands[kind];
		if (!settings->command)
			continue;
		d->hooks[kind] = hook_new(settings);
		sinks_add(d->set, hook_sink(d->hooks[kind]));
	}
}

struct delivery *
delivery_new(struct event_base *base, const struct options *options, struct sinks *set,
    void (*changed)(void *arg), void *arg)
{
	bool taken = options->notify_cmd || options->batch_cmd;
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
	d->terminal = terminal_new(&options->terminal);
	d->output = make_output(options, d->terminal, base, changed, arg, notifications);
	d->report = report_new(!options->events);
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
	for (int kind = 0; kind < HOOK_KINDS; kind++)
		if (d->hooks[kind] && !hook_finish(d->hooks[kind]))
			ok = false;
	report_free(d->report);
	free(d);
	return ok;
}
