#include "config.h"

#include "record/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"

void
reply_fail(struct reply *a, const char *fmt, ...)
{
	char *before = a->error, *text;
	va_list ap;

	va_start(ap, fmt);
	xvasprintf(&text, fmt, ap);
	va_end(ap);
	a->error = before ? xasprintf("%s; %s", before, text) : text;
	if (before)
		free(text);
	free(before);
}

void
reply_string(struct reply *a, const char *s, size_t n)
{
	buffer_add(&a->keys, "\"", 1);
	buffer_add_end(
	    &a->keys, escape_json(buffer_reserve(&a->keys, n * ESCAPE_JSON_WORST), s, n));
	buffer_add(&a->keys, "\"", 1);
}

void
reply_item(struct reply *a, const char *key)
{
	size_t length = buffer_length(&a->keys);
	char last = length ? a->keys.data[a->keys.end - 1] : '{';

	if (last != '{' && last != '[')
		buffer_add(&a->keys, ",", 1);
	if (!key)
		return;
	reply_string(a, key, strlen(key));
	buffer_add(&a->keys, ":", 1);
}

void
reply_separate(struct reply *a, const char *separator)
{
	if (buffer_length(&a->text))
		buffer_add(&a->text, separator, strlen(separator));
}

void
reply_clear(struct reply *a)
{
	free(a->error);
	buffer_free(&a->text);
	buffer_free(&a->keys);
	*a = (struct reply){0};
}
