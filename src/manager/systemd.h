/*
 * Tells systemd about pgwait, by datagrams to NOTIFY_SOCKET (sd_notify(3)). Every function takes NULL, and does nothing
 * then. What the socket does not take is a warning, once until it takes something again.
 */
#ifndef PGWAIT_SYSTEMD_H
#define PGWAIT_SYSTEMD_H

#include "base/util.h"

struct event_base;
struct systemd;

struct systemd_facts {
	size_t channels, good, connecting,
	    lost;    /* a channel counts for each connection that listens on it */
	bool active; /* with --exclusive: pgwait has the lock; else true */
};

/* NULL: systemd did not start pgwait, or does not want to know. */
struct systemd *systemd_new(struct event_base *base);
void systemd_free(struct systemd *s);

/* Every connection listens. */
void systemd_ready(struct systemd *s);

/* The configuration file is about to be read again, or was. Says nothing before systemd_ready(). */
void systemd_reload(struct systemd *s, bool begins);

/* pgwait receives nothing more. From now on only the watchdog is told. */
void systemd_stopping(struct systemd *s);

/* In every pass of the loop: tells the watchdog if that is due, and the status if it has changed. */
void systemd_pass(struct systemd *s, const struct systemd_facts *f);

#endif
