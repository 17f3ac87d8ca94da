/*
 * Events as JSON objects, for --events. Notifications are never events, and have no key `event`.
 */
#ifndef PGWAIT_EVENT_JSON_H
#define PGWAIT_EVENT_JSON_H

#include "base/util.h"

struct buffer;
struct record;

/* The kinds of records that event_json_write() knows: a set of RECORD_BIT()s. */
unsigned event_json_kinds(void);

/* Appends a record of one of these kinds: an object without anything after it. */
void event_json_write(const struct record *r, struct buffer *out);

#endif
