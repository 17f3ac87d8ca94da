/*
 * What an error or a notice of the server or of libpq says: its message in one line, and whether a retry can mend it.
 */
#ifndef PGWAIT_SERVER_ERROR_H
#define PGWAIT_SERVER_ERROR_H

#include <libpq-fe.h>
#include <stdbool.h>

/*
 * The error of a connection attempt that was made with PQERRORS_VERBOSE: its SQLSTATE goes to
 * `sqlstate` if it has one ("" otherwise), and out of the text. The caller frees the text.
 */
char *server_error_of_connection(const PGconn *conn, char sqlstate[6]);

/* Lines joined by "; ". The caller frees it. */
char *server_error_line(const char *text);

/* An error that is kept. Zeroed: there is none. */
struct server_error {
	char *reason;     /* one line; NULL: there is no error */
	char sqlstate[6]; /* the server's code; "": it has none */
};

/* Replaces the error by copies of these. `sqlstate` is as for server_error_copy_sqlstate(). */
void server_error_set(struct server_error *e, const char *reason, const char *sqlstate);

/* Its code; NULL: it has none. */
const char *server_error_sqlstate(const struct server_error *e);

/* Leaves no error. */
void server_error_free(struct server_error *e);

/*
 * Copies a code of the server; "" for NULL, and for what is not five characters long, which only a broken server sends.
 */
void server_error_copy_sqlstate(char to[6], const char *sqlstate);

/*
 * True if the same request will fail until somebody changes something: authentication, no such
 * database, no privilege. NULL is an error without an SQLSTATE, of the network: it may pass.
 */
bool server_error_is_permanent(const char *sqlstate);

/* Tells a notice with -v. `label` is the connection's. */
void server_error_log_notice(const char *label, const PGresult *notice);

#endif
