/*
 * Makes the text of the status line, and decides when it is drawn: not more often than people can
 * read it, and never while nothing changes.
 */
#ifndef PGWAIT_STATUS_TEXT_H
#define PGWAIT_STATUS_TEXT_H

#include "base/util.h"

struct event_base;
struct status_text;

struct status_text_facts {
	size_t connecting, good, failed; /* connections */
	uint64_t received;               /* notifications */
	int64_t last;                    /* of the last one; of the monotonic clock */
};

/* NULL: there is no terminal to show it on. From here on stopping, resizing and the like are seen to. */
struct status_text *status_text_new(struct event_base *base);
/* Erases the line. `s` may be NULL here. */
void status_text_free(struct status_text *s);

/* At the end of every pass of the loop, once all that it had to say was written. */
void status_text_show(struct status_text *s, const struct status_text_facts *f);

#endif
