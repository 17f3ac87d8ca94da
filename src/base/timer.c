#include "config.h"

#include "base/timer.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/util.h"

struct timer {
	struct event event;
	struct timer **at;
	void (*fired)(void *arg);
	void *arg;
};

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;
	void (*fired)(void *arg) = t->fired;
	void *fired_arg = t->arg;

	(void)fd;
	(void)what;
	timer_stop(t->at);
	fired(fired_arg);
}

void
timer_start(
    struct timer **at, struct event_base *base, int64_t us, void (*fired)(void *arg), void *arg)
{
	struct timer *t = xmalloc(sizeof *t);
	struct timeval tv;

	timer_stop(at);
	*t = (struct timer){.at = at, .fired = fired, .arg = arg};
	evtimer_assign(&t->event, base, on_event, t);
	timeval_from(us, &tv);
	event_add(&t->event, &tv);
	*at = t;
}

void
timer_stop(struct timer **at)
{
	if (!*at)
		return;
	event_del(&(*at)->event);
	free(*at);
	*at = NULL;
}
