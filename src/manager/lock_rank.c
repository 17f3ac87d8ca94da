#include "config.h"

#include "manager/lock_rank.h"

#include <stdlib.h>

#include "base/util.h"
#include "postgres/sql.h"

/* The first of the two int4 that are the key of a rank's shared lock: "pgw" and the rank. The second is a hash. */
#define RANK_CLASS 0x70677700

/* The number of the lock: the key if it is a number, else its hash by the server, which all processes share. */
static const char *
lock_number(const char *key, int server_version)
{
	int64_t number;

	if (parse_integer(key, INT64_MIN, INT64_MAX, &number))
		return "$1::pg_catalog.int8";
	return server_version >= 110000 ? "pg_catalog.hashtextextended($1, 0)"
					: "pg_catalog.hashtext($1)";
}

/* Whether another session holds the shared lock of the rank that comes before. */
static char *
somebody_before(enum lock_rank rank, const char *number)
{
	if (rank == RANK_COMPLETE)
		return xstrdup("false");
	return xasprintf("NOT pg_catalog.pg_try_advisory_xact_lock(%d, pg_catalog.hashint8(%s))",
	    RANK_CLASS + (int)rank + 1, number);
}

char *
lock_rank_question(enum lock_rank rank, const char *key, int server_version)
{
	const char *number = lock_number(key, server_version);
	char *before = somebody_before(rank, number);
	char *sql = xasprintf(
	    "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL "
	    "WHEN NOT pg_catalog.pg_try_advisory_lock(%s) THEN 'false' "
	    "WHEN %s THEN CASE WHEN pg_catalog.pg_advisory_unlock(%s) THEN '" LOCK_RANK_LEFT
	    "' END ELSE 'true' END, " SQL_PLACE ", pg_catalog.pg_backend_pid()",
	    number, before, number);

	free(before);
	return sql;
}

char *
lock_rank_hold(enum lock_rank rank, bool held, const char *key, int server_version)
{
	return xasprintf("SELECT pg_catalog.pg_advisory_%s_shared(%d, pg_catalog.hashint8(%s))",
	    held ? "lock" : "unlock", RANK_CLASS + (int)rank, lock_number(key, server_version));
}
