/* Which options need another one, and which exclude each other. */
#ifndef PGWAIT_NEEDS_H
#define PGWAIT_NEEDS_H

#include "settings/arguments.h"

/* False: something does not go together, which has been reported. */
MUST_CHECK bool needs_are_met(const struct arguments *a);

/* Whether there is a command, for whatever event. */
bool needs_command(const struct arguments *a);

#endif
