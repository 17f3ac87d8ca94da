/*
 * Compiles the FORMAT of --format to a list of values of a record, each followed by literal bytes.
 * A new token such as %x is added here and in format.c.
 *
 * A zeroed struct is empty. template_free() frees what it points to.
 */
#ifndef PGWAIT_TEMPLATE_H
#define PGWAIT_TEMPLATE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/util.h"

enum template_value {
	VALUE_NONE, /* only the literal */
	VALUE_CHANNEL,
	VALUE_CHANNEL_RAW,
	VALUE_PAYLOAD,
	VALUE_PAYLOAD_RAW,
	VALUE_LENGTH,
	VALUE_PID,
	VALUE_LABEL,
	VALUE_TIME,
	VALUE_UNIX_TIME,
	/* Whole records, without what ends JSON: as one value they cost less than as their parts. */
	VALUE_TEXT,
	VALUE_NUL,
	VALUE_JSON,
};

struct template_part {
	enum template_value value;
	size_t start, length; /* of its literal, in struct template's literals */
};

struct template
{
	struct template_part *parts;
	size_t count;
	struct buffer literals;
};

void template_add_value(struct template *t, enum template_value value);
void template_add_byte(struct template *t, char c);

/* Appends the parts of `spec`. False: it is no FORMAT, and *error is as for format_compile(). */
MUST_CHECK bool template_add_spec(struct template *t, const char *spec, char **error);

/* The byte with which every record ends, or -1 if not all end with the same. */
int template_last_byte(const struct template *t);

void template_free(struct template *t);

#endif
