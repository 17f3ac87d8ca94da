/* Carries out one command of --control, and replies once it has taken effect on the server. */
#ifndef PGWAIT_COMMAND_RUN_H
#define PGWAIT_COMMAND_RUN_H

#include "control/reply.h"
#include "manager/manager.h"
#include "postgres/target.h"
#include "settings/command.h"
#include "sinks/sink.h"

struct command_run;

/* It is over, and `op` can be used for the next one. Runs once, perhaps before it was started. */
typedef void command_run_done(struct command_run *op, void *arg);

/* The owner's, for one command after another. Zeroed: none yet. */
struct command_run {
	struct manager *manager;
	const struct target_defaults *defaults; /* of connection strings */
	command_run_done *done;
	void *arg;

	struct reply reply; /* for whoever gets `done` */
	size_t waiting;     /* answers that are still to come */
	bool disconnected;  /* it has removed a connection */
	struct fence fence;
};

/* `c` is needed only for this call. The answer's memory is the owner's, to be cleared at last. */
void command_run_start(struct command_run *op, const struct command *c);

#endif
