#include "config.h"

#include "record/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"

void
answer_fail(struct answer *a, const char *fmt, ...)
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
answer_string(struct answer *a, const char *s, size_t n)
{
	buffer_add(&a->keys, "\"", 1);
	buffer_add_end(
	    &a->keys, escape_json(buffer_reserve(&a->keys, n * ESCAPE_JSON_WORST), s, n));
	buffer_add(&a->keys, "\"", 1);
}

void
answer_item(struct answer *a, const char *key)
{
	size_t length = buffer_length(&a->keys);
	char last = length ? a->keys.data[a->keys.end - 1] : '{';

	if (last != '{' && last != '[')
		buffer_add(&a->keys, ",", 1);
	if (!key)
		return;
	answer_string(a, key, strlen(key));
	buffer_add(&a->keys, ":", 1);
}

void
answer_separate(struct answer *a, const char *separator)
{
	if (buffer_length(&a->text))
		buffer_add(&a->text, separator, strlen(separator));
}

void
answer_clear(struct answer *a)
{
	free(a->error);
	buffer_free(&a->text);
	buffer_free(&a->keys);
	*a = (struct answer){0};
}
