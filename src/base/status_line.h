/*
 * A line at the bottom of the terminal, while pgwait waits. It is never part of the output.
 *
 * Code that writes to the terminal hides the line before, and it is shown again afterwards. The
 * cursor stays at the start of the line, so that pgwait finds the line even if a terminal that got
 * narrower has wrapped it.
 */
#ifndef PGWAIT_STATUS_LINE_H
#define PGWAIT_STATUS_LINE_H

#include <stdbool.h>

/* False: standard output and standard error are not both terminals, and there is no such line. */
bool status_line_open(void);
void status_line_close(void);

/*
 * Shows `text`, ASCII, cut to the width. Shows nothing while another job has the terminal, while
 * the line is held, or while the last line of output has not ended.
 */
void status_line_show(const char *text);
/* Erases the line. False: the terminal takes nothing now, and the line is still there. */
bool status_line_hide(void);
/*
 * pgwait was stopped and goes on: the cursor is where the shell left it, at the start of a line, or at
 * the prompt of a job that has the terminal now.
 */
void status_line_continue(void);

/* The line is not shown between these two calls. They nest. */
void status_line_hold(void);
void status_line_release(void);

/* To be called after a write to standard output: `last` is the last byte written. */
void status_line_written(char last);

#endif
