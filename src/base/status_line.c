#include "config.h"

#include "base/status_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/portable.h"
#include "base/tty.h"

#define WIDTH_MAX 200

/* The process has one terminal. */
static struct {
	bool open;
	int fd; /* stderr, opened anew: not blocking, for us alone (fact F13) */
	bool shown;
	bool inside; /* a line of stdout has not ended */
	int held;
	char text[WIDTH_MAX]; /* what is shown */
} line;

bool
status_line_open(void)
{
	if (!isatty(STDOUT_FILENO) || !tty_is_capable(STDERR_FILENO))
		return false;
	line.fd = portable_reopen(STDERR_FILENO);
	line.open = line.fd >= 0;
	return line.open;
}

void
status_line_close(void)
{
	if (!line.open)
		return;
	status_line_hide();
	close(line.fd);
	line.open = false;
}

/* Writes without waiting: what the terminal does not take now is dropped. */
static ssize_t
put(const char *bytes, size_t n)
{
	ssize_t w;

	do
		w = write(line.fd, bytes, n);
	while (w < 0 && errno == EINTR);
	return w;
}

/*
 * What erases it, and all that is below: where a terminal that got narrower broke it, of which the terminal
 * knows before we do. Not in one step: tmux keeps a copy of a whole screen that is erased.
 */
#define ERASE "\r\033[?7h\0337\033[K\033[B\033[J\0338"
/* The terminal breaks nothing at its edge while this is written. */
#define BEGIN "\033[?7l\033[2m"
#define END   "\033[0m\033[?7h\r"

bool
status_line_hide(void)
{
	if (!line.shown)
		return true;
	if (put(ERASE, strlen(ERASE)) != (ssize_t)strlen(ERASE))
		return false;
	line.shown = false;
	return true;
}

void
status_line_show(const char *text)
{
	char cut[WIDTH_MAX], bytes[WIDTH_MAX + sizeof ERASE BEGIN END];
	int width = line.open ? tty_width(line.fd) : 0, n;

	if (width < 2 || line.held || line.inside || !tty_is_ours(line.fd))
		return;
	snprintf(cut, width < WIDTH_MAX ? (size_t)width : sizeof cut, "%s", text);
	if (line.shown && strcmp(cut, line.text) == 0)
		return;
	n = sprintf(bytes, "%s" BEGIN "%s" END, line.shown ? ERASE : "", cut);
	snprintf(line.text, sizeof line.text, "%s", cut);
	if (put(bytes, (size_t)n) > 0)
		line.shown = true;
}

void
status_line_continue(void)
{
	if (line.open && !tty_is_ours(line.fd))
		line.shown = false;
	status_line_hide();
}

void
status_line_hold(void)
{
	line.held++;
	status_line_hide();
}

void
status_line_release(void)
{
	line.held--;
}

void
status_line_written(char last)
{
	line.inside = last != '\n';
}
