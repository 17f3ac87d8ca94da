/*
 * Events as JSON objects, for --events. Notifications are never events, and have no key `event`.
 */
#ifndef PGWAIT_EVENT_H
#define PGWAIT_EVENT_H

#include "base/util.h"

struct buffer;
struct record;

/* The kinds of records that event_write() knows: a set of RECORD_BIT()s. */
unsigned event_kinds(void);

/* Appends a record of one of these kinds: an object without anything after it. */
void event_write(const struct record *r, struct buffer *out);

#endif
