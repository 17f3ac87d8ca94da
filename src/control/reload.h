/*
 * Reads the file of --config again at SIGHUP, and makes true what it says.
 *
 * - The file owns the connections and channels that it names. What it names and what is missing is
 *   opened, or listened to, also what a command took away, or the server refused before.
 * - A connection is known by its name. One that has other parameters now connects anew with them,
 *   and what it missed meanwhile is a gap. One that has another name now, and the same parameters,
 *   stays open.
 * - What the file does not name any more goes, unless the command line or a command wants it, too.
 * - A name that belongs to a connection of the command line or of a command is not the file's:
 *   there is a warning.
 */
#ifndef PGWAIT_RELOAD_H
#define PGWAIT_RELOAD_H

struct manager;
struct target_defaults;

/* A faulty file is reported on stderr and changes nothing. */
void reload(const char *path, const struct target_defaults *defaults, struct manager *m);

#endif
