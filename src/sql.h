/* Statements about channels, in the server's encoding: pgwait's own text is UTF-8 (fact F4). */
#ifndef PGWAIT_SQL_H
#define PGWAIT_SQL_H

#include <libpq-fe.h>

#include "util.h"

struct buffer;
struct encoding;

/*
 * Appends `command` (LISTEN, UNLISTEN) for `channel`, UTF-8, to the statements in `sql`. False where
 * the name does not exist in the server's encoding, or is too long in it (fact F11).
 */
MUST_CHECK bool sql_add(
    struct buffer *sql, const char *command, const char *channel, PGconn *conn, struct encoding *e);

#endif
