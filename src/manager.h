/*
 * The notification manager: pulls records from every connection, one at a time, and gives each to
 * every sink; keeps the good set and the garbage; makes idle events; decides when and how to end.
 */
#ifndef PGWAIT_MANAGER_H
#define PGWAIT_MANAGER_H

#include "ending.h"

struct options;

/* Runs until the end. `options` is immutable, but for passwords that are typed. */
struct ending manager_run(struct options *options);

#endif
