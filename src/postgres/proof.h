/*
 * The proof that notifications get through a pooler (fact F5): a second connection to the same
 * target sends one on a private channel, to which the first one listens.
 */
#ifndef PGWAIT_PROOF_H
#define PGWAIT_PROOF_H

#include "postgres/connector.h"

struct event_base;
struct proof;
struct target;

/* How long a notification may take that was committed; microseconds. */
#define PROOF_TIMEOUT (5 * SECOND)

/*
 * `error` says why no notification could be sent: nothing is known then. NULL: one was, and the
 * owner did not cancel the proof within PROOF_TIMEOUT, as he does when it arrives. The proof is gone
 * after it.
 */
typedef void proof_done(const char *error, void *arg);

/* A name for the channel that nobody can guess, and that needs no quotes. The caller frees it. */
char *proof_channel(void);

/* `target` and `channel` outlive the proof; `done` is not called from here. */
struct proof *proof_start(struct event_base *base, struct target *target,
    const struct connector_policy *policy, const char *channel, proof_done *done, void *arg);
void proof_cancel(struct proof *p);

/* The connection that listens is not read, so that nothing can arrive: the time does not count. */
void proof_hold(struct proof *p, bool held);

#endif
