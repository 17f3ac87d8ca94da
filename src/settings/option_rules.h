/* Which options need another one, and which exclude each other. */
#ifndef PGWAIT_OPTION_RULES_H
#define PGWAIT_OPTION_RULES_H

#include "settings/arguments.h"

/* False: something does not go together, which has been reported. */
MUST_CHECK bool option_rules_met(const struct arguments *a);

/* Whether there is a command, for whatever event. */
bool option_rules_command_given(const struct arguments *a);

#endif
