/*
 * The drain of a spool (--from-spool): takes rows from the file, gives each as a record to every
 * sink, and removes it once all of them have delivered it.
 *
 * It runs instead of the manager. It reads rows in chunks, and the next chunk when the last one was
 * delivered; in between it has no transaction open.
 */
#ifndef PGWAIT_SPOOL_DRAIN_H
#define PGWAIT_SPOOL_DRAIN_H

#include "manager/exit_status.h"

struct options;

#ifdef HAVE_SQLITE
/* Runs until the spool is empty, or another cause to end. */
struct exit_status spool_drain_run(const struct options *options);
#else
#define spool_drain_run(options) ((void)(options), (struct exit_status){STATUS_ERROR, 0})
#endif

#endif
