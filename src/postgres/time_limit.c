#include "config.h"

#include "postgres/time_limit.h"

static bool
runs(const struct time_limit *l)
{
	return l->set && !l->holders;
}

static void
on_timer(void *arg)
{
	struct time_limit *l = arg;

	l->set = false;
	l->passed(l->arg);
}

static void
go_on(struct time_limit *l)
{
	l->since = clock_monotonic();
	timer_start(&l->timer, l->base, l->left, on_timer, l);
}

static void
stand_still(struct time_limit *l)
{
	int64_t left = l->left - (clock_monotonic() - l->since);

	/* If it is due in this very turn of the loop, it passes once nobody holds it any more. */
	l->left = left > 0 ? left : 0;
	timer_stop(&l->timer);
}

void
time_limit_init(struct time_limit *l, struct event_base *base, void (*passed)(void *arg), void *arg)
{
	*l = (struct time_limit){.base = base, .passed = passed, .arg = arg};
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
	timer_stop(&l->timer);
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
