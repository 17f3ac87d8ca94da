/*
 * The sink that writes notifications to standard output.
 *
 * Formats each straight into its buffer, and writes what is there once in a pass.
 */
#ifndef PGWAIT_OUTPUT_H
#define PGWAIT_OUTPUT_H

#include "sink.h"
#include "util.h"

struct event_base;
struct format;
struct output;

/* Bytes that wait for a slow reader before reading from the servers stops. */
#define OUTPUT_BUFFER ((size_t)64 << 20)

/* `changed` runs when the output can go on, or has ended. `format` outlives it. */
struct output *output_new(
    struct event_base *base, struct format *format, void (*changed)(void *arg), void *arg);
struct sink *output_sink(struct output *o);

/* True once nothing can be written any more: the reader left, or a write failed. */
bool output_ended(const struct output *o);

/*
 * Closes standard output; says on stderr what could not be written. False if anything was lost.
 */
MUST_CHECK bool output_finish(struct output *o);

#endif
