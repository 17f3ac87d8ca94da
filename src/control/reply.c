#include "config.h"

#include "control/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
