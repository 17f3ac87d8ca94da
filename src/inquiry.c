#include "config.h"

#include "inquiry.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "diagnosis.h"
#include "encoding.h"
#include "requests.h"

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

char *
inquiry_text(struct encoding *e, const char *s)
{
	struct segments segments;
	struct buffer b = {0};
	char *text;

	if (!e)
		return xstrdup(s);
	segments = encoding_to_utf8(e, s, strlen(s));
	for (size_t i = 0; i < segments.count; i++)
		buffer_add(&b, segments.list[i].bytes, segments.list[i].length);
	text = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return text;
}

static char *
copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void
inquiry_of_connection(struct findings *f, const PGconn *conn)
{
	f->host = copy(PQhost(conn));
	f->port = copy(PQport(conn));
	f->version = copy(PQparameterStatus(conn, "server_version"));
	f->encoding = copy(PQparameterStatus(conn, "server_encoding"));
	if (PQsslInUse((PGconn *)(uintptr_t)conn))
		f->security = copy(PQsslAttribute((PGconn *)(uintptr_t)conn, "protocol"));
	else if (PQgssEncInUse((PGconn *)(uintptr_t)conn))
		f->security = xstrdup("GSSAPI");
}

/* Limits do not bind a superuser. pg_notification_queue_usage() came with 9.6. */
char *
inquiry_sql(const PGconn *conn)
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
	    "  ELSE pg_catalog.current_setting('superuser_reserved_connections')::int END,"
	    " %s"
	    " FROM pg_catalog.pg_roles r, pg_catalog.pg_database d"
	    " WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()",
	    PQserverVersion(conn) >= 90600 ? "pg_catalog.pg_notification_queue_usage()" : "-1");
}

static int64_t
number(const PGresult *result, enum column column)
{
	int64_t n;

	return parse_integer(request_value(result, 0, column), 0, INT64_MAX / SECOND, &n) ? n : 0;
}

bool
inquiry_read(struct findings *f, const PGresult *result, struct encoding *e, int64_t *pid)
{
	if (PQntuples(result) != 1 || PQnfields(result) != COLUMNS)
		return false;
	*pid = number(result, PID);
	f->asked = true;
	f->role = inquiry_text(e, request_value(result, 0, ROLE));
	f->database = inquiry_text(e, request_value(result, 0, DATABASE));
	f->standby = request_value(result, 0, STANDBY)[0] == 't';
	f->idle_session_timeout = number(result, IDLE_TIMEOUT) * (SECOND / 1000);
	f->statement_timeout = number(result, STATEMENT_TIMEOUT) * (SECOND / 1000);
	f->of_role = (struct sessions){number(result, ROLE_USED), number(result, ROLE_LIMIT)};
	f->of_database =
	    (struct sessions){number(result, DATABASE_USED), number(result, DATABASE_LIMIT)};
	f->of_server = (struct sessions){number(result, SERVER_USED), number(result, SERVER_LIMIT)};
	f->queue = strtod(request_value(result, 0, QUEUE), NULL);
	return true;
}

/*
 * Whose place in the queue is whose nobody tells. A session takes nothing from it while it is in a
 * transaction, or while its client does not read. Of other roles' sessions only a member of
 * pg_read_all_stats sees that.
 */
char *
inquiry_holders_sql(void)
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
inquiry_read_holders(struct findings *f, const PGresult *result, struct encoding *e)
{
	for (int i = 0; i < PQntuples(result) && f->holder_count < HOLDERS_MAX; i++) {
		struct holder *h = &f->holders[f->holder_count++];

		h->pid = strtoll(request_value(result, i, 0), NULL, 10);
		h->role = inquiry_text(e, request_value(result, i, 1));
		h->database = inquiry_text(e, request_value(result, i, 2));
		h->application = inquiry_text(e, request_value(result, i, 3));
		h->state = inquiry_text(e, request_value(result, i, 4));
		h->since = strtoll(request_value(result, i, 5), NULL, 10);
	}
}
