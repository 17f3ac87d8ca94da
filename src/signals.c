#include "config.h"

#include "signals.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "log.h"

#define SET_MAX 4

/* Dispositions are the process's, so there is one of each set. */
struct set {
	int numbers[SET_MAX]; /* up to a 0 */
	struct event events[SET_MAX];
	void (*caught)(int signo, void *arg);
	void *arg;
};

static struct set ends = {.numbers = {SIGINT, SIGTERM, SIGHUP, SIGUSR1}};
static struct set job = {.numbers = {SIGTSTP, SIGCONT, SIGWINCH}};

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct set *set = arg;

	(void)what;
	set->caught((int)signo, set->arg);
}

static bool
catch_all(struct set *set, struct event_base *base, void (*caught)(int signo, void *arg), void *arg)
{
	bool ok = true;

	set->caught = caught;
	set->arg = arg;
	for (size_t i = 0; i < SET_MAX && set->numbers[i]; i++) {
		struct sigaction before;
		int signo = set->numbers[i];

		evsignal_assign(&set->events[i], base, signo, on_signal, set);
		if (sigaction(signo, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			ok &= event_add(&set->events[i], NULL) == 0;
	}
	return ok;
}

bool
signals_catch(struct event_base *base, void (*caught)(int signo, void *arg), void *arg)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (catch_all(&ends, base, caught, arg))
		return true;
	log_error("could not catch signals: %s", strerror(errno));
	return false;
}

void
signals_release(void)
{
	for (size_t i = 0; i < SET_MAX; i++) {
		/* How it ends is decided: one more signal must not change the exit status. */
		if (event_pending(&ends.events[i], EV_SIGNAL, NULL)) {
			event_del(&ends.events[i]);
			signal(ends.numbers[i], SIG_IGN);
		}
	}
}

void
signals_catch_job(struct event_base *base, void (*caught)(int signo, void *arg), void *arg)
{
	(void)catch_all(&job, base, caught, arg);
}

void
signals_release_job(void)
{
	for (size_t i = 0; i < SET_MAX && job.numbers[i]; i++)
		event_del(&job.events[i]);
}

void
signals_stop(void)
{
	event_del(&job.events[0]); /* which brings back what the signal does by itself */
	raise(SIGTSTP);
	/* cppcheck-suppress unreachableCode ; it goes on with SIGCONT */
	event_add(&job.events[0], NULL);
}

void
signals_die(int signo)
{
	signal(signo, SIG_DFL);
	raise(signo);
}
