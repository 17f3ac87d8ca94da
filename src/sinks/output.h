/*
 * The sink that writes records to standard output: notifications, and events as JSON.
 *
 * Formats each straight away, and writes what is there once in a pass. What the reader does not
 * take waits in a queue, which is part of --buffer.
 */
#ifndef PGWAIT_OUTPUT_H
#define PGWAIT_OUTPUT_H

#include "base/util.h"
#include "record/format.h"
#include "sinks/sink.h"

struct event_base;
struct output;

struct output_settings {
	struct event_base *base;
	struct format
	    *format; /* of notifications; NULL: they are not written. Outlives the output */
	bool events; /* written too, as JSON */
	struct terminal
	    *terminal; /* shows it to people instead; NULL: it does not. Outlives the output */
	enum format_end end; /* of an event */
	/* Runs when the output can go on, or has ended. */
	void (*changed)(void *arg);
	void *arg;
};

struct output *output_new(const struct output_settings *settings);
struct sink *output_sink(struct output *o);

/*
 * True once nothing can be written any more: the reader left, or a write failed. What was not written
 * has failed then.
 */
bool output_ended(const struct output *o);

/*
 * Closes standard output; says on stderr what could not be written. False if anything was lost.
 */
MUST_CHECK bool output_finish(struct output *o);

#endif
