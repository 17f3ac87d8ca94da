/*
 * What the environment and the kernel say about terminals.
 */
#ifndef PGWAIT_TTY_H
#define PGWAIT_TTY_H

#include <stdbool.h>

/* Whether `fd` is a terminal that knows colours, and can erase what it shows: TERM is not "dumb". */
bool tty_is_capable(int fd);

/* Whether the locale's characters are UTF-8. Sets LC_CTYPE as the environment says, for wcwidth() too. */
bool tty_reads_utf8(void);

/* Columns; 0: not known. */
int tty_width(int fd);

/* False where another job of the shell has the terminal, so that nothing but output goes there. */
bool tty_is_ours(int fd);

#endif
