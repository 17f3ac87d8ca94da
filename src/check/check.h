/*
 * --check: checks every connection, all of them at once, and writes what it found about each as
 * soon as that check ends.
 */
#ifndef PGWAIT_CHECK_H
#define PGWAIT_CHECK_H

#include "manager/exit_status.h"

struct options;

/* From the start to the end. Its own loop: no manager is needed. */
struct exit_status check_run(struct options *options);

#endif
