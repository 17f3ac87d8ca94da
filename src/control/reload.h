/*
 * Reads the file of --config again at SIGHUP, and makes true what it says.
 *
 * - The file owns the connections and channels that it names. pgwait opens the connections and
 *   listens on the channels that are missing, also if a command took them away, or the server
 *   refused them before.
 * - pgwait knows a connection by its name. If the connection has other parameters now, it connects
 *   anew with them, and what it missed meanwhile is a gap. If it has another name now, and the same
 *   parameters, it stays open.
 * - pgwait removes what the file does not name any more, unless the command line or a command wants
 *   it, too.
 * - If the file names a connection as one of the command line or of a command is named, with other
 *   parameters, pgwait warns, and does not open it.
 */
#ifndef PGWAIT_RELOAD_H
#define PGWAIT_RELOAD_H

struct manager;
struct target_defaults;

/* If the file has an error, says so on stderr, and changes nothing. */
void reload(const char *path, const struct target_defaults *defaults, struct manager *m);

#endif
