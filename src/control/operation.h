/*
 * ONE command of --control: carried out, and answered once it has taken effect on the server.
 */
#ifndef PGWAIT_OPERATION_H
#define PGWAIT_OPERATION_H

#include "manager/manager.h"
#include "postgres/target.h"
#include "record/answer.h"
#include "settings/command.h"
#include "sinks/sink.h"

struct operation;

/* It is over, and `op` can be used for the next one. Runs once, perhaps before it was started. */
typedef void operation_done(struct operation *op, void *arg);

/* The owner's, for one command after another. Zeroed: none yet. */
struct operation {
	struct manager *manager;
	const struct target_defaults *defaults; /* of connection strings */
	operation_done *done;
	void *arg;

	struct answer answer; /* for whoever gets `done` */
	size_t waiting;       /* answers that are still to come */
	bool disconnected;    /* it has removed a connection */
	struct fence fence;
};

/* `c` is needed only for this call. The answer's memory is the owner's, to be cleared at last. */
void operation_start(struct operation *op, const struct command *c);

#endif
