#include "config.h"

#include "base/tty.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool
tty_is_capable(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool
tty_reads_utf8(void)
{
	static bool set;

	if (!set)
		setlocale(LC_CTYPE, "");
	set = true;
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int
tty_width(int fd)
{
	struct winsize w;

	return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

bool
tty_is_ours(int fd)
{
	pid_t foreground = tcgetpgrp(fd);

	/* -1: not the terminal of this session, so that it has no other jobs. */
	return foreground < 0 || foreground == getpgrp();
}
