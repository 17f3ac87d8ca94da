/*
 * A timer that takes memory only while it runs: each connection has some, and seldom needs them.
 *
 * The owner has a pointer, NULL at first; it is NULL again as soon as the timer does not run any more. Before the owner is
 * freed it stops the timer.
 */
#ifndef PGWAIT_TIMER_H
#define PGWAIT_TIMER_H

#include <stdint.h>

struct event_base;
struct timer;

/* The loop calls `fired` once, in so many microseconds. One that runs already starts anew. */
void timer_start(
    struct timer **at, struct event_base *base, int64_t us, void (*fired)(void *arg), void *arg);
void timer_stop(struct timer **at);

#endif
