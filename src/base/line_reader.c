#include "config.h"

#include "base/line_reader.h"

#include <string.h>

static void
drop_taken(struct line_reader *l)
{
	buffer_consume(&l->bytes, l->taken);
	l->taken = 0;
}

void
line_reader_add(struct line_reader *l, const void *bytes, size_t n)
{
	drop_taken(l);
	if (l->skipping) {
		const char *newline = memchr(bytes, '\n', n);

		if (!newline)
			return;
		l->skipping = false;
		n -= (size_t)(newline + 1 - (const char *)bytes);
		bytes = newline + 1;
	}
	buffer_add(&l->bytes, bytes, n);
}

void
line_reader_end(struct line_reader *l)
{
	l->ended = true;
}

static const char *
find_newline(struct line_reader *l)
{
	size_t n = buffer_length(&l->bytes);
	const char *newline = NULL;

	if (l->searched < n)
		newline = memchr(buffer_content(&l->bytes) + l->searched, '\n', n - l->searched);
	l->searched = newline ? 0 : n;
	return newline;
}

enum line_reader_found
line_reader_next(struct line_reader *l, const char **line, size_t *length)
{
	const char *newline;
	size_t have, n;

	drop_taken(l);
	newline = find_newline(l);
	have = buffer_length(&l->bytes);
	/* One byte more than the longest line may be the CR of its end. */
	if (!newline && have <= LINE_LONGEST + 1 && !(l->ended && have))
		return LINE_READER_NONE;
	*line = buffer_content(&l->bytes);
	n = newline ? (size_t)(newline - *line) : have;
	l->number++;
	l->taken = newline ? n + 1 : n;
	l->searched = 0;
	l->skipping = !newline && !l->ended;
	if (n && (*line)[n - 1] == '\r')
		n--;
	*length = n;
	return n > LINE_LONGEST || l->skipping ? LINE_READER_TOO_LONG : LINE_READER_LINE;
}

void
line_reader_free(struct line_reader *l)
{
	buffer_free(&l->bytes);
	*l = (struct line_reader){0};
}
