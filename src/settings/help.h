/* What --help and --version print. */
#ifndef PGWAIT_HELP_H
#define PGWAIT_HELP_H

#include "base/util.h"

/* To stdout; STATUS_ERROR, with the reason on stderr, where that cannot be written. */
MUST_CHECK enum status help_print(void);
MUST_CHECK enum status help_print_version(void);

#endif
