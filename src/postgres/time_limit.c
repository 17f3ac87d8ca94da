#include "config.h"

#include "postgres/time_limit.h"

#include <event2/event.h>
#include <sys/time.h>

static bool
runs(const struct time_limit *l)
{
	return l->set && !l->holders;
}

static void
go_on(struct time_limit *l)
{
	struct timeval tv;

	l->since = clock_monotonic();
	timeval_from(l->left, &tv);
	event_add(&l->timer, &tv);
}

static void
stand_still(struct time_limit *l)
{
	int64_t left = l->left - (clock_monotonic() - l->since);

	/* If it is due in this very turn of the loop, it passes once nobody holds it any more. */
	l->left = left > 0 ? left : 0;
	event_del(&l->timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct time_limit *l = arg;

	(void)fd;
	(void)what;
	l->set = false;
	l->passed(l->arg);
}

void
time_limit_init(struct time_limit *l, struct event_base *base, void (*passed)(void *arg), void *arg)
{
	*l = (struct time_limit){.passed = passed, .arg = arg};
	evtimer_assign(&l->timer, base, on_timer, l);
}

void
time_limit_set(struct time_limit *l, int64_t us)
{
	time_limit_clear(l);
	l->set = us > 0;
	l->allowed = l->left = us;
	if (runs(l))
		go_on(l);
}

void
time_limit_clear(struct time_limit *l)
{
	event_del(&l->timer);
	l->set = false;
}

void
time_limit_hold(struct time_limit *l, unsigned holders, bool held)
{
	bool ran = runs(l);

	if (held)
		l->holders |= holders;
	else
		l->holders &= ~holders;
	if (ran && !runs(l))
		stand_still(l);
	else if (!ran && runs(l))
		go_on(l);
}
