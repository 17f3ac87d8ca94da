#include "config.h"

#include "manager/ready.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* How long nobody reads before it is given up; milliseconds. */
#define PATIENCE 1000

static void
tell_systemd(const char *path)
{
	static const char message[] = "READY=1";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	int fd;

	if (length == 0 || length >= sizeof address.sun_path) {
		log_warning("NOTIFY_SOCKET is no socket's path: \"%s\"", path);
		return;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd >= 0)
		fd_cloexec(fd);
	/* SIGPIPE is ignored. */
	if (fd < 0 || sendto(fd, message, sizeof message - 1, 0, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		log_warning("could not tell NOTIFY_SOCKET \"%s\": %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

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
ready_tell(int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (fd >= 0)
		write_newline(fd);
	if (fd > 2)
		close(fd);
	if (path)
		tell_systemd(path);
}
