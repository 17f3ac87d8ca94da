/*
 * The FIFO of --control. pgwait makes it if it is missing, locks it while it uses it, and removes it at the end if it
 * has made it.
 */
#ifndef PGWAIT_CONTROL_FIFO_H
#define PGWAIT_CONTROL_FIFO_H

#include "base/util.h"

/* `fd` is for reading; read() never returns an end of file, and does not block. Not open: zeroed, with an fd of -1. */
struct control_fifo {
	const char *path;
	int fd;
	bool made; /* we have made it, and remove it */
};

/* `path` must outlive `f`. False after an error message. */
MUST_CHECK bool control_fifo_open(struct control_fifo *f, const char *path);
void control_fifo_close(struct control_fifo *f);

#endif
