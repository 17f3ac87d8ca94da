/*
 * The text of a configuration file (man page, --config) as wanted connections.
 *
 * Each line is a command that command.h allows there: `connect NAME CONNINFO` wants a connection,
 * `listen NAME CHANNEL...` wants channels of one, `listen * CHANNEL...` of every connection in the
 * file. The order of the lines does not matter.
 *
 * Errors are: two connections of the same name, two with the same parameters, and `listen` for a name
 * that no `connect` has. No errors are: a channel twice, a connection without a channel, and a file
 * without a connection.
 */
#ifndef PGWAIT_CONFIG_FILE_H
#define PGWAIT_CONFIG_FILE_H

#include "base/util.h"
#include "postgres/subscription.h"

/* Borrowed. The bytes of the text may be any. */
struct config_file {
	const char *name; /* for errors */
	const char *text;
	size_t length;
};

/*
 * All or nothing: false with *error, which the caller frees, as `FILE:LINE: what`; `to` is empty
 * then. The labels of the targets are the names in the file.
 */
MUST_CHECK bool config_file_parse(const struct config_file *file,
    const struct target_defaults *defaults, struct subscriptions *to, char **error);

/* The file itself. As above; an error in reading has no line. */
MUST_CHECK bool config_file_read(const char *path, const struct target_defaults *defaults,
    struct subscriptions *to, char **error);

#endif
