/*
 * The FIFO of --control: made where it is missing, locked while it is used, and removed at the end by who
 * made it.
 */
#ifndef PGWAIT_CONTROL_FIFO_H
#define PGWAIT_CONTROL_FIFO_H

#include "base/util.h"

/* `fd` is for reading; it never sees an end of file, and does not block. Zeroed with an fd of -1: not open. */
struct control_fifo {
	const char *path;
	int fd;
	bool made; /* ours to remove */
};

/* `path` must outlive it. False after an error message. */
MUST_CHECK bool control_fifo_open(struct control_fifo *f, const char *path);
void control_fifo_close(struct control_fifo *f);

#endif
