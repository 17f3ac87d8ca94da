/*
 * The sink that tells on stderr what happens to connections.
 */
#ifndef PGWAIT_REPORT_H
#define PGWAIT_REPORT_H

#include "sink.h"
#include "util.h"

struct report;

/* `replies`: it says what was answered to commands, too. */
struct report *report_new(bool replies);
struct sink *report_sink(struct report *r);

/* Every first attempt has ended: now, and not line by line before, it says what is listened to. */
void report_started(struct report *r);
void report_free(struct report *r);

#endif
