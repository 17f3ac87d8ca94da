#include "config.h"

#include "manager/closing.h"

#include <event2/event.h>
#include <sys/time.h>

static void
arm(struct closing *c)
{
	struct timeval tv;

	c->progress = sinks_progress(c->sinks);
	timeval_from(PROGRESS_TIMEOUT, &tv);
	event_add(&c->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct closing *c = arg;

	(void)fd;
	(void)what;
	if (sinks_progress(c->sinks) == c->progress && !sinks_working(c->sinks))
		closing_cut(c);
	else
		arm(c);
}

void
closing_hold(struct closing *c)
{
	c->waiting++;
}

void
closing_release(struct closing *c)
{
	if (--c->waiting)
		return;
	event_del(&c->timer);
	c->delivered = true;
}

static void
on_passed(struct fence *f, void *arg)
{
	(void)f;
	closing_release(arg);
}

void
closing_begin(struct closing *c, struct event_base *base, struct sinks *sinks)
{
	c->begun = true;
	c->sinks = sinks;
	c->fence.passed = on_passed;
	c->fence.arg = c;
	evtimer_assign(&c->timer, base, on_timer, c);
	fence_begin(sinks, &c->fence);
	fence_set(sinks, &c->fence);
	closing_hold(c);
	arm(c);
}

void
closing_cut(struct closing *c)
{
	if (c->begun)
		event_del(&c->timer);
	c->over = true;
	c->cut = !c->delivered;
}

bool
closing_is_over(const struct closing *c)
{
	return c->over || (c->delivered && !sinks_working(c->sinks));
}
