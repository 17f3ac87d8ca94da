#include "config.h"

#include "signals.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stddef.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

enum { COUNT = sizeof numbers / sizeof numbers[0] };

/* Dispositions are the process's, so there is one set. */
static struct {
	struct event events[COUNT];
	void (*caught)(int signo, void *arg);
	void *arg;
} signals;

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	(void)what;
	(void)arg;
	signals.caught((int)signo, signals.arg);
}

void
signals_catch(struct event_base *base, void (*caught)(int signo, void *arg), void *arg)
{
	signals.caught = caught;
	signals.arg = arg;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < COUNT; i++) {
		struct sigaction before;

		evsignal_assign(&signals.events[i], base, numbers[i], on_signal, NULL);
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			event_add(&signals.events[i], NULL);
	}
}

void
signals_release(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		/* How it ends is decided: one more signal must not change the exit status. */
		if (event_pending(&signals.events[i], EV_SIGNAL, NULL)) {
			event_del(&signals.events[i]);
			signal(numbers[i], SIG_IGN);
		}
	}
}

void
signals_die(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}
