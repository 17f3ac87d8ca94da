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

/*
 * Whether pgwait is the shell's foreground job at `fd`. In the background it writes nothing but
 * output there.
 */
bool tty_is_ours(int fd);

#endif
