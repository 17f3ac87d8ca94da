/* What has come over one connection since the start, counted. Times are microseconds. Zeroed: nothing. */
#ifndef PGWAIT_SOURCE_COUNTS_H
#define PGWAIT_SOURCE_COUNTS_H

#include "record/record.h"

struct source_counts {
	uint64_t notifications, bytes; /* received, and their payload */
	int64_t last, before_last;     /* when the last two came, Unix time; 0: none did */
	uint64_t lost, gaps;
	int64_t gap;     /* the sum of them */
	int backend_pid; /* of the server process that listened last */
};

/* Of another record than a notification. */
void source_counts_add_event(struct source_counts *c, const struct record *r);

static inline void
source_counts_add(struct source_counts *c, const struct record *r)
{
	if (r->kind != RECORD_NOTIFICATION) {
		source_counts_add_event(c, r);
		return;
	}
	c->notifications++;
	c->bytes += r->payload_length;
	c->before_last = c->last;
	c->last = r->time;
}

/* The notification that was added last is pgwait's own. */
void source_counts_take_back(struct source_counts *c, const struct record *r);

#endif
