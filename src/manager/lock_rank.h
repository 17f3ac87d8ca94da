/*
 * Which process gets the lock of --exclusive next: SQL for it. A process that has all that is not delivered comes before one
 * that waits and has not, and that one before one that was just started, which may not even know that something is
 * missing.
 *
 * For this, each process that waits holds a shared advisory lock in its session, and each that has all another one. Whoever
 * gets the lock of --exclusive looks whether somebody else holds the shared lock of the rank that comes before its own;
 * then it gives the lock back.
 */
#ifndef PGWAIT_LOCK_RANK_H
#define PGWAIT_LOCK_RANK_H

#include <stdbool.h>

enum lock_rank {
	RANK_STARTED, /* has no shared lock */
	RANK_WAITING,
	RANK_COMPLETE,
	RANKS,
};

/* An answer to the question: the lock was free, and is left to a process that comes before. */
#define LOCK_RANK_LEFT "left"

/*
 * Asks for the lock of `key`, whose text in the server's encoding is the first parameter. The answer is "true", "false" if
 * another session has the lock, LOCK_RANK_LEFT, or NULL on a standby, whose locks nobody on another server sees; SQL_PLACE;
 * and the process ID of the session. The caller frees it.
 */
char *lock_rank_question(enum lock_rank rank, const char *key, int server_version);

/* Gets or gives back the shared lock of a rank. The same parameter. The caller frees it. */
char *lock_rank_hold(enum lock_rank rank, bool held, const char *key, int server_version);

#endif
