#include "config.h"

#include "record/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

void
template_add_value(struct template *t, enum template_value value)
{
	t->parts = xrealloc(t->parts, (t->count + 1) * sizeof *t->parts);
	t->parts[t->count++] =
	    (struct template_part){.value = value, .start = buffer_length(&t->literals)};
}

void
template_add_byte(struct template *t, char c)
{
	if (t->count == 0)
		template_add_value(t, VALUE_NONE);
	t->parts[t->count - 1].length++;
	buffer_add(&t->literals, &c, 1);
}

static bool
add_percent(struct template *t, char c)
{
	static const char letters[] = "cpelidTsj";
	static const enum template_value kinds[] = {VALUE_CHANNEL, VALUE_PAYLOAD_RAW, VALUE_PAYLOAD,
	    VALUE_LENGTH, VALUE_PID, VALUE_LABEL, VALUE_TIME, VALUE_UNIX_TIME, VALUE_JSON};
	const char *found = c ? strchr(letters, c) : NULL;

	if (c == '%')
		template_add_byte(t, '%');
	else if (found)
		template_add_value(t, kinds[found - letters]);
	else
		return false;
	return true;
}

/* `s` is what follows a backslash: how much of it belongs to the escape, 0 for none. */
static size_t
add_backslash(struct template *t, const char *s)
{
	static const char letters[] = "nt0\\", bytes[] = "\n\t\0\\";
	const char *found = *s ? strchr(letters, *s) : NULL;
	int high, low;

	if (found) {
		template_add_byte(t, bytes[found - letters]);
		return 1;
	}
	high = *s == 'x' ? parse_hex_digit(s[1]) : -1;
	low = high < 0 ? -1 : parse_hex_digit(s[2]);
	if (low < 0)
		return 0;
	template_add_byte(t, (char)(high << 4 | low));
	return 3;
}

static char *
spec_error(const char *spec, const char *at)
{
	size_t length = strlen(at) < 2 ? 1 : 2, position = 1;

	if (length == 2 && utf8_sequence(at + 1, strlen(at + 1)) > 1)
		length = 1 + utf8_sequence(at + 1, strlen(at + 1));
	/* In characters: a byte that continues one does not count. */
	for (const char *s = spec; s < at; s++)
		position += ((unsigned char)*s & 0xc0) != 0x80;
	return xasprintf(
	    "invalid format \"%s\": \"%.*s\" at character %zu; accepted are c p e l i d T s j %% "
	    "after a percent sign, and n t 0 xHH or another backslash after a backslash",
	    spec, (int)length, at, position);
}

bool
template_add_spec(struct template *t, const char *spec, char **error)
{
	const char *s = spec;

	while (*s) {
		size_t used;

		if (*s == '%') {
			used = add_percent(t, s[1]) ? 2 : 0;
		} else if (*s == '\\') {
			used = add_backslash(t, s + 1);
			used += used > 0;
		} else {
			template_add_byte(t, *s);
			used = 1;
		}
		if (used == 0) {
			*error = spec_error(spec, s);
			return false;
		}
		s += used;
	}
	return true;
}

int
template_last_byte(const struct template *t)
{
	if (t->count == 0 || t->parts[t->count - 1].length == 0)
		return -1;
	return t->literals.data[t->literals.end - 1];
}

void
template_free(struct template *t)
{
	free(t->parts);
	buffer_free(&t->literals);
}
