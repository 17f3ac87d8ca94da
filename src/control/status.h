/* Writes what is known about pgwait and its connections (status_facts.h) as text and as keys of a JSON object. */
#ifndef PGWAIT_STATUS_H
#define PGWAIT_STATUS_H

#include "control/reply.h"

struct manager;
struct status_facts;

/* Of everything. */
void status_write_keys(struct buffer *out, const struct status_facts *f);

/* The reply of "status": the keys above; the text has every connection with its state, its channels, and why it fails. */
void status_all(struct reply *a, struct manager *m);

/* The reply of "garbage": the connections that failed, and why. */
void status_garbage(struct reply *a, struct manager *m);

#endif
