#include "config.h"

#include "record/json_writer.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "record/format.h"

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

void
json_writer_time(struct buffer *out, int64_t us)
{
	buffer_add(out, "\"", 1);
	buffer_add_end(out, format_time(buffer_reserve(out, FORMAT_TIME_LENGTH), us));
	buffer_add(out, "\"", 1);
}

void
json_writer_seconds(struct buffer *out, int64_t us)
{
	buffer_addf(out, "%" PRId64 ".%06" PRId64, us / SECOND, us % SECOND);
}
