#include "config.h"

#include "manager/statement.h"

#include <string.h>

bool
statement_writes(const PGresult *result)
{
	static const char *const tags[] = {"DELETE", "UPDATE", "INSERT", "MERGE"};
	const char *tag = PQcmdStatus((PGresult *)(uintptr_t)result);

	for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
		if (strncmp(tag, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

const char *
statement_unfit(const PGresult *result)
{
	const char *tag;

	switch (PQresultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		if (PQnfields(result) >= 1 && PQnfields(result) <= 2)
			return NULL;
		return "the statement returns other than one column (payload) or two (channel, "
		       "payload)";
	case PGRES_EMPTY_QUERY:
		return "the statement is empty";
	case PGRES_COMMAND_OK:
		tag = PQcmdStatus((PGresult *)(uintptr_t)result);
		if (strcmp(tag, "COMMIT") == 0 || strcmp(tag, "ROLLBACK") == 0)
			return "the statement ends its transaction itself";
		return "the statement returns no rows (INSERT, UPDATE and DELETE do with "
		       "RETURNING)";
	default:
		return "the statement is a COPY";
	}
}
