/* libpq's messages as one line each. */
#ifndef PGWAIT_SERVER_ERROR_H
#define PGWAIT_SERVER_ERROR_H

#include <libpq-fe.h>

/*
 * The error of a connection attempt that was made with PQERRORS_VERBOSE: its SQLSTATE goes to
 * `sqlstate` if it has one ("" otherwise), and out of the text. The caller frees the text.
 */
char *server_error_of_connection(const PGconn *conn, char sqlstate[6]);

/* Lines joined by "; ". The caller frees it. */
char *server_error_line(const char *text);

#endif
