/*
 * Command lines: any bytes are a command or an error, and quoting can say everything.
 */
#include "config.h"

#include "settings/command.h"

#include "base/buffer.h"
#include "base/line_reader.h"
#include "base/shell_words.h"
#include "fuzz.h"
#include "postgres/channel.h"
#include "postgres/target.h"

#define MOST 64

/* Writes a word in one of the ways there are; -1 of it may be chosen for each part. */
static void
quote(struct buffer *b, const char *word, unsigned style)
{
	if (*word == '\0')
		buffer_addf(b, style % 2 ? "''" : "\"\"");
	for (; *word; word++, style = style * 5 + 1) {
		unsigned char c = (unsigned char)*word;

		if (style % 4 == 0 && c != '\'')
			buffer_addf(b, "'%c'", c);
		else if (style % 4 == 1)
			buffer_addf(b, strchr("\"\\$`", c) ? "\"\\%c\"" : "\"%c\"", c);
		else if (style % 4 == 2)
			buffer_addf(b, "$'\\%03o'", c);
		else
			buffer_addf(b, "\\%c", c);
	}
}

/* Words that are quoted in any way come back. */
static void
check_quoting(struct input in)
{
	unsigned style = input_byte(&in);
	char *list[MOST], *error = NULL;
	size_t count = 0;
	struct buffer b = {0};
	struct shell_words words;

	while (in.left && count < MOST) {
		list[count] = input_string(&in);
		buffer_addf(&b, "%s", style % 3 ? " " : "\t ");
		quote(&b, list[count++], style);
	}
	buffer_addf(&b, "%s", style % 2 ? " # '" : "\t");
	REQUIRE(shell_words_split(buffer_content(&b), buffer_length(&b), &words, &error));
	REQUIRE(words.count == count);
	for (size_t i = 0; i < count; i++) {
		REQUIRE(strcmp(words.list[i], list[i]) == 0);
		free(list[i]);
	}
	shell_words_free(&words);
	buffer_free(&b);
}

static void
check_command(const char *line, size_t length, bool in_config)
{
	struct command c;
	char *error = NULL;

	if (command_parse(line, length, in_config, &c, &error)) {
		const struct command_syntax *s = command_syntax(c.kind);

		REQUIRE(!in_config || s->in_config);
		REQUIRE(!(c.name && c.all));
		REQUIRE(
		    !c.conninfo || target_is_conninfo(c.conninfo) || target_is_socket(c.conninfo));
		for (size_t i = 0; i < c.channel_count; i++)
			REQUIRE(channel_check(c.channels[i], &error));
	} else {
		REQUIRE(error && *error && !c.name);
		free(error);
	}
	command_free(&c);
}

/* In pieces or at once, the lines are the same. */
static void
check_lines(struct input in)
{
	struct line_reader l = {0};
	size_t piece = 1 + input_byte(&in), length;
	const char *text = (const char *)in.at, *end = text + in.left, *line;
	enum line_reader_found found;

	for (const char *at = text;; at += piece) {
		if ((size_t)(end - at) < piece)
			piece = (size_t)(end - at);
		if (piece)
			line_reader_add(&l, at, piece);
		else
			line_reader_end(&l);
		while ((found = line_reader_next(&l, &line, &length)) != LINE_READER_NONE) {
			const char *newline = memchr(text, '\n', (size_t)(end - text));

			size_t whole = (size_t)((newline ? newline : end) - text);
			REQUIRE(found == LINE_READER_LINE || whole > LINE_LONGEST);
			if (whole && text[whole - 1] == '\r')
				whole--;
			REQUIRE(found == LINE_READER_TOO_LONG ||
				(whole == length && memcmp(text, line, length) == 0));
			text = newline ? newline + 1 : end;
		}
		if (piece == 0)
			break;
	}
	REQUIRE(text == end);
	line_reader_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	check_quoting(in);
	check_lines(in);
	check_command((const char *)data, size, false);
	check_command((const char *)data, size, true);
	return 0;
}
