/*
 * The signals that pgwait acts on, as events of the loop.
 *
 * A signal that would end pgwait stays ignored if it was ignored when pgwait started, as nohup and
 * background jobs of scripts expect. Signals that the parent had blocked are unblocked: it nearly
 * always blocked them for itself, and forgot to unblock them. SIGPIPE and SIGXFSZ are ignored:
 * write() returns the error.
 */
#ifndef PGWAIT_SIGNALS_H
#define PGWAIT_SIGNALS_H

#include <stdbool.h>

#include "base/util.h"

struct event_base;

/* First of all: whatever the parent left. */
void signals_start(void);

/*
 * SIGINT, SIGTERM, SIGHUP and SIGUSR1 call `caught`, from the loop. `reloads`: SIGHUP ends nothing.
 * False after an error message.
 */
MUST_CHECK bool signals_catch(
    struct event_base *base, bool reloads, void (*caught)(int signo, void *arg), void *arg);
/* Ignores these signals from here on. */
void signals_release(void);

/* SIGTSTP, SIGCONT and SIGWINCH call `caught`, until signals_release_job(). */
void signals_catch_job(struct event_base *base, void (*caught)(int signo, void *arg), void *arg);
void signals_release_job(void);
/* Stops the process as an uncaught SIGTSTP (^Z) does. Returns when the process goes on. */
void signals_stop(void);

/*
 * Ends the process by `signo`, so that its parent sees that signal (fact F22). Returns in process 1
 * of a container, which no signal ends that it does not catch.
 */
void signals_die(int signo);

#endif
