#include "config.h"

#include "statusline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tty.h"

#define WIDTH_MAX 200
#define ERASE_MAX 256 /* bytes */

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
statusline_open(void)
{
	if (!isatty(STDOUT_FILENO) || !tty_is_capable(STDERR_FILENO))
		return false;
	line.fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	line.open = line.fd >= 0;
	return line.open;
}

void
statusline_close(void)
{
	if (!line.open)
		return;
	statusline_hide();
	close(line.fd);
	line.open = false;
}

/* All of it or a part: what the terminal does not take is not worth waiting for. */
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
 * What erases it, in all the rows that it may have now. Not "from here to the end of the screen", of which
 * tmux keeps a copy if that is all of the screen.
 */
static size_t
erase(char out[ERASE_MAX], int width)
{
	size_t rows = width > 0 ? (strlen(line.text) + (size_t)width - 1) / (size_t)width : 1;
	char *p = out + sprintf(out, "\r\0337\033[K");

	for (; rows > 1 && p < out + ERASE_MAX - 12; rows--)
		p += sprintf(p, "\033[B\033[K");
	p += sprintf(p, "\0338");
	return (size_t)(p - out);
}

bool
statusline_hide(void)
{
	char bytes[ERASE_MAX];
	size_t n;

	if (!line.shown)
		return true;
	n = erase(bytes, tty_width(line.fd));
	if (put(bytes, n) != (ssize_t)n)
		return false;
	line.shown = false;
	return true;
}

void
statusline_show(const char *text)
{
	char cut[WIDTH_MAX], bytes[ERASE_MAX + WIDTH_MAX + 16];
	int width = line.open ? tty_width(line.fd) : 0;
	size_t n = 0;

	if (width < 2 || line.held || line.inside || !tty_is_ours(line.fd))
		return;
	snprintf(cut, width < WIDTH_MAX ? (size_t)width : sizeof cut, "%s", text);
	if (line.shown && strcmp(cut, line.text) == 0)
		return;
	if (line.shown)
		n = erase(bytes, width);
	n += (size_t)sprintf(bytes + n, "\033[2m%s\033[0m\r", cut);
	snprintf(line.text, sizeof line.text, "%s", cut);
	if (put(bytes, n) > 0)
		line.shown = true;
}

void
statusline_continue(void)
{
	if (line.open && !tty_is_ours(line.fd))
		line.shown = false;
	statusline_hide();
}

void
statusline_hold(void)
{
	line.held++;
	statusline_hide();
}

void
statusline_release(void)
{
	line.held--;
}

void
statusline_written(char last)
{
	line.inside = last != '\n';
}
