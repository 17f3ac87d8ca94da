/*
 * What a session asks and sets besides the statement of --catchup-sql or --work-sql, and what the answer to that
 * statement says about it.
 */
#ifndef PGWAIT_STATEMENT_H
#define PGWAIT_STATEMENT_H

#include <libpq-fe.h>

#include "base/util.h"

/*
 * Who closes a connection while its statement runs, or waits for a lock, is noticed by the server only if
 * it looks (PostgreSQL 14; not on every system, so the answer does not matter).
 */
#define STATEMENT_LOOK                                                                             \
	"SELECT pg_catalog.set_config(name, '1s', false) FROM pg_catalog.pg_settings "             \
	"WHERE name = 'client_connection_check_interval' AND setting = '0'"

/*
 * The transaction waits for commands, as long as they take: the server's limits of a transaction that waits would roll it
 * back again and again. And once our host has vanished, its rows must be there for others: the server sends
 * keepalives as pgwait does, unless it sends them sooner anyway.
 */
#define STATEMENT_SET_UP                                                                           \
	"SELECT pg_catalog.count(pg_catalog.set_config(name, most, false)) FROM (SELECT name, "    \
	"most, setting FROM "                                                                      \
	"pg_catalog.pg_settings JOIN (VALUES ('idle_in_transaction_session_timeout', '0'), "       \
	"('transaction_timeout', '0'), ('tcp_keepalives_idle', '30'), "                            \
	"('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'), "                        \
	"('tcp_user_timeout', '45000')) v (name, most) USING (name) OFFSET 0) s "                  \
	"WHERE setting::bigint NOT BETWEEN 1 AND most::bigint"

/*
 * What changes a table has this lock on it, and a transaction ID. SELECT ... FOR UPDATE has such an ID, too, but another
 * lock.
 */
#define STATEMENT_WROTE                                                                            \
	"SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL AND EXISTS (SELECT FROM "  \
	"pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND mode = "                  \
	"'RowExclusiveLock')"

/* Whether rows of such a statement are written for sure: then the server is not asked. */
bool statement_writes(const PGresult *result);

/* What makes a statement unfit, or NULL. Two columns at most, and not zero, are a row. */
const char *statement_unfit(const PGresult *result);

#endif
