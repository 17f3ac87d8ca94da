/*
 * What a manager consists of: for the files of manager/ alone. All others see manager.h.
 */
#ifndef PGWAIT_MANAGER_INTERNAL_H
#define PGWAIT_MANAGER_INTERNAL_H

#include <event2/event_struct.h>

#include "base/ticker.h"
#include "manager/runs.h"
#include "manager/exit_status.h"
#include "manager/shutdown.h"
#include "manager/source.h"
#include "sinks/sink.h"

struct status_text;
struct systemd;
struct delivery;
struct exclusive;

struct manager {
	struct options *options;
	struct event_base *base;
	int64_t began; /* Unix time */

	struct sources sources;
	struct runs runs;
	struct exclusive *exclusive; /* NULL: without --exclusive */
	bool delivers_all; /* every notification: there is neither --exclusive nor --work-sql */
	bool active;       /* what comes is delivered: always so without --exclusive */
	bool told;         /* that every connection listens */
	bool running;      /* every first attempt has ended */

	struct sinks sinks;
	struct delivery *delivery;
	struct status_text *status_text; /* NULL: there is no status line */
	struct systemd *systemd;         /* NULL: nothing is told to it */

	size_t drained;                /* of the connections in the set, in a drain */
	uint64_t count;                /* of -n; UINT64_MAX: without */
	uint64_t taken, taken_at_idle; /* notifications, in all and up to the last idle event */
	int64_t last_taken;            /* monotonic; the start of waiting before the first */
	int64_t read_since; /* monotonic: since when the connections are read without a pause */
	struct ticker idle, exit_idle; /* -t, -e */
	int64_t interval;              /* of idle events; not positive: none */
	struct event max_timer;
	struct event start_timer; /* whether more connections listen than a second ago */
	size_t good_before;

	void (*passed)(void *arg); /* or NULL */
	void *passed_arg;
	bool (*handle_signal)(int signo, void *arg); /* a manager_signal */
	void *signal_arg;
	enum cause cause;
	int signal;
	enum status failure; /* what a failure makes of the exit status */
	struct shutdown shutdown;
};

#endif
