/*
 * A descriptor that somebody else made, written without blocking and without changing it for others
 * (fact F13).
 */
#ifndef PGWAIT_OUTLET_H
#define PGWAIT_OUTLET_H

#include <stddef.h>
#include <sys/types.h>

#include "base/util.h"

struct outlet {
	int fd;       /* what is written to, and polled */
	int original; /* what was given, and stays the caller's */
	enum outlet_method {
		OUTLET_DIRECT,   /* files and the like, which never block for long: write(2) */
		OUTLET_REOPENED, /* a pipe or terminal, opened anew: our O_NONBLOCK is ours alone */
		OUTLET_NOWAIT,   /* a pipe that another user made: pwritev2(RWF_NOWAIT) */
		OUTLET_POLL, /* where the kernel does not have that: poll, and no more than fits for sure */
		OUTLET_SOCKET, /* send(MSG_DONTWAIT) */
	} method;
};

void outlet_open(struct outlet *o, int fd);
void outlet_close(struct outlet *o);

/* Bytes written, 0 where nothing can be now; -1 with errno. */
MUST_CHECK ssize_t outlet_write(struct outlet *o, const char *bytes, size_t n);

#endif
