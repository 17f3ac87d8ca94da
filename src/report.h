/*
 * The sink that tells on stderr what happens to connections.
 */
#ifndef PGWAIT_REPORT_H
#define PGWAIT_REPORT_H

#include "sink.h"
#include "util.h"

struct report;

/* `kinds`: RECORD_BIT()s of what it tells. In a drain it tells only what is wrong. */
struct report *report_new(unsigned kinds, bool drain);
struct sink *report_sink(struct report *r);

/* Every first attempt has ended: now, and not line by line before, it says what is listened to. */
void report_started(struct report *r);
void report_free(struct report *r);

#endif
