#include "config.h"

#include "manager/ready.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "manager/systemd.h"

/* How long nobody reads before it is given up; milliseconds. */
#define PATIENCE 1000

static void
write_newline(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	/* Everything else would wait, too. */
	if (poll(&p, 1, PATIENCE) == 0)
		log_warning("could not write to the descriptor of --ready-fd: nobody reads there");
	else if (write(fd, "\n", 1) != 1)
		log_warning("could not write to the descriptor of --ready-fd: %s", strerror(errno));
}

void
ready_tell(int fd, struct systemd *systemd)
{
	if (fd >= 0)
		write_newline(fd);
	if (fd > 2)
		close(fd);
	systemd_ready(systemd);
}
