/*
 * The sink that tells on stderr what happens to connections.
 */
#ifndef PGWAIT_REPORT_H
#define PGWAIT_REPORT_H

#include "base/util.h"
#include "sinks/sink.h"

struct report;

/*
 * `kinds`: RECORD_BIT()s of what it tells. In a drain it tells only what is wrong. Of many `connections` at
 * the start it only says how many listen, once report_started() is called.
 */
struct report *report_new(unsigned kinds, bool drain, size_t connections);
struct sink *report_sink(struct report *r);

/* No more connections of the start are about to listen. */
void report_started(struct report *r);
void report_free(struct report *r);

#endif
