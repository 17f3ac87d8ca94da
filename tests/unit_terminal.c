/*
 * Tables of cases for what people see: tokens of JSON, lines that wrap, records. Speaks TAP.
 */
#include "config.h"

#include <locale.h>
#include <string.h>

#include "base/buffer.h"
#include "base/tty.h"
#include "record/json_lexer.h"
#include "record/wrap.h"
#include "sinks/chart.h"
#include "tap.h"

static void
test_documents(void)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
	    {"{}", true},
	    {"[]", true},
	    {" \t\r\n{ } ", true},
	    {"{\"a\":1,\"b\":[true,false,null,\"\"]}", true},
	    {"[0,-0,1.5,1e5,1E+5,2e-1,-12.25E0]", true},
	    {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF\"]", true},
	    {"[\"caf\xc3\xa9 \x7f \xc2\x85\"]", true},
	    {"[[[[[]]]],{\"\":{}}]", true},
	    {"", false},
	    {" ", false},
	    {"1", false},
	    {"\"a\"", false},
	    {"null", false},
	    {"{", false},
	    {"[", false},
	    {"}", false},
	    {"[}", false},
	    {"{]", false},
	    {"[] []", false},
	    {"[]x", false},
	    {"[1,]", false},
	    {"[,1]", false},
	    {"[1 2]", false},
	    {"{\"a\"}", false},
	    {"{\"a\":}", false},
	    {"{\"a\":1,}", false},
	    {"{a:1}", false},
	    {"{1:1}", false},
	    {"{'a':1}", false},
	    {"[01]", false},
	    {"[+1]", false},
	    {"[1.]", false},
	    {"[.5]", false},
	    {"[1e]", false},
	    {"[-]", false},
	    {"[NaN]", false},
	    {"[True]", false},
	    {"[nul]", false},
	    {"[nulll]", false},
	    {"[\"]", false},
	    {"[\"\\\"]", false},
	    {"[\"\\x\"]", false},
	    {"[\"\\u12g4\"]", false},
	    {"[\"\\u123", false},
	    {"[\"\t\"]", false},
	    {"[\"\xff\"]", false},
	    {"[\"\xc3\"]", false},
	    {"[1]// comment", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		bool ok = json_lexer_is_document(cases[i].text, strlen(cases[i].text));

		check(ok == cases[i].ok, cases[i].ok ? "a document" : "no document", cases[i].text);
	}
	check(!json_lexer_is_document("[\0]", 3), "no document", "a zero byte");
}

static void
test_depth(void)
{
	char text[2 * JSON_LEXER_DEPTH + 2];

	for (int depth = JSON_LEXER_DEPTH; depth <= JSON_LEXER_DEPTH + 1; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		check(
		    json_lexer_is_document(text, 2 * (size_t)depth) == (depth == JSON_LEXER_DEPTH),
		    "as deep as it may be, and no deeper", "");
	}
}

/* Wide characters are 通 (two columns), e and a combining acute accent is one column. */
static void
test_wrapping(void)
{
	static const struct {
		int width, indent;
		const char *text, *lines;
	} cases[] = {
	    {0, 2, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"},
	    {5, 2, "abcde", "abcde"},
	    {5, 2, "abcdefgh", "abcde\n  fgh"},
	    {5, 2, "abcdefghi", "abcde\n  fgh\n  i"},
	    {5, 0, "\xe9\x80\x9a\xe9\x80\x9a\xe9\x80\x9a",
		"\xe9\x80\x9a\xe9\x80\x9a\n\xe9\x80\x9a"},
	    {4, 0, "\xe9\x80\x9a\xe9\x80\x9a\xe9\x80\x9a",
		"\xe9\x80\x9a\xe9\x80\x9a\n\xe9\x80\x9a"},
	    {5, 2, "abcde\xcc\x81x", "abcde\xcc\x81\n  x"},
	    {5, 0, "ab\033[", "ab\n\\x1b["},
	    {5, 0, "abcd\nx", "abcd\n\\nx"},
	    {5, 0, "a\\b", "a\\\\b"},
	    {6, 0, "abc\xff", "abc\n\\xff"},
	    {1, 0, "\xe9\x80\x9a\xe9\x80\x9a", "\xe9\x80\x9a\n\xe9\x80\x9a"},
	    /* At a space, if the word fits in a line. */
	    {9, 2, "abcd efgh ij", "abcd efgh\n  ij"},
	    {9, 2, "abcd efghi jk", "abcd \n  efghi \n  jk"},
	    {9, 2, "abcd efghijk l", "abcd \n  efghijk\n  l"},
	    {9, 2, "abcd efghijkl m", "abcd efgh\n  ijkl m"},
	    {9, 2, "abcd  efgh", "abcd  \n  efgh"},
	    {9, 2, "abcd efgh  ij", "abcd efgh\n   ij"},
	    {9, 2, "abcd efgh ", "abcd efgh"},
	    {9, 2, "ab cd ef gh ij kl", "ab cd ef \n  gh ij \n  kl"},
	    {5, 0, "a bc\xff", "a bc\n\\xff"},
	    {6, 0, "a b\xff", "a \nb\\xff"},
	    {5, 0,
		"a\xc2\xa0"
		"bc de",
		"a\xc2\xa0"
		"bc \nde"}, /* U+00A0 is no space to break at */
	    {5, 0,
		"abc\xc2\xa0"
		"de",
		"abc\xc2\xa0"
		"d\ne"},
	    /* A wide character needs none; what combines stays with what it is for. */
	    {8, 0, "abc \xe9\x80\x9a\xe9\x80\x9a\xe9\x80\x9a",
		"abc \xe9\x80\x9a\xe9\x80\x9a\n\xe9\x80\x9a"},
	    {8, 0,
		"a \xe9\x80\x9a\xe9\x80\x9a"
		"bcd",
		"a \xe9\x80\x9a\xe9\x80\x9a\nbcd"},
	    {8, 0,
		"a \xe9\x80\x9a\xe9\x80\x9a\xcc\x81"
		"bcd",
		"a \xe9\x80\x9a\xe9\x80\x9a\xcc\x81\nbcd"},
	    {6, 0,
		"ab \xcc\x81"
		"cdef",
		"ab \xcc\x81\ncdef"},
	    {6, 0, "ab cde\xcc\x81 f", "ab cde\xcc\x81\nf"},
	    {6, 0,
		"ab cde\xcc\x81"
		"f",
		"ab \ncde\xcc\x81"
		"f"},
	    {3, 5, "abcdef", "abcdef" /* narrower than its indent: the indent is left alone */},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buffer b = {0};
		struct wrap c = {.out = &b, .width = cases[i].width, .indent = cases[i].indent};

		wrap_text(&c, cases[i].text, strlen(cases[i].text));
		check_buffer("wrapped", &b, cases[i].lines, cases[i].text);
	}
}

static void
test_ascii(void)
{
	struct buffer text = {0}, json = {0};
	struct wrap c = {.out = &text, .ascii = true};

	wrap_text(&c, "a\xc3\xa9\xff", 4);
	check_buffer("text", &text, "a\\xc3\\xa9\\xff", "in ASCII");
	c.out = &json;
	wrap_json(&c, "\"\xc3\xa9\xf0\x9f\x98\x80\\n\\u00e9\x7f\"", 17);
	check_buffer("JSON", &json, "\"\\u00e9\\ud83d\\ude00\\n\\u00e9\\u007f\"", "in ASCII");
}

static void
test_styles(void)
{
	struct buffer b = {0};
	struct wrap c = {.out = &b, .width = 3, .colour = true};

	wrap_style(&c, "1");
	wrap_text(&c, "abcd", 4);
	wrap_style(&c, NULL);
	wrap_style(&c, NULL);
	wrap_plain(&c, "e");
	wrap_end(&c);
	check_buffer("styles", &b, "\033[1mabc\033[0m\n\033[1md\033[0me\n", "end with the line");
	c.colour = false;
	wrap_style(&c, "1");
	wrap_text(&c, "a", 1);
	wrap_end(&c);
	check_buffer("styles", &b, "a\n", "none without colours");
}

/* A word that moves to the next line takes its styles with it. */
static void
test_moved_styles(void)
{
	struct buffer b = {0};
	struct wrap c = {.out = &b, .width = 6, .colour = true};

	wrap_style(&c, "1");
	wrap_text(&c, "ab c", 4);
	wrap_style(&c, "2");
	wrap_text(&c, "de", 2);
	wrap_style(&c, NULL);
	wrap_text(&c, "f g", 3);
	wrap_end(&c);
	check_buffer("styles", &b, "\033[1mab \033[0m\n\033[1mc\033[0m\033[2mde\033[0mf g\n",
	    "of a word that moves");
	c.colour = false;
	wrap_text(&c, "abc", 3);
	wrap_may_break(&c);
	wrap_text(&c, "defg", 4);
	wrap_end(&c);
	check_buffer("a break", &b, "abc\ndefg\n", "where the caller allows one");
}

static void
test_chart(void)
{
	struct chart c;
	char row[CHART_COLUMNS + 1];

	chart_start(&c, 1000000);
	chart_add(&c, 0);
	chart_add(&c, 1000000);
	chart_add(&c, 1000000 + 59 * CHART_WIDTH);
	check(chart_used(&c, 1000000) == CHART_COLUMNS && c.counts[0] == 2 && c.counts[59] == 1,
	    "chart", "full");
	chart_add(&c, 1000000 + 60 * CHART_WIDTH);
	check(c.width == 2 * CHART_WIDTH && c.counts[0] == 2 && c.counts[29] == 1 &&
		  c.counts[30] == 1 && c.counts[31] == 0,
	    "chart", "columns stand for twice as long");
	chart_row(&c, CHART_ROWS - 1, 31, chart_most(&c), row);
	check_bytes("chart", row, strlen(row), "#                            ##", 31);
	chart_row(&c, 0, 31, chart_most(&c), row);
	check_bytes("chart", row, strlen(row), "#", 1);
	chart_row(&c, CHART_ROWS - 1, 31, 1000, row);
	check_bytes("chart", row, strlen(row), ".                            ..", 31);
	chart_add(&c, INT64_MAX / 2);
	check(c.counts[0] == 4, "chart", "a clock that jumps");
}

int
main(void)
{
	test_chart();
	test_documents();
	test_depth();
	test_ascii();
	test_styles();
	test_moved_styles();
	if (setlocale(LC_CTYPE, "C.UTF-8"))
		test_wrapping();
	else
		printf("# no locale C.UTF-8: lines that wrap are not tested\n");
	return check_end();
}
