/* What --check found out about one connection, for people and as JSON. */
#ifndef PGWAIT_CHECKREPORT_H
#define PGWAIT_CHECKREPORT_H

#include "util.h"

struct buffer;
struct findings;
struct problems;
struct subscription;

/* Appends a section of aligned lines; nothing in it drives a terminal. */
void checkreport_text(struct buffer *out, const struct subscription *s, const struct findings *f,
    const struct problems *p);

/* Appends one object, and a newline. */
void checkreport_json(struct buffer *out, const struct subscription *s, const struct findings *f,
    const struct problems *p);

#endif
