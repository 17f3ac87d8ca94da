#include "config.h"

#include "base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/prompt.h"
#include "base/work_queue.h"

/* Logs what libevent reports, and keeps errno: the caller says what the failure means. */
static void
on_message(int severity, const char *text)
{
	int error = errno;

	if (severity == EVENT_LOG_ERR)
		log_error("%s", text);
	else
		log_debug("%s", text);
	errno = error;
}

static void
die(void)
{
	prompt_restore_terminal();
	log_finish();
	_exit(STATUS_ERROR);
}

static void
on_fatal(int error)
{
	(void)error;
	die();
}

struct event_base *
loop_new(void)
{
	struct event_base *base;

	event_set_mem_functions(xmalloc, xrealloc, free);
	event_set_log_callback(on_message);
	event_set_fatal_callback(on_fatal);
	base = event_base_new();
	if (base)
		log_watch(base);
	else
		log_error("could not start the event loop: %s", strerror(errno));
	return base;
}

void
loop_free(struct event_base *base)
{
	work_queue_finish();
	log_release();
	event_base_free(base);
}

void
loop_turn(struct event_base *base, bool more)
{
	if (event_base_loop(base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0)) >= 0)
		return;
	log_error("could not wait for events: %s", strerror(errno));
	die();
}
