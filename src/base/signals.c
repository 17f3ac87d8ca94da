#include "config.h"

#include "base/signals.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/orphans.h"

#define SET_MAX 4

/* Signal dispositions belong to the process, so there is one set of events, in static variables. */
struct set {
	struct {
		int number;  /* 0: there is no more */
		bool spared; /* not caught where it was ignored at the start */
	} signals[SET_MAX];
	struct event events[SET_MAX];
	void (*caught)(int signo, void *arg);
	void *arg;
};

static struct set ends = {
    .signals = {{SIGINT, true}, {SIGTERM, true}, {SIGHUP, true}, {SIGUSR1, false}}};
static struct set job = {.signals = {{SIGTSTP, true}, {SIGCONT, false}, {SIGWINCH, false}}};

void
signals_start(void)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	/* What process 1 does not catch yet would be dropped: there it waits for signals_catch(). */
	for (size_t i = 0; i < SET_MAX && getpid() == 1; i++)
		sigaddset(&blocked, ends.signals[i].number);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static void
on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct set *set = arg;

	(void)what;
	set->caught((int)signo, set->arg);
}

/* `reload` ends nothing, though it is in the set of those that do. */
static bool
catch_all(struct set *set, struct event_base *base, int reload,
    void (*caught)(int signo, void *arg), void *arg)
{
	bool ok = true;

	set->caught = caught;
	set->arg = arg;
	for (size_t i = 0; i < SET_MAX && set->signals[i].number; i++) {
		struct sigaction before = {.sa_handler = SIG_DFL};
		int signo = set->signals[i].number;

		evsignal_assign(&set->events[i], base, signo, on_signal, set);
		if (set->signals[i].spared && signo != reload)
			sigaction(signo, NULL, &before);
		if (before.sa_handler != SIG_IGN)
			ok &= event_add(&set->events[i], NULL) == 0;
	}
	return ok;
}

bool
signals_catch(
    struct event_base *base, bool reloads, void (*caught)(int signo, void *arg), void *arg)
{
	sigset_t none;
	bool ok;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	ok = catch_all(&ends, base, reloads ? SIGHUP : 0, caught, arg);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	orphans_watch(base);
	if (ok)
		return true;
	log_error("could not catch signals: %s", strerror(errno));
	return false;
}

void
signals_release(void)
{
	for (size_t i = 0; i < SET_MAX; i++) {
		/* The exit status is decided now, and another signal must not change it. */
		if (event_pending(&ends.events[i], EV_SIGNAL, NULL)) {
			event_del(&ends.events[i]);
			signal(ends.signals[i].number, SIG_IGN);
		}
	}
	orphans_release();
}

void
signals_catch_job(struct event_base *base, void (*caught)(int signo, void *arg), void *arg)
{
	(void)catch_all(&job, base, 0, caught, arg);
}

void
signals_release_job(void)
{
	for (size_t i = 0; i < SET_MAX && job.signals[i].number; i++)
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
