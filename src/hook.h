/*
 * The sink that runs a command at each idle event.
 *
 * Delivered means that the command ended. One that still runs at the next event is not started
 * again. The event is in the command's environment (man page, ENVIRONMENT), never in its text.
 */
#ifndef PGWAIT_HOOK_H
#define PGWAIT_HOOK_H

#include "sink.h"
#include "util.h"

struct event_base;
struct hook;

/* `timeout` in microseconds, negative: none. `changed` runs when a command ended. */
struct hook *hook_new(struct event_base *base, const char *command, int64_t timeout,
    void (*changed)(void *arg), void *arg);
struct sink *hook_sink(struct hook *h);

/* Ends a running command (SIGTERM, then SIGKILL). */
void hook_terminate(struct hook *h);
void hook_free(struct hook *h);

#endif
