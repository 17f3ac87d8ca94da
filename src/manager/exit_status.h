/* Computes the exit status from the way in which pgwait ended (man page, EXIT STATUS). */
#ifndef PGWAIT_EXIT_STATUS_H
#define PGWAIT_EXIT_STATUS_H

#include "base/util.h"

enum cause {
	CAUSE_NONE,
	CAUSE_COUNT,   /* -n was met */
	CAUSE_DRAINED, /* -t 0 has seen everything */
	CAUSE_TIME,    /* -m or -e */
	CAUSE_SIGNAL,
	CAUSE_ASKED,    /* quit, or the last connection was removed */
	CAUSE_LOST,     /* no connection is left, or an error that no retry mends */
	CAUSE_OUTPUT,   /* standard output takes nothing more */
	CAUSE_OVERFLOW, /* the buffer is full, and --overflow is exit */
};

struct outcome {
	enum cause cause;
	int signal;
	enum status
	    failure;   /* of the connection or the catch-up that mattered; STATUS_OK: none failed */
	bool unmet;    /* there is a -n, and fewer came */
	bool any_good; /* a connection still listens */
};

struct exit_status {
	enum status status;
	int signal; /* end the process by this signal instead, where not 0 */
};

/* Where everything was delivered; what was not is STATUS_ERROR, whatever the cause. */
struct exit_status exit_status_of(const struct outcome *o);

#endif
