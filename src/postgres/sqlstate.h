/* Which server errors a retry can mend (PostgreSQL documentation, appendix PostgreSQL Error Codes). */
#ifndef PGWAIT_SQLSTATE_H
#define PGWAIT_SQLSTATE_H

#include <stdbool.h>

/*
 * True if the same request will fail until somebody changes something: authentication, no such
 * database, no privilege. NULL is an error without an SQLSTATE, of the network: it may pass.
 */
bool sqlstate_permanent(const char *sqlstate);

/* `sqlstate`, or NULL where it is none, as only a broken server sends. */
const char *sqlstate_valid(const char *sqlstate);

#endif
