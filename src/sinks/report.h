/*
 * The sink that tells on stderr what happens to connections.
 */
#ifndef PGWAIT_REPORT_H
#define PGWAIT_REPORT_H

#include "base/util.h"
#include "sinks/sink.h"

struct report;

/*
 * `kinds`: RECORD_BIT()s of the records that it reports. In a drain it reports only what is wrong. If there are many
 * `connections` at the start, it only says how many of them listen, once report_started() is called.
 */
struct report *report_new(unsigned kinds, bool drain, size_t connections);
struct sink *report_sink(struct report *r);

/* Every connection of the start listens, or has failed. */
void report_started(struct report *r);
void report_free(struct report *r);

#endif
