#include "config.h"

#include "delivery.h"

#include <stdlib.h>

#include "hook.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "sink.h"

struct delivery {
	struct sinks *set;
	struct output *output;
	struct report *report;
	struct hook *hook; /* or NULL */
};

struct delivery *
delivery_new(struct event_base *base, const struct options *options, struct sinks *set,
    void (*changed)(void *arg), void *arg)
{
	const struct output_settings output = {
	    .base = base,
	    .format = options->format,
	    .events = options->events,
	    .end = options->end,
	    .changed = changed,
	    .arg = arg,
	};
	struct delivery *d = xcalloc(1, sizeof *d);

	d->set = set;
	set->budget = options->buffer;
	set->overflow = options->overflow;
	d->output = output_new(&output);
	d->report = report_new(!options->events);
	sinks_add(set, output_sink(d->output));
	sinks_add(set, report_sink(d->report));
	if (options->idle_cmd && options->timeout != 0) {
		d->hook = hook_new(base, options->idle_cmd, options->cmd_timeout, changed, arg);
		sinks_add(set, hook_sink(d->hook));
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
	ok = output_finish(d->output);
	report_free(d->report);
	hook_free(d->hook);
	free(d);
	return ok;
}
