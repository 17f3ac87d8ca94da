#include "config.h"

#include "check/server_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "check/diagnosis.h"
#include "postgres/request_queue.h"
#include "record/encoding.h"

/* Columns of the answer. */
enum column {
	PID,
	ROLE,
	DATABASE,
	STANDBY,
	IDLE_TIMEOUT,
	STATEMENT_TIMEOUT,
	ROLE_USED,
	ROLE_LIMIT,
	DATABASE_USED,
	DATABASE_LIMIT,
	SERVER_USED,
	SERVER_LIMIT,
	QUEUE,
	COLUMNS
};

/* Names have 63 bytes, and messages are short, from an honest server. */
#define TEXT_MAX 2000

char *
server_facts_text(struct encoding *e, const char *s)
{
	size_t length = strnlen(s, TEXT_MAX);
	const char *more = s[length] ? "..." : "";
	struct segments segments;
	struct buffer b = {0};
	char *text;

	if (!e)
		return xasprintf("%.*s%s", (int)length, s, more);
	segments = encoding_to_utf8(e, s, length);
	for (size_t i = 0; i < segments.count; i++)
		buffer_add(&b, segments.list[i].bytes, segments.list[i].length);
	text = xasprintf("%.*s%s", (int)buffer_length(&b), buffer_content(&b), more);
	buffer_free(&b);
	return text;
}

static char *
copy(const char *s)
{
	return s ? server_facts_text(NULL, s) : NULL;
}

/* The database "pgbouncer" of a pgbouncer says so: "1.18.0/bouncer". */
static bool
is_console(const char *version)
{
	return version && strstr(version, "/bouncer");
}

void
server_facts_of_connection(struct findings *f, const PGconn *conn)
{
	f->host = copy(PQhost(conn));
	f->port = copy(PQport(conn));
	f->version = copy(PQparameterStatus(conn, "server_version"));
	f->encoding = copy(PQparameterStatus(conn, "server_encoding"));
	if (PQsslInUse((PGconn *)(uintptr_t)conn))
		f->security = copy(PQsslAttribute((PGconn *)(uintptr_t)conn, "protocol"));
	else if (PQgssEncInUse((PGconn *)(uintptr_t)conn))
		f->security = xstrdup("GSSAPI");
	if (is_console(f->version))
		f->pooler = POOLER_CONSOLE;
}

/*
 * Limits do not bind a superuser. pg_notification_queue_usage() came with 9.6, reserved_connections and the
 * role whose members may have these with 16.
 */
char *
server_facts_sql(const PGconn *conn)
{
	return xasprintf(
	    "SELECT pg_catalog.pg_backend_pid(), r.rolname, d.datname,"
	    " pg_catalog.pg_is_in_recovery(),"
	    " coalesce((SELECT setting FROM pg_catalog.pg_settings"
	    "  WHERE name = 'idle_session_timeout'), '0'),"
	    " (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'),"
	    " (SELECT count(*) FROM pg_catalog.pg_stat_activity"
	    "  WHERE usesysid = r.oid AND datid IS NOT NULL),"
	    " CASE WHEN r.rolsuper THEN 0 ELSE greatest(r.rolconnlimit, 0) END,"
	    " (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datid = d.oid),"
	    " CASE WHEN r.rolsuper THEN 0 ELSE greatest(d.datconnlimit, 0) END,"
	    " (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL),"
	    " pg_catalog.current_setting('max_connections')::int - CASE WHEN r.rolsuper THEN 0"
	    "  ELSE pg_catalog.current_setting('superuser_reserved_connections')::int"
	    "   + CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles u"
	    "     WHERE u.rolname = 'pg_use_reserved_connections'"
	    "     AND pg_catalog.pg_has_role(r.oid, u.oid, 'USAGE')) THEN 0"
	    "    ELSE coalesce((SELECT setting::int FROM pg_catalog.pg_settings"
	    "     WHERE name = 'reserved_connections'), 0) END END,"
	    " %s"
	    " FROM pg_catalog.pg_roles r, pg_catalog.pg_database d"
	    " WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()",
	    PQserverVersion(conn) >= 90600 ? "pg_catalog.pg_notification_queue_usage()" : "-1");
}

/* A whole number, such that a thousand times as much is one, too; 0 for anything else. */
static int64_t
number(const PGresult *result, int row, int column)
{
	int64_t n;

	return parse_integer(request_value(result, row, column), 0, INT64_MAX / 1000, &n) ? n : 0;
}

static struct sessions
sessions(const PGresult *result, int used, int limit)
{
	return (struct sessions){number(result, 0, used), number(result, 0, limit)};
}

/* From 0 to 1; -1 where it is not known. */
static double
fraction(const char *s)
{
	char *end;
	double value = strtod(s, &end);

	return end > s && *end == '\0' && isfinite(value) && value >= 0 && value <= 1 ? value : -1;
}

bool
server_facts_read(struct findings *f, const PGresult *result, struct encoding *e, int64_t *pid)
{
	if (PQntuples(result) != 1 || PQnfields(result) != COLUMNS ||
	    !parse_integer(request_value(result, 0, PID), 0, INT32_MAX, pid))
		return false;
	f->asked = true;
	f->role = server_facts_text(e, request_value(result, 0, ROLE));
	f->database = server_facts_text(e, request_value(result, 0, DATABASE));
	f->standby = request_value(result, 0, STANDBY)[0] == 't';
	f->idle_session_timeout = number(result, 0, IDLE_TIMEOUT) * (SECOND / 1000);
	f->statement_timeout = number(result, 0, STATEMENT_TIMEOUT) * (SECOND / 1000);
	f->of_role = sessions(result, ROLE_USED, ROLE_LIMIT);
	f->of_database = sessions(result, DATABASE_USED, DATABASE_LIMIT);
	f->of_server = sessions(result, SERVER_USED, SERVER_LIMIT);
	f->queue = fraction(request_value(result, 0, QUEUE));
	return true;
}

/*
 * Whose place in the queue is whose nobody tells. A session takes nothing from it while it is in a
 * transaction, or while its client does not read. Of other roles' sessions only a member of
 * pg_read_all_stats sees that.
 */
char *
server_facts_holders_sql(void)
{
	return xasprintf(
	    "SELECT pid, usename, datname, application_name,"
	    " CASE WHEN wait_event = 'ClientWrite' THEN 'does not read what it is sent'"
	    "  ELSE state END,"
	    " (extract(epoch FROM coalesce(xact_start, state_change)) * 1000000)::bigint"
	    " FROM pg_catalog.pg_stat_activity"
	    " WHERE (xact_start IS NOT NULL OR wait_event = 'ClientWrite')"
	    "  AND datid IS NOT NULL AND usesysid IS NOT NULL"
	    "  AND pid <> pg_catalog.pg_backend_pid()"
	    " ORDER BY 6 LIMIT %d",
	    HOLDERS_MAX);
}

void
server_facts_read_holders(struct findings *f, const PGresult *result, struct encoding *e)
{
	for (int i = 0; i < PQntuples(result) && f->holder_count < HOLDERS_MAX; i++) {
		struct holder *h = &f->holders[f->holder_count++];

		h->pid = number(result, i, 0);
		h->role = server_facts_text(e, request_value(result, i, 1));
		h->database = server_facts_text(e, request_value(result, i, 2));
		h->application = server_facts_text(e, request_value(result, i, 3));
		h->state = server_facts_text(e, request_value(result, i, 4));
		h->since = number(result, i, 5);
	}
}
