#include "config.h"

#include "record/json_writer.h"

#include <string.h>

#include "base/escape.h"

void
json_writer_string(struct buffer *out, const char *s, size_t n)
{
	buffer_add(out, "\"", 1);
	buffer_add_end(out, escape_json(buffer_reserve(out, n * ESCAPE_JSON_WORST), s, n));
	buffer_add(out, "\"", 1);
}

void
json_writer_item(struct buffer *out, const char *key)
{
	char last = buffer_length(out) ? out->data[out->end - 1] : '{';

	if (last != '{' && last != '[')
		buffer_add(out, ",", 1);
	if (!key)
		return;
	json_writer_string(out, key, strlen(key));
	buffer_add(out, ":", 1);
}
