/* The order of start and end, and the exit status. */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "manager.h"
#include "options.h"
#include "prompt.h"
#include "signals.h"
#include "util.h"

/*
 * A descriptor 0, 1 or 2 that was closed would be taken by a socket, and get what is meant for the
 * other. False where standard output was closed.
 */
static bool
fill_standard_descriptors(void)
{
	bool had_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return had_output;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct ending ending;
	enum status status;

	if (!fill_standard_descriptors()) {
		log_error("standard output is closed");
		return STATUS_ERROR;
	}
	if (!options_parse(argc, argv, &options, &status))
		return status;
	limits_raise();
	ending = manager_run(&options);
	prompt_restore_terminal();
	options_free(&options);
	if (ending.signal)
		signals_die(ending.signal);
	return ending.status;
}
