/* Statements about channels, in the server's encoding: pgwait's own text is UTF-8 (fact F4). */
#ifndef PGWAIT_SQL_H
#define PGWAIT_SQL_H

#include <libpq-fe.h>

#include "base/util.h"

struct buffer;
struct encoding;
struct subscription;

/*
 * An expression that names the database and the server's present run: the same text for all who are there, however
 * they reached it and whatever their settings are.
 */
#define SQL_PLACE                                                                                  \
	"pg_catalog.concat((SELECT oid FROM pg_catalog.pg_database "                               \
	"WHERE datname = pg_catalog.current_database()), '.', pg_catalog.to_char("                 \
	"pg_catalog.timezone('UTC', pg_catalog.pg_postmaster_start_time()), "                      \
	"'YYYYMMDDHH24MISSUS'))"

/*
 * Appends `command` (LISTEN, UNLISTEN) for `channel`, UTF-8, to the statements in `sql`. False where
 * the name does not exist in the server's encoding, or is too long in it (fact F11).
 */
MUST_CHECK bool sql_add(
    struct buffer *sql, const char *command, const char *channel, PGconn *conn, struct encoding *e);

/*
 * LISTEN for every channel of `s`. NULL, or what is wrong with one of them (SQLSTATE 22P05), which
 * the caller frees.
 */
MUST_CHECK char *sql_add_listen(
    struct buffer *sql, const struct subscription *s, PGconn *conn, struct encoding *e);

#endif
