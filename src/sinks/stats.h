/*
 * The sink that only counts, for a summary on standard error at the end (--stats). It counts
 * STATS_ROWS channels one by one, and all others together, so that its memory is bounded.
 */
#ifndef PGWAIT_STATS_H
#define PGWAIT_STATS_H

#include "sinks/sink.h"

struct stats;

#define STATS_ROWS 50

struct stats *stats_new(void);
struct sink *stats_sink(struct stats *s);

/* Writes the summary; the other sinks of the set are still there. */
void stats_report(struct stats *s);
void stats_free(struct stats *s);

#endif
