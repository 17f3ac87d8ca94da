#include "config.h"

#include "manager/shutdown.h"

#include <event2/event.h>
#include <sys/time.h>

static void
arm(struct shutdown *c)
{
	struct timeval tv;

	c->progress = sinks_progress(c->sinks);
	timeval_from(PROGRESS_TIMEOUT, &tv);
	event_add(&c->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct shutdown *c = arg;

	(void)fd;
	(void)what;
	if (sinks_progress(c->sinks) == c->progress && !sinks_working(c->sinks))
		shutdown_cut(c);
	else
		arm(c);
}

void
shutdown_hold(struct shutdown *c)
{
	c->waiting++;
}

void
shutdown_release(struct shutdown *c)
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
	shutdown_release(arg);
}

void
shutdown_begin(struct shutdown *c, struct event_base *base, struct sinks *sinks)
{
	c->begun = true;
	c->sinks = sinks;
	c->fence.passed = on_passed;
	c->fence.arg = c;
	evtimer_assign(&c->timer, base, on_timer, c);
	fence_begin(sinks, &c->fence);
	fence_cover_held(sinks, &c->fence);
	fence_set(sinks, &c->fence);
	shutdown_hold(c);
	arm(c);
}

void
shutdown_cut(struct shutdown *c)
{
	if (c->begun)
		event_del(&c->timer);
	c->over = true;
	c->cut = !c->delivered;
}

bool
shutdown_is_over(const struct shutdown *c)
{
	return c->over || (c->delivered && !sinks_working(c->sinks));
}
