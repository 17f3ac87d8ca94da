#include "config.h"

#include "manager/source_counts.h"

void
source_counts_add_event(struct source_counts *c, const struct record *r)
{
	if (r->kind == RECORD_LOST) {
		c->lost += r->phase == LOST_LATER;
	} else if (r->kind == RECORD_LISTENING) {
		c->backend_pid = r->backend_pid;
		c->gaps += r->since >= 0;
		c->gap += r->since >= 0 ? r->gap : 0;
	}
}

void
source_counts_take_back(struct source_counts *c, const struct record *r)
{
	c->notifications--;
	c->bytes -= r->payload_length;
	c->last = c->before_last;
}
