/*
 * The sink that tells on stderr what happens to connections.
 */
#ifndef PGWAIT_REPORT_H
#define PGWAIT_REPORT_H

#include "sink.h"
#include "util.h"

struct report;

/* `kinds`: RECORD_BIT()s of RECORD_LISTENING, _LOST, _DROPPED and _REPLY: what it tells. */
struct report *report_new(unsigned kinds);
struct sink *report_sink(struct report *r);

/* Every first attempt has ended: now, and not line by line before, it says what is listened to. */
void report_started(struct report *r);
void report_free(struct report *r);

#endif
