/*
 * The last line of the terminal, while pgwait waits: below all that is written, and never part of it.
 *
 * Whoever writes to the terminal hides it before; it is shown again afterwards. The cursor stays at its
 * start, so that it is found whether or not the terminal breaks its text when it gets narrower.
 */
#ifndef PGWAIT_STATUS_LINE_H
#define PGWAIT_STATUS_LINE_H

#include <stdbool.h>

/* False: standard output and standard error are not both terminals, and there is no such line. */
bool status_line_open(void);
void status_line_close(void);

/*
 * Shows `text`, ASCII, cut to the width. Not where another job has the terminal, while it is held, or
 * where the cursor is in the middle of something.
 */
void status_line_show(const char *text);
/* False: the terminal takes nothing now, and the line is still there. */
bool status_line_hide(void);
/*
 * pgwait was stopped and goes on: the cursor is where the shell left it, at the start of a line, or at
 * the prompt of a job that has the terminal now.
 */
void status_line_continue(void);

/* Not shown between the two calls, which nest. */
void status_line_hold(void);
void status_line_release(void);

/* Standard output was written, up to this byte. */
void status_line_written(char last);

#endif
