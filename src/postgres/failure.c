#include "config.h"

#include "postgres/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres/server_error.h"

void
failure_set(struct failure *f, const char *reason, const char *sqlstate)
{
	sqlstate = server_error_sqlstate(sqlstate);
	free(f->reason);
	f->reason = server_error_line(reason);
	snprintf(f->sqlstate, sizeof f->sqlstate, "%s", sqlstate ? sqlstate : "");
}

void
failure_next(struct failure *f)
{
	char *reason = f->reason;

	f->reason = NULL;
	failure_free(f);
	*f = (struct failure){.last_reason = reason};
}

void
failure_forget(struct failure *f)
{
	free(f->last_reason);
	f->last_reason = NULL;
}

const char *
failure_reason(const struct failure *f)
{
	return f->reason ? f->reason : f->last_reason;
}

bool
failure_repeated(const struct failure *f)
{
	return f->last_reason && f->reason && strcmp(f->last_reason, f->reason) == 0;
}

void
failure_free(struct failure *f)
{
	free(f->reason);
	free(f->last_reason);
	*f = (struct failure){0};
}
