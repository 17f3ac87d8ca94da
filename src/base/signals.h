/*
 * The signals that pgwait acts on, as events of the loop.
 *
 * What would end pgwait and was ignored when it started stays ignored: nohup, and background jobs of
 * scripts. What the parent blocked is not blocked any more: that is nearly always its own affair, and
 * left by mistake.
 * SIGPIPE and SIGXFSZ are ignored: a write says what happened.
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
/* From here on they are ignored. */
void signals_release(void);

/* SIGTSTP, SIGCONT and SIGWINCH do, until they are released. */
void signals_catch_job(struct event_base *base, void (*caught)(int signo, void *arg), void *arg);
void signals_release_job(void);
/* For SIGTSTP: stops, as ^Z does where nobody catches it. Returns when it goes on. */
void signals_stop(void);

/*
 * Dies of `signo`, so that whoever waits for pgwait sees it (fact F22). Returns in process 1 of a container,
 * which no signal ends that it does not catch.
 */
void signals_die(int signo);

#endif
