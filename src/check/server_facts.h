/*
 * What --check asks a server about itself, and how the answers become findings.
 */
#ifndef PGWAIT_SERVER_FACTS_H
#define PGWAIT_SERVER_FACTS_H

#include <libpq-fe.h>

#include "base/util.h"

struct encoding;
struct findings;

/*
 * A server's text as UTF-8, or as it came if it cannot be converted. If it is absurdly long, only its beginning. The caller
 * frees it.
 */
char *server_facts_text(struct encoding *e, const char *s);

/* Fills in what we know without asking: how we reached the server, its version and encoding. */
void server_facts_of_connection(struct findings *f, const PGconn *conn);

/* One statement with one row as its answer. The caller frees it. */
char *server_facts_sql(const PGconn *conn);

/* `asked` is set if the answer is whole; `pid` is then that of the server process. */
MUST_CHECK bool server_facts_read(
    struct findings *f, const PGresult *result, struct encoding *e, int64_t *pid);

/* The same for the sessions that may hold up the notification queue. */
char *server_facts_holders_sql(void);
void server_facts_read_holders(struct findings *f, const PGresult *result, struct encoding *e);

#endif
