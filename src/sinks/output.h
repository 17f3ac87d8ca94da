/*
 * The sink that writes records to standard output: notifications, and events as JSON.
 *
 * It formats each record at once, and writes all of them in one write in each pass. Bytes that the
 * reader does not take wait in a queue, which counts towards --buffer.
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
 * True once nothing can be written any more, since the reader has closed its end or a write failed.
 * All records that were not written count as failed then.
 */
bool output_ended(const struct output *o);

/*
 * Closes standard output; says on stderr what could not be written. False if anything was lost.
 */
MUST_CHECK bool output_finish(struct output *o);

#endif
