/* What --check found out about one connection, for people and as JSON. */
#ifndef PGWAIT_CHECK_REPORT_H
#define PGWAIT_CHECK_REPORT_H

#include "base/util.h"

struct buffer;
struct findings;
struct problems;
struct subscription;

/*
 * Appends a section of aligned lines. To a `terminal` of a locale other than UTF-8 it is ASCII; nothing in it
 * drives any.
 */
void check_report_text(struct buffer *out, const struct subscription *wanted,
    const struct findings *f, const struct problems *p, bool terminal);

/* Appends one object, and a newline. */
void check_report_json(struct buffer *out, const struct subscription *s, const struct findings *f,
    const struct problems *p, bool terminal);

#endif
