#include "config.h"

#include "control/control_fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* How often we try to open it while somebody else removes or replaces it. */
#define ATTEMPTS 10

static bool
is_acceptable(const struct control_fifo *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		log_error("could not look at \"%s\": %s", f->path, strerror(errno));
	else if (!S_ISFIFO(st.st_mode))
		log_error("invalid --control \"%s\": it is no FIFO; accepted are a FIFO, a path "
			  "where none is yet, and - for standard input",
		    f->path);
	else if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		log_error("invalid --control \"%s\": others own the FIFO or may write to it; "
			  "accepted is one that only you can write to (chmod 600)",
		    f->path);
	else
		return true;
	return false;
}

/* If two processes read, nobody would know which of them gets a command. */
static bool
lock(const struct control_fifo *f)
{
	if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		log_error("invalid --control \"%s\": another process takes commands from it; "
			  "accepted is a FIFO that no other pgwait has",
		    f->path);
	else
		log_error("could not lock \"%s\": %s", f->path, strerror(errno));
	return false;
}

/* Whether the path still leads to the FIFO that is open. */
static bool
is_in_place(const struct control_fifo *f)
{
	struct stat open, there;

	return fstat(f->fd, &open) == 0 && lstat(f->path, &there) == 0 &&
	       open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

static void
complain(const struct control_fifo *f, int error)
{
	if (error == ELOOP)
		log_error("invalid --control \"%s\": it is a symbolic link; accepted is the path "
			  "of the FIFO itself",
		    f->path);
	else
		log_error("could not open \"%s\": %s", f->path, strerror(error));
}

/* False: after an error message; or with *retry, if somebody removed it meanwhile. */
static bool
attempt(struct control_fifo *f, bool *retry)
{
	bool made = mkfifo(f->path, 0600) == 0;

	if (!made && errno != EEXIST) {
		log_error("could not make the FIFO \"%s\": %s", f->path, strerror(errno));
		return false;
	}
	/* For writing too: so read() returns no end of file when a writer closes it. */
	f->fd = open(f->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (f->fd < 0) {
		*retry = errno == ENOENT;
		if (!*retry)
			complain(f, errno);
		return false;
	}
	if (!is_acceptable(f) || !lock(f))
		return false;
	/* The process that used it before may have removed it since we opened it. */
	*retry = !is_in_place(f);
	f->made = made && !*retry;
	return !*retry;
}

bool
control_fifo_open(struct control_fifo *f, const char *path)
{
	bool retry = true;

	f->path = path;
	for (int i = 0; i < ATTEMPTS && retry; i++) {
		retry = false;
		if (attempt(f, &retry))
			return true;
		control_fifo_close(f);
	}
	if (retry)
		log_error("could not open \"%s\": it is removed again and again", path);
	return false;
}

void
control_fifo_close(struct control_fifo *f)
{
	if (f->fd < 0)
		return;
	/* While we still have the lock: so no other process uses the FIFO yet. */
	if (f->made && is_in_place(f))
		unlink(f->path);
	close(f->fd);
	f->fd = -1;
}
