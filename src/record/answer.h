/* The answer to a command while it is put together: for people, and the same as JSON. */
#ifndef PGWAIT_ANSWER_H
#define PGWAIT_ANSWER_H

#include "base/buffer.h"
#include "base/util.h"

/* Zeroed: done, and nothing to say. */
struct answer {
	char *error;        /* NULL: done */
	struct buffer text; /* one line */
	struct buffer keys; /* "KEY":VALUE,... of a JSON object */
};

/* Failures are joined by "; ". */
void answer_fail(struct answer *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* `n` bytes as a JSON string. */
void answer_string(struct answer *a, const char *s, size_t n);

/* An item of an object or list that is open; with `key`, and its colon. */
void answer_item(struct answer *a, const char *key);

/* Between the parts of the text. */
void answer_separate(struct answer *a, const char *separator);

void answer_clear(struct answer *a);

#endif
