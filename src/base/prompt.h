/*
 * Asks for a password at the terminal: at /dev/tty, never on standard input.
 *
 * One prompt at a time; the event loop goes on meanwhile. Before the next prompt begins, the
 * terminal's echo is on again, and a half-typed answer is discarded.
 */
#ifndef PGWAIT_PROMPT_H
#define PGWAIT_PROMPT_H

#include "base/util.h"

struct event_base;
struct prompt;

/* `password` is valid until the callback returns; NULL: there is no terminal, or no answer. */
typedef void prompt_done(const char *password, void *arg);

/* The loop calls `done`; prompt_start() never does. */
struct prompt *prompt_start(
    struct event_base *base, const char *label, const char *user, prompt_done *done, void *arg);
void prompt_cancel(struct prompt *p);

/*
 * Turns the terminal's echo on again. Call it when the process ends at once while a prompt is open.
 */
void prompt_restore_terminal(void);

#endif
