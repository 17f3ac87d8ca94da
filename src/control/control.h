/*
 * --control: commands from standard input or a FIFO, one a line, carried out one after another.
 *
 * Each command gets one reply, a RECORD_REPLY, once it has taken effect on the server. Only then
 * the next line is read. SIGUSR1 has the same effect as the command "status", with the reply on
 * stderr.
 */
#ifndef PGWAIT_CONTROL_H
#define PGWAIT_CONTROL_H

#include "base/util.h"

struct control;
struct manager;
struct options;

/* NULL where the FIFO cannot be used: it has been said. All outlive the control. */
struct control *control_new(struct manager *m, const struct options *options);

/* The status on stderr. */
void control_status(struct control *c);

/* Nothing is read or answered any more; before manager_finish(). */
void control_stop(struct control *c);

/* After manager_finish(), which ends what was still asked. */
void control_free(struct control *c);

#endif
