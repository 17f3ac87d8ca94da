#include "config.h"

#include "postgres/sqlstate.h"

#include <stddef.h>
#include <string.h>

bool
sqlstate_permanent(const char *sqlstate)
{
	static const char *const classes[] = {
	    "0A", /* feature not supported */
	    "22", /* data exception: a name that the server's encoding does not have */
	    "28", /* invalid authorization specification */
	    "3D", /* no such database */
	    "42", /* syntax error or access rule violation: 42501 insufficient privilege */
	};

	for (size_t i = 0; sqlstate && i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

const char *
sqlstate_valid(const char *sqlstate)
{
	return sqlstate && strlen(sqlstate) == 5 ? sqlstate : NULL;
}
