/*
 * Copies of where records came from, for records that are kept longer than their connection: one for each label and
 * encoding, kept to the end.
 */
#ifndef PGWAIT_ORIGINS_H
#define PGWAIT_ORIGINS_H

#include "record/record.h"

struct origins_copy;

/* Zeroed: none. `serial` is the last one that was given. */
struct origins {
	struct origins_copy *first;
	unsigned serial;
};

/* `encoding` is PostgreSQL's name, which is never freed; NULL: bytes pass as they are. */
const struct origin *origins_get(struct origins *all, const char *label, const char *encoding);

void origins_free(struct origins *all);

#endif
