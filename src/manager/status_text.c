#include "config.h"

#include "manager/status_text.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/signals.h"
#include "base/status_line.h"

#define REFRESH (SECOND / 4) /* the text changes no sooner */
#define WINDOW  SECOND       /* over which a rate is measured */

struct status_text {
	char text[160];
	struct status_text_facts shown, facts;
	int64_t refreshed; /* times are of the monotonic clock */
	bool due;          /* the text is to be made anew */
	struct event timer;
	int64_t wake; /* when it fires; 0: it does not */
	/* The rate now: of the last window that has ended. */
	double rate;
	int64_t window; /* when the present one began; 0: nothing comes */
	uint64_t received;
};

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct status_text *s = arg;

	(void)fd;
	(void)what;
	s->wake = 0;
	s->due = true;
}

static void
wake_at(struct status_text *s, int64_t when, int64_t now)
{
	struct timeval tv;

	if (s->wake && s->wake <= when)
		return;
	s->wake = when;
	timeval_from(when > now ? when - now : 0, &tv);
	event_add(&s->timer, &tv);
}

/* The pass that follows draws it again. */
static void
on_signal(int signo, void *arg)
{
	(void)arg;
	if (signo == SIGCONT)
		status_line_continue();
	else
		status_line_hide();
	if (signo == SIGTSTP)
		signals_stop();
}

struct status_text *
status_text_new(struct event_base *base)
{
	struct status_text *s;

	if (!status_line_open())
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->due = true;
	evtimer_assign(&s->timer, base, on_timer, s);
	signals_catch_job(base, on_signal, s);
	return s;
}

void
status_text_free(struct status_text *s)
{
	if (!s)
		return;
	status_line_close();
	signals_release_job();
	event_del(&s->timer);
	free(s);
}

/* A window begins with the first notification, and the last one is that in which none came. */
static void
measure(struct status_text *s, int64_t now)
{
	uint64_t count = s->facts.received - s->received;

	if (!s->window) {
		s->window = count ? now : 0;
	} else if (now - s->window >= WINDOW) {
		s->rate = (double)count * SECOND / (double)(now - s->window);
		s->received = s->facts.received;
		s->window = count ? now : 0;
	}
	if (s->window)
		wake_at(s, s->window + WINDOW, now);
}

static void
write_text(struct status_text *s, int64_t now)
{
	const struct status_text_facts *f = &s->facts;
	time_t last = (clock_realtime() - (now - f->last)) / SECOND;
	char *p = s->text, *end = s->text + sizeof s->text;
	struct tm tm;

	p +=
	    snprintf(p, (size_t)(end - p), "connections: %zu good, %zu failed", f->good, f->failed);
	if (f->connecting)
		p += snprintf(p, (size_t)(end - p), ", %zu connecting", f->connecting);
	p += snprintf(p, (size_t)(end - p), " | notifications: %" PRIu64, f->received);
	if (f->received)
		p += snprintf(
		    p, (size_t)(end - p), ", %.*f/s", s->rate < 9.95 && s->rate > 0, s->rate);
	if (f->received && localtime_r(&last, &tm))
		strftime(p, (size_t)(end - p), ", last at %H:%M:%S", &tm);
}

static bool
has_changed(const struct status_text *s)
{
	return s->facts.good != s->shown.good || s->facts.failed != s->shown.failed ||
	       s->facts.connecting != s->shown.connecting || s->facts.received != s->shown.received;
}

void
status_text_show(struct status_text *s, const struct status_text_facts *f)
{
	int64_t now;

	s->facts = *f;
	s->due |= has_changed(s);
	if (s->due) {
		now = clock_monotonic();
		if (now - s->refreshed >= REFRESH) {
			measure(s, now);
			write_text(s, now);
			s->shown = s->facts;
			s->refreshed = now;
			s->due = false;
		} else {
			wake_at(s, s->refreshed + REFRESH, now);
		}
	}
	status_line_show(s->text);
}
