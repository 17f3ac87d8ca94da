#include "config.h"

#include "manager/exit_status.h"

#include <signal.h>

struct exit_status
exit_status_of(const struct outcome *o)
{
	struct exit_status e = {STATUS_OK, 0};

	switch (o->cause) {
	case CAUSE_DRAINED:
		e.status = o->unmet ? STATUS_UNMET : STATUS_OK;
		if (o->failure)
			e.status = o->failure;
		break;
	case CAUSE_TIME:
		e.status = o->unmet ? STATUS_UNMET : STATUS_OK;
		if (!o->any_good)
			e.status = STATUS_LOST;
		break;
	case CAUSE_SIGNAL:
		/* ^C stops a shell's loop only if pgwait dies of it (fact F22). */
		if (o->signal == SIGINT || o->unmet)
			e.signal = o->signal;
		break;
	case CAUSE_ASKED:
		e.status = o->unmet ? STATUS_UNMET : STATUS_OK;
		break;
	case CAUSE_LOST:
		e.status = o->failure;
		break;
	case CAUSE_OUTPUT:
		e.status = o->unmet ? STATUS_ERROR : o->failure;
		break;
	case CAUSE_OVERFLOW:
		e.status = STATUS_ERROR;
		break;
	case CAUSE_NONE:
	case CAUSE_COUNT:
		break;
	}
	return e;
}
