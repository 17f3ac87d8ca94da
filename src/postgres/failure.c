#include "config.h"

#include "postgres/failure.h"

#include <stdlib.h>
#include <string.h>

void
failure_next(struct failure *f)
{
	char *reason = f->error.reason;

	f->error.reason = NULL;
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
	return f->error.reason ? f->error.reason : f->last_reason;
}

bool
failure_repeated(const struct failure *f)
{
	return f->last_reason && f->error.reason && strcmp(f->last_reason, f->error.reason) == 0;
}

void
failure_free(struct failure *f)
{
	server_error_free(&f->error);
	free(f->last_reason);
	*f = (struct failure){0};
}
