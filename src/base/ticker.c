#include "config.h"

#include "base/ticker.h"

#include <event2/event.h>
#include <sys/time.h>

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct ticker *)arg)->due = true;
}

static void
arm(struct ticker *t, int64_t now)
{
	struct timeval tv;

	timeval_from(t->next - now, &tv);
	event_add(&t->timer, &tv);
}

void
ticker_start(struct ticker *t, struct event_base *base, int64_t interval, int64_t now)
{
	t->interval = interval;
	t->next = now + interval;
	evtimer_assign(&t->timer, base, on_timer, t);
	arm(t, now);
}

static RARELY bool
decide(struct ticker *t, int64_t restarted)
{
	int64_t now = clock_monotonic();
	bool ticks;

	t->due = false;
	if (restarted + t->interval > t->next)
		t->next = restarted + t->interval;
	ticks = t->next <= now;
	if (ticks)
		t->next += t->interval + (now - t->next) / t->interval * t->interval;
	arm(t, now);
	return ticks;
}

bool
ticker_ticks(struct ticker *t, int64_t restarted)
{
	return t->due && decide(t, restarted);
}

void
ticker_stop(struct ticker *t)
{
	if (t->interval)
		event_del(&t->timer);
	t->interval = 0;
	t->due = false; /* it may have fired in this very turn of the loop */
}
