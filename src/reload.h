/*
 * --config at SIGHUP: the file is read again, and the difference applied. What stays is not touched,
 * and misses nothing.
 */
#ifndef PGWAIT_RELOAD_H
#define PGWAIT_RELOAD_H

#include "subscription.h"

struct manager;

/*
 * What the file no longer has goes, as far as nobody else wants it. `last` is what it wanted when it
 * was read before, and becomes what it wants now, without what was refused: that is tried again the
 * next time. It outlives the manager. A faulty file is reported on stderr and changes nothing.
 */
void reload(const char *path, const struct target_defaults *defaults, struct subscriptions *last,
    struct manager *m);

#endif
