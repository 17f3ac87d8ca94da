/* Carries out one command of --control, and replies once it has taken effect on the server. */
#ifndef PGWAIT_COMMAND_RUN_H
#define PGWAIT_COMMAND_RUN_H

#include "control/reply.h"
#include "manager/manager.h"
#include "postgres/target.h"
#include "settings/command.h"
#include "sinks/sink.h"

struct command_run;

/* The command is over, and `op` can be used for the next one. Runs once, perhaps before command_run_start() returns. */
typedef void command_run_done(struct command_run *op, void *arg);

/* Runs one command after another; the owner's. Zeroed: none has run. */
struct command_run {
	struct manager *manager;
	const struct target_defaults *defaults; /* for connection strings */
	command_run_done *done;
	void *arg;

	struct reply reply; /* `done` finds it here */
	size_t waiting;     /* how many answers are still to come */
	bool disconnected;  /* the command has removed a connection */
	struct fence fence;
};

/* `c` is needed only for this call. The owner clears the reply at the end. */
void command_run_start(struct command_run *op, const struct command *c);

#endif
