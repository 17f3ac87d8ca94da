/*
 * Tables of cases for quoted words and for lines out of pieces. Speaks TAP.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/line_reader.h"
#include "base/shell_words.h"
#include "base/util.h"
#include "tap.h"

static void
test_words(void)
{
	static const struct {
		const char *line, *words; /* each between < and > */
	} cases[] = {
	    {"", ""},
	    {" \t ", ""},
	    {"a b", "<a><b>"},
	    {"  a\t\tb  ", "<a><b>"},
	    {"# a", ""},
	    {" # a 'b", ""},
	    {"a #b", "<a>"},
	    {"a#b #", "<a#b>"},
	    {"''#a", "<#a>"},
	    {"\\#a \"#\"b '#'", "<#a><#b><#>"},
	    {"'' \"\" $''", "<><><>"},
	    {"'a b'c\"d e\"\\ f", "<a bcd e f>"},
	    {"'\\\"$`#'", "<\\\"$`#>"},
	    {"\"\\\"\\\\\\$\\`'#\"", "<\"\\$`'#>"},
	    {"\"\\n\\x\"", "<\\n\\x>"},
	    {"\\n\\'\\\\", "<n'\\>"},
	    {"$'\\a\\b\\e\\E\\f\\n\\r\\t\\v'", "<\a\b\033\033\f\n\r\t\v>"},
	    {"$'\\\\ \\' \\\" \\?'", "<\\ ' \" ?>"},
	    {"$'\\101\\1012\\11x'", "<AA2\tx>"},
	    {"$'\\x41\\x412\\x9x'", "<AA2\tx>"},
	    {"$'\\303\\251\\xff'", "<\xc3\xa9\xff>"},
	    {"a$'b'c", "<abc>"},
	    {"$a $ \"$'a'\" $\"b\"", "<$a><$><$'a'><$b>"},
	    {"* ? & ; | < > ( ) ~ ! { } =", "<*><?><&><;><|><<><>><(><)><~><!><{><}><=>"},
	    {"caf\xc3\xa9 \xff\x01", "<caf\xc3\xa9><\xff\x01>"},
	    {"a\rb\n", "<a\rb\n>"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct shell_words words;
		struct buffer b = {0};
		char *error = NULL;

		if (shell_words_split(cases[i].line, strlen(cases[i].line), &words, &error))
			for (size_t j = 0; j < words.count; j++)
				buffer_addf(&b, "<%s>", words.list[j]);
		else
			buffer_addf(&b, "%s", error);
		check_buffer("words", &b, cases[i].words, cases[i].line);
		shell_words_free(&words);
		free(error);
	}
}

static void
test_words_refused(void)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"a 'b", "single quote|at character 3"},
	    {"a \"b\\\"", "double quote|at character 3"},
	    {"a\xc3\xa9 $'b\\'", "$'|at character 4"},
	    {"a \\", "backslash|at character 3"},
	    {"a $'\\q'", "escape|\\NNN|\\xHH|at character 5"},
	    {"$'\\x'", "escape|at character 3"},
	    {"$'\\xg'", "escape|at character 3"},
	    {"$'\\8'", "escape|at character 3"},
	    {"$'\\0'", "no byte|at character 3"},
	    {"$'\\x00'", "no byte|at character 3"},
	    {"$'\\400'", "no byte|at character 3"},
	    {"$'\\", "escape|at character 3"},
	};
	struct shell_words words;
	char *error = NULL;

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *line = cases[i].line;
		bool ok = shell_words_split(line, strlen(line), &words, &error);

		check_error("words refused", ok ? NULL : error, cases[i].error, line);
		check(words.count == 0, "nothing is left", line);
	}
	check(!shell_words_split("ab\0c", 4, &words, &error), "words refused", "a NUL byte");
	check_error("words refused", error, "NUL|at character 3", "a NUL byte");
}

/* Feeds `text` in pieces of `size` bytes; a line is <...>, one that is too long is !. */
static void
split(const char *text, size_t n, size_t size, struct buffer *out)
{
	struct line_reader l = {0};
	const char *line;
	size_t length, number = 0;
	enum line_reader_found found;

	for (size_t at = 0; at <= n; at += size) {
		size_t piece = n - at < size ? n - at : size;

		line_reader_add(&l, text + at, piece);
		if (piece < size)
			line_reader_end(&l);
		while ((found = line_reader_next(&l, &line, &length)) != LINE_READER_NONE) {
			if (found == LINE_READER_TOO_LONG)
				buffer_addf(out, "!");
			else
				buffer_addf(out, "<%.*s>", (int)length, line);
			if (l.number != ++number)
				buffer_addf(out, " number %zu ", l.number);
		}
	}
	if (l.bytes.size > 4 * LINE_LONGEST)
		buffer_addf(out, " %zu bytes", l.bytes.size);
	line_reader_free(&l);
}

static void
test_lines(void)
{
	static const struct {
		const char *text, *lines;
	} cases[] = {
	    {"", ""},
	    {"\n", "<>"},
	    {"a", "<a>"},
	    {"a\n", "<a>"},
	    {"a\r\nb\r\n", "<a><b>"},
	    {"a\nb", "<a><b>"},
	    {"a\n\nb\n\n", "<a><><b><>"},
	    {"a\rb\r\r\n\r", "<a\rb\r><>"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t size = 1; size <= 8; size++) {
			struct buffer b = {0};

			split(cases[i].text, strlen(cases[i].text), size, &b);
			check_buffer("lines", &b, cases[i].lines, cases[i].text);
		}
	}
}

/* Lines around the longest, in small and large pieces: `extra` more bytes than that, and `end`. */
static void
test_long_lines(void)
{
	static const struct {
		int extra;
		const char *end;
		bool fits;
	} cases[] = {{-1, "\n", true}, {0, "\n", true}, {0, "\r\n", true}, {0, "", true},
	    {0, "\r", true}, {1, "\n", false}, {1, "\r\n", false}, {1, "", false},
	    {10 * LINE_LONGEST, "\n", false}, {10 * LINE_LONGEST, "", false}};
	static const size_t sizes[] = {1000, 4096, LINE_LONGEST, 50 * LINE_LONGEST};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = LINE_LONGEST + (size_t)cases[i].extra;
		char *line = xmalloc(n + 1), *text, *expected;

		memset(line, 'x', n);
		line[n] = '\0';
		text = xasprintf("a\n%s%sb\n", line, cases[i].end);
		if (!strchr(cases[i].end, '\n'))
			text[strlen(text) - 2] = '\0'; /* the end of the file is its end */
		expected = xasprintf("<a>%s%.*s%s%s", cases[i].fits ? "<" : "!",
		    cases[i].fits ? (int)n : 0, line, cases[i].fits ? ">" : "",
		    strchr(cases[i].end, '\n') ? "<b>" : "");
		for (size_t j = 0; j < COUNT(sizes); j++) {
			struct buffer b = {0};

			split(text, strlen(text), sizes[j], &b);
			check(buffer_length(&b) >= strlen(expected) &&
				  memcmp(buffer_content(&b), expected, strlen(expected)) == 0,
			    "long lines", cases[i].fits ? "fits" : "too long");
			check(sizes[j] > LINE_LONGEST || buffer_length(&b) == strlen(expected),
			    "long lines", "memory is bounded");
			buffer_free(&b);
		}
		free(line);
		free(text);
		free(expected);
	}
}

int
main(void)
{
	test_words();
	test_words_refused();
	test_lines();
	test_long_lines();
	return check_end();
}
