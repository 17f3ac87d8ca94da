/*
 * The notification manager. It pulls records from every connection, one at a time, and gives each
 * to every sink. It keeps the set of good connections and the garbage, makes idle events, and
 * decides when and how to end.
 */
#ifndef PGWAIT_MANAGER_H
#define PGWAIT_MANAGER_H

#include "base/util.h"
#include "manager/exit_status.h"

struct event_base;
struct manager;
struct options;
struct sinks;
struct source;
struct subscription;
struct sources;
struct spool;

/*
 * Starts to connect. `options` outlives it, and is immutable but for its subscriptions, which are
 * taken. NULL: it cannot be started, which has been said.
 */
struct manager *manager_new(struct options *options);

/* Runs until everything that was received is delivered, after one of the causes to end. */
void manager_run(struct manager *m);

/* Frees it. */
struct exit_status manager_finish(struct manager *m);

/* What follows is for commands at run time, which come between two passes of the loop. */

struct event_base *manager_base(const struct manager *m);
struct sources *manager_sources(struct manager *m);
struct sinks *manager_sinks(struct manager *m);

/* "active" or "waiting"; NULL: without --exclusive. */
const char *manager_exclusive(const struct manager *m);

/* NULL: without --spool. */
struct spool *manager_spool(const struct manager *m);

/* When it was started, Unix time; what it does: "starting" (until every first attempt has ended), "running", "ending". */
int64_t manager_began(const struct manager *m);
const char *manager_phase(const struct manager *m);

/* A number that is another one after each change of what a connection or the process does. */
uint64_t manager_changes(const struct manager *m);
/* `passed` runs at the end of every pass. */
void manager_on_pass(struct manager *m, void (*passed)(void *arg), void *arg);

/* The interval of idle events from now on; microseconds; not positive: none. */
void manager_set_interval(struct manager *m, int64_t us);

/* As sources_add(): the one way to add a connection. */
struct source *manager_add(struct manager *m, struct subscription *subscription, bool at_start);

/* LISTEN took effect on further channels of a connection. */
void manager_listens(struct manager *m, struct source *s);

/*
 * manager_quit() makes it end, as the command "quit" asks. manager_ends(): whether it is about to
 * end, for any cause.
 */
void manager_quit(struct manager *m);
bool manager_ends(const struct manager *m);

/* The configuration file is about to be read again, or was: systemd is told. */
void manager_reload(struct manager *m, bool begins);

/* Gets every signal first. True: it was handled, and does not end pgwait. */
typedef bool manager_signal(int signo, void *arg);
void manager_on_signal(struct manager *m, manager_signal *handle, void *arg);

#endif
