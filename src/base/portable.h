/*
 * Calls that Linux and glibc have and POSIX or other systems do not have, and another way to do the same there. HACKING.md
 * has a table of them. `configure --enable-portable` (PORTABLE) builds the other ways on Linux, so that tests can run them.
 */
#ifndef PGWAIT_PORTABLE_H
#define PGWAIT_PORTABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct stat;

#if defined PORTABLE || !defined PIPE_BUF
#define PORTABLE_PIPE_BUF 512 /* the least that POSIX allows */
#else
#define PORTABLE_PIPE_BUF PIPE_BUF
#endif

/* The child of vfork() writes to our memory. (On macOS vfork() is a fork() by now.) */
#if defined __linux__ && !defined PORTABLE
#define PORTABLE_VFORK 1
#endif

/* Like pipe(), but exec closes both ends. False with errno. */
bool portable_pipe(int fds[2]);

/*
 * Opens a pipe or terminal once more, for writing that does not block: with a file description of its own, so that
 * O_NONBLOCK affects nobody else. -1 if that is not possible: a pipe on another system than Linux, or of another user.
 */
int portable_reopen(int fd);

/* Fills `bytes` with `n` random bytes. False: the system has none. */
bool portable_random(void *bytes, size_t n);

/* Takes disk space for the first `size` bytes of a file that is no longer than that. False: nothing has changed. */
bool portable_allocate(int fd, int64_t size);

/*
 * The same, with zeros where the file ends, and in a file that other processes write to as well. 0, or the error. Without a
 * call that does it the space is only looked for.
 */
int portable_extend(int fd, int64_t size);

/* When the file was changed. */
struct timespec portable_changed(const struct stat *st);

/* For a child before exec: closes descriptor `first` and all above; only those below `most` where no call does that. */
void portable_close_from(int first, int most);

/*
 * Whether the other end of a connection has closed it, or it broke: a reset, a time that ran out. What came before that may
 * still wait to be read; only with POLLRDHUP the end of the stream shows then, too.
 */
bool portable_hung_up(int fd);

/* Gives memory that was freed back to the system, as far as the C library can. */
void portable_return_memory(void);

/* Overwrites the bytes, so that they do not stay in memory. */
void portable_wipe(void *bytes, size_t n);

#endif
