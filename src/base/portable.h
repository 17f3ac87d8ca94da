/*
 * What Linux and glibc have and POSIX has not, or not everywhere, and what is done elsewhere. HACKING.md has a table
 * of it. `configure --enable-portable` (PORTABLE) has the other ways built on Linux, so that they can be tested.
 */
#ifndef PGWAIT_PORTABLE_H
#define PGWAIT_PORTABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined PORTABLE || !defined PIPE_BUF
#define PORTABLE_PIPE_BUF 512 /* the least that POSIX allows */
#else
#define PORTABLE_PIPE_BUF PIPE_BUF
#endif

/* The child of vfork() is seen to write to our memory. (On macOS it is a fork() by now.) */
#if defined __linux__ && !defined PORTABLE
#define PORTABLE_VFORK 1
#endif

/* As pipe(); both ends are closed by exec. False with errno. */
bool portable_pipe(int fds[2]);

/*
 * A pipe or a terminal, opened once more for writing that does not block: a description of its own, so that O_NONBLOCK
 * is nobody else's. -1 where that is not to be had: a pipe outside of Linux, one of another user.
 */
int portable_reopen(int fd);

/* False where there is no entropy. */
bool portable_random(void *bytes, size_t n);

/* Space on the disk for the first `size` bytes of a file that is no longer than that. False: nothing has changed. */
bool portable_allocate(int fd, int64_t size);

/* Closes `first` and all above; `most` is more than any of them, if that cannot be known. In a child before exec. */
void portable_close_from(int first, int most);

/* The bytes do not stay in memory. */
void portable_wipe(void *bytes, size_t n);

#endif
