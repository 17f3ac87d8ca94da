/* The answer to a command while it is put together: for people, and the same as JSON. */
#ifndef PGWAIT_REPLY_H
#define PGWAIT_REPLY_H

#include "base/buffer.h"
#include "base/util.h"

/* Zeroed: done, and nothing to say. */
struct reply {
	char *error;        /* NULL: done */
	struct buffer text; /* one line */
	struct buffer keys; /* "KEY":VALUE,... of a JSON object */
};

/* Failures are joined by "; ". */
void reply_fail(struct reply *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Between the parts of the text. */
void reply_separate(struct reply *a, const char *separator);

void reply_clear(struct reply *a);

#endif
