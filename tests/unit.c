/*
 * Tables of cases for the parts that are pure. Speaks TAP.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "encoding.h"
#include "ending.h"
#include "escape.h"
#include "format.h"
#include "operands.h"
#include "record.h"
#include "sink.h"
#include "sqlstate.h"
#include "target.h"
#include "util.h"

static int count;
static bool failed;

static void
check(bool ok, const char *what, const char *detail)
{
	printf("%sok %d - %s: ", ok ? "" : "not ", ++count, what);
	for (; *detail; detail++)
		printf(*detail >= ' ' && *detail != '#' && *detail != '\\' ? "%c" : "<%02x>",
		    (unsigned char)*detail);
	printf("\n");
	failed |= !ok;
}

static void
check_bytes(const char *what, const char *got, size_t n, const char *expected, size_t m)
{
	check(n == m && memcmp(got, expected, n) == 0, what, expected);
}

static void
test_utf8(void)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
	    {"a", 1},
	    {"\x7f", 1},
	    {"\xc2\x80", 2},
	    {"\xc3\xa9", 2},
	    {"\xe2\x82\xac", 3},
	    {"\xf0\x9f\x98\x80", 4},
	    {"\xf4\x8f\xbf\xbf", 4},
	    {"\xed\x9f\xbf", 3},
	    {"\x80", 0},     /* a continuation */
	    {"\xc0\xaf", 0}, /* overlong */
	    {"\xc1\xbf", 0},
	    {"\xe0\x9f\xbf", 0},
	    {"\xf0\x8f\xbf\xbf", 0},
	    {"\xed\xa0\x80", 0},     /* a surrogate */
	    {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
	    {"\xf5\x80\x80\x80", 0},
	    {"\xff", 0},
	    {"\xe2\x82", 0}, /* cut short */
	    {"\xc3", 0},
	    {"\xc3(", 0},
	    {"\xe2\x28\xa1", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *s = cases[i].bytes;

		check(utf8_sequence(s, strlen(s)) == cases[i].length, "utf8_sequence", s);
		check(utf8_valid(s, strlen(s)) == (cases[i].length == strlen(s)), "utf8_valid", s);
	}
}

static void
test_escapes(void)
{
	static const struct {
		const char *in, *text, *json;
	} cases[] = {
	    {"", "", ""},
	    {"plain", "plain", "plain"},
	    {"a\\b", "a\\\\b", "a\\\\b"},
	    {"a\tb\nc\rd", "a\\tb\\nc\\rd", "a\\tb\\nc\\rd"},
	    {"say \"x\"", "say \"x\"", "say \\\"x\\\""},
	    {"\x01\x1b\x7f", "\\x01\\x1b\\x7f", "\\u0001\\u001b\\u007f"},
	    {"\b\f", "\\x08\\x0c", "\\b\\f"},
	    {"\xc2\x85", "\\xc2\\x85", "\\u0085"},
	    {"\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
	    {"caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
	    {"\xff", "\\xff", "\xef\xbf\xbd"},
	    {"a\xc3(b", "a\\xc3(b", "a\xef\xbf\xbd(b"},
	    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};
	char out[200];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *s = cases[i].in;
		char *end = escape_text(out, s, strlen(s));

		check_bytes(
		    "escape_text", out, (size_t)(end - out), cases[i].text, strlen(cases[i].text));
		end = escape_json(out, s, strlen(s));
		check_bytes(
		    "escape_json", out, (size_t)(end - out), cases[i].json, strlen(cases[i].json));
	}
}

/*
 * Bytes are looked at in blocks: whatever has to be escaped, at each place of strings of each length
 * around those of the blocks, is what it is alone, and its neighbours stay.
 */
static void
test_escape_places(void)
{
	static const char *const odd[] = {"\\", "\"", "\t", "\x1f", "\x7f", "\xff", "\x80",
	    "\xc3\xa9", "\xc2\x85", "\xf0\x9f\x98\x80"};
	static char *(*const escapes[])(char *, const char *, size_t) = {escape_text, escape_json};
	char in[160], out[sizeof in * ESCAPE_JSON_WORST], expected[sizeof in + 16], *end;
	bool ok = true;

	for (size_t i = 0; i < 2 * sizeof odd / sizeof odd[0]; i++) {
		const char *s = odd[i / 2];
		size_t m = strlen(s);

		for (size_t n = m; n <= sizeof in; n++)
			for (size_t at = 0; at + m <= n; at++) {
				memset(in, 'x', sizeof in);
				memcpy(in + at, s, m);
				memset(expected, 'x', sizeof expected);
				end = escapes[i % 2](expected + at, s, m);
				memset(end, 'x', n - at - m);
				end += n - at - m;
				ok &= escapes[i % 2](out, in, n) - out == end - expected &&
				      memcmp(out, expected, (size_t)(end - expected)) == 0;
			}
	}
	check(ok, "escape", "the same at every place");
	for (size_t n = 0; n <= sizeof in; n++) {
		memset(in, '~', sizeof in);
		ok &= escape_text(out, in, n) == out + n && memcmp(out, in, n) == 0 &&
		      utf8_valid(in, n);
		if (n)
			in[n - 1] = '\xff';
		ok &= n == 0 || !utf8_valid(in, n);
	}
	check(ok, "escape", "plain text stays");
}

static void
test_base64(void)
{
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
	char out[32];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *end = base64(out, cases[i][0], strlen(cases[i][0]));

		check_bytes("base64", out, (size_t)(end - out), cases[i][1], strlen(cases[i][1]));
		check((size_t)(end - out) == BASE64_LENGTH(strlen(cases[i][0])), "its length",
		    cases[i][1]);
	}
}

static void
test_seconds(void)
{
	static const struct {
		const char *s;
		int64_t us; /* -1: refused; 0: where zero is allowed */
	} cases[] = {
	    {"1", SECOND},
	    {"0.01", SECOND / 100},
	    {".5", SECOND / 2},
	    {"5.", 5 * SECOND},
	    {"1.25", SECOND * 5 / 4},
	    {"0.0123456789", 12345},
	    {"1000000000", 1000000000 * SECOND},
	    {"0", 0},
	    {"0.0", 0},
	    {"00", 0},
	    {"", -1},
	    {".", -1},
	    {"-1", -1},
	    {"+1", -1},
	    {"1e3", -1},
	    {"1s", -1},
	    {" 1", -1},
	    {"nan", -1},
	    {"inf", -1},
	    {"0x1", -1},
	    {"1,5", -1},
	    {"0.009", -1},
	    {"0.0000001", -1},
	    {"99999999999999999999", -1},
	    {"1..2", -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t us = -1;
		bool ok = parse_seconds(cases[i].s, true, &us);

		check(ok == (cases[i].us >= 0) && (!ok || us == cases[i].us), "parse_seconds",
		    cases[i].s);
		check(parse_seconds(cases[i].s, false, &us) == (cases[i].us > 0),
		    "parse_seconds, 0 refused", cases[i].s);
	}
}

static void
test_integers(void)
{
	static const struct {
		const char *s;
		int64_t value; /* -1: refused between 1 and 100 */
	} cases[] = {{"1", 1}, {"100", 100}, {"007", 7}, {"0", -1}, {"101", -1}, {"", -1},
	    {"-1", -1}, {"+1", -1}, {"1 ", -1}, {"0x1", -1}, {"5KB", -1},
	    {"99999999999999999999", -1}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = -1;
		bool ok = parse_integer(cases[i].s, 1, 100, &value);

		check(ok == (cases[i].value >= 0) && (!ok || value == cases[i].value),
		    "parse_integer", cases[i].s);
	}
}

/* 2026-11-24T12:54:00.249996Z */
#define SOME_TIME (INT64_C(1795524840) * SECOND + 249996)

static void
test_format(void)
{
	static const struct {
		const char *spec, *line; /* NULL: refused */
	} cases[] = {
	    {"%c", "jobs\n"},
	    {"%p", "a\tb\n"},
	    {"%e", "a\\tb\n"},
	    {"%l", "3\n"},
	    {"%i", "42\n"},
	    {"%d", "app@db1\n"},
	    {"%T", "2026-11-24T12:54:00.249996Z\n"},
	    {"%s", "1795524840.249996\n"},
	    {"%%", "%\n"},
	    {"x\\ty", "x\ty\n"},
	    {"%c\\n", "jobs\n"},
	    {"%c\n", "jobs\n"},
	    {"%c\\x0a", "jobs\n"},
	    {"\\\\n", "\\n\n"},
	    {"\\x41", "A\n"},
	    {"", "\n"},
	    {"%c%i%c", "jobs42jobs\n"},
	    {"%j",
		"{\"channel\":\"jobs\",\"payload\":\"a\\tb\",\"pid\":42,\"connection\":\"app@db1\","
		"\"time\":\"2026-11-24T12:54:00.249996Z\"}\n"},
	    {"%", NULL},
	    {"%q", NULL},
	    {"\\", NULL},
	    {"\\q", NULL},
	    {"\\x4", NULL},
	    {"\\xgg", NULL},
	    {"%5c", NULL},
	};
	struct origin origin = {.label = "app@db1", .label_length = 7, .serial = 1};
	struct record r = {.kind = RECORD_NOTIFICATION,
	    .origin = &origin,
	    .time = SOME_TIME,
	    .channel = "jobs",
	    .channel_length = 4,
	    .payload = "a\tb",
	    .payload_length = 3,
	    .pid = 42};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer b = {0};
		char *error = NULL;
		struct format *f = format_compile(cases[i].spec, FORMAT_END_LINE, &error);

		if (f)
			format_write(f, &r, &b);
		if (f && cases[i].line)
			check_bytes("format", buffer_content(&b), buffer_length(&b), cases[i].line,
			    strlen(cases[i].line));
		else
			check(!f && !cases[i].line && strstr(error, "character 1"),
			    "format refused", cases[i].spec);
		format_free(f);
		buffer_free(&b);
		free(error);
	}
}

static void
test_format_end(void)
{
	static const struct {
		const char *spec;
		enum format_end end;
		const char *bytes;
		size_t length;
	} cases[] = {
	    {"x\\0", FORMAT_END_LINE, "x", 2},
	    {"x", FORMAT_END_NUL, "x", 2},
	    {"x\\0", FORMAT_END_NUL, "x", 2},
	    {"x\\n", FORMAT_END_NUL, "x\n", 3},
	};
	struct origin origin = {.label = "", .serial = 1};
	struct record r = {.origin = &origin, .channel = "", .payload = ""};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer b = {0};
		char *error;
		struct format *f = format_compile(cases[i].spec, cases[i].end, &error);

		format_write(f, &r, &b);
		check_bytes("end of a record", buffer_content(&b), buffer_length(&b),
		    cases[i].bytes, cases[i].length);
		format_free(f);
		buffer_free(&b);
	}
}

/* A record is written where there is room for its worst case: sanitizers see if there is not. */
static void
test_format_room(void)
{
	static const struct {
		const char *spec, *encoding;
		char byte;
		size_t length; /* of what 1,000 such bytes become */
	} cases[] = {
	    {"%e", NULL, '\x01', 4001},
	    {"%e%p", NULL, '\xff', 5001},
	    {"%e", "WIN1252", '\x80', 3001}, /* the euro sign */
	    {"%e", "WIN1252", '\x81', 4001}, /* nothing */
	    {"%l", "WIN1252", '\x80', 5},
	    {"%j", NULL, '\x01', 6000 + 89},
	    /* U+FFFD each, and base64 */
	    {"%j%j", NULL, '\xff', 2 * (3000 + 89 + 20 + 1336) - 1},
	    {"%j", "WIN1252", '\x81', 3000 + 89 + 20 + 1336},
	};
	char payload[1000];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer b = {0};
		char *error;
		struct format *f = format_compile(cases[i].spec, FORMAT_END_LINE, &error);
		struct origin origin = {.label = "", .serial = 1};
		struct record r = {.origin = &origin, .channel = "", .payload = payload};

		if (cases[i].encoding)
			origin.encoding = encoding_open(cases[i].encoding);
		r.payload_length = sizeof payload;
		memset(payload, cases[i].byte, sizeof payload);
		format_write(f, &r, &b);
		check(
		    buffer_length(&b) == cases[i].length && b.end <= b.size, "room", cases[i].spec);
		encoding_close(origin.encoding);
		format_free(f);
		buffer_free(&b);
	}
}

static void
test_encodings(void)
{
	static const struct {
		const char *encoding, *in, *text;
		bool lossless;
	} cases[] = {
	    {"LATIN1", "caf\xe9", "caf\xc3\xa9", true},
	    {"LATIN9", "\xa4", "\xe2\x82\xac", true},
	    {"WIN1252", "\x80", "\xe2\x82\xac", true},
	    {"WIN1252", "a\x81z", "a\\x81z", false},
	    {"EUC_JP", "\xc6\xfc", "\xe6\x97\xa5", true},
	    {"EUC_JP", "a\xc6", "a\\xc6", false},
	    /* Two bytes without meaning look like a character of UTF-8, and must not become one. */
	    {"EUC_JP", "\xc2\xa0", "\\xc2\\xa0", false},
	};

	check(encoding_open("UTF8") == NULL, "encoding_open", "UTF8 passes");
	check(encoding_open("SQL_ASCII") == NULL, "encoding_open", "SQL_ASCII passes");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct encoding *e = encoding_open(cases[i].encoding);
		struct segments s = encoding_to_utf8(e, cases[i].in, strlen(cases[i].in));
		char out[64], *end = out;

		for (size_t j = 0; j < s.count; j++)
			end = escape_text(end, s.list[j].bytes, s.list[j].length);
		check_bytes(cases[i].encoding, out, (size_t)(end - out), cases[i].text,
		    strlen(cases[i].text));
		check(s.lossless == cases[i].lossless, "lossless", cases[i].text);
		encoding_close(e);
	}
}

static void
test_operand_kinds(void)
{
	static const struct {
		const char *word;
		char kind; /* c: connection string, s: socket, n: channel */
	} cases[] = {{"jobs", 'n'}, {"host=a", 'c'}, {"postgresql://h", 'c'}, {"postgres://", 'c'},
	    {"/tmp", 's'}, {"/tmp/.s.PGSQL.5432", 's'}, {"/a=b", 's'}, {"postgres:", 'n'},
	    {"Postgresql://h", 'n'}, {"a/b", 'n'}, {"", 'n'}, {"=", 'c'}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *w = cases[i].word;
		char kind = target_is_socket(w) ? 's' : target_is_conninfo(w) ? 'c' : 'n';

		check(kind == cases[i].kind, "operand", w);
	}
}

static void
test_groups(void)
{
	const char *words[] = {"dbname=a user=u host=h", "x", "y", "x", "dbname=b user=u host=h",
	    "z", "dbname=a user=u host=h", "w"};
	const char *listens[] = {"l"};
	struct operands o = {
	    .words = words, .word_count = 8, .listens = listens, .listen_count = 1};
	struct subscriptions s;
	char *error = NULL;
	bool ok = operands_parse(&o, &s, &error);

	check(ok && s.count == 2, "groups", "equal strings are one connection");
	check(ok && s.list[0].count == 4 && strcmp(s.list[0].channels[0], "l") == 0 &&
		  strcmp(s.list[0].channels[3], "w") == 0,
	    "groups", "l x y w");
	check(ok && s.list[1].count == 1 && strcmp(s.list[1].channels[0], "z") == 0, "groups", "z");
	subscriptions_free(&s);
	o.word_count = 7;
	check(!operands_parse(&o, &s, &error), "groups", error ? error : "no channel at the end");
	free(error);
}

static void
test_endings(void)
{
	static const struct {
		struct outcome outcome;
		struct ending ending;
		const char *what;
	} cases[] = {
	    {{CAUSE_COUNT, 0, STATUS_OK, false, true}, {STATUS_OK, 0}, "count"},
	    {{CAUSE_DRAINED, 0, STATUS_OK, false, true}, {STATUS_OK, 0}, "drained"},
	    {{CAUSE_DRAINED, 0, STATUS_OK, true, true}, {STATUS_UNMET, 0}, "drained, unmet"},
	    {{CAUSE_DRAINED, 0, STATUS_LOST, true, true}, {STATUS_LOST, 0}, "drained, one lost"},
	    {{CAUSE_TIME, 0, STATUS_OK, false, true}, {STATUS_OK, 0}, "time"},
	    {{CAUSE_TIME, 0, STATUS_OK, true, true}, {STATUS_UNMET, 0}, "time, unmet"},
	    {{CAUSE_TIME, 0, STATUS_OK, false, false}, {STATUS_LOST, 0}, "time, none good"},
	    {{CAUSE_SIGNAL, 15, STATUS_OK, false, true}, {STATUS_OK, 0}, "SIGTERM"},
	    {{CAUSE_SIGNAL, 15, STATUS_OK, true, true}, {STATUS_OK, 15}, "SIGTERM, unmet"},
	    {{CAUSE_SIGNAL, 2, STATUS_OK, false, true}, {STATUS_OK, 2}, "SIGINT"},
	    {{CAUSE_LOST, 0, STATUS_REFUSED, false, false}, {STATUS_REFUSED, 0}, "refused"},
	    {{CAUSE_OUTPUT, 0, STATUS_OK, false, true}, {STATUS_OK, 0}, "reader gone"},
	    {{CAUSE_OUTPUT, 0, STATUS_OK, true, true}, {STATUS_ERROR, 0}, "reader gone, unmet"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ending e = ending_of(&cases[i].outcome);

		check(e.status == cases[i].ending.status && e.signal == cases[i].ending.signal,
		    "ending", cases[i].what);
	}
}

static int passed;

static void
on_passed(struct fence *f, void *arg)
{
	(void)f;
	(void)arg;
	passed++;
}

static void
take_nothing(struct sink *s, const struct record *r)
{
	(void)s;
	(void)r;
}

static void
test_fences(void)
{
	static const struct sink_ops ops = {.take = take_nothing};
	struct sink a = {.ops = &ops, .kinds = RECORD_BIT(RECORD_NOTIFICATION)};
	struct sink b = {.ops = &ops, .kinds = RECORD_BIT(RECORD_IDLE)};
	struct record r = {.kind = RECORD_NOTIFICATION};
	struct sinks sinks = {0};
	struct fence first = {.passed = on_passed}, second = {.passed = on_passed};

	sinks_add(&sinks, &a);
	sinks_add(&sinks, &b);
	sinks_take(&sinks, &r);
	check(a.in == 1 && b.in == 0, "sinks", "a sink takes its kinds only");
	sinks_fence(&sinks, &first);
	sinks_take(&sinks, &r);
	sinks_fence(&sinks, &second);
	sinks_pass(&sinks);
	check(passed == 0, "fence", "nothing is delivered yet");
	a.out = 1;
	sinks_pass(&sinks);
	check(passed == 1, "fence", "the first passes alone");
	a.out = 2;
	sinks_pass(&sinks);
	check(passed == 2, "fence", "then the second");
}

static void
test_buffer(void)
{
	struct buffer b = {0};
	char *big = xcalloc(1, 5 << 20);

	buffer_add(&b, "hello ", 6);
	buffer_addf(&b, "%d", 42);
	check_bytes("buffer", buffer_content(&b), buffer_length(&b), "hello 42", 8);
	buffer_consume(&b, 6);
	check_bytes("buffer", buffer_content(&b), buffer_length(&b), "42", 2);
	buffer_add(&b, big, 5 << 20);
	check(memcmp(buffer_content(&b), "42", 3) == 0, "buffer", "content moves as it grows");
	buffer_consume(&b, buffer_length(&b));
	check(b.size == 0 && buffer_length(&b) == 0, "buffer", "emptied, it gives memory back");
	buffer_free(&b);
	free(big);
}

static void
test_sqlstates(void)
{
	static const char *const permanent[] = {"28P01", "28000", "3D000", "42501", "42601"};
	static const char *const passing[] = {"08006", "57P01", "57P03", "53300", "25006", "55000"};

	for (size_t i = 0; i < sizeof permanent / sizeof permanent[0]; i++)
		check(sqlstate_permanent(permanent[i]), "permanent", permanent[i]);
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		check(!sqlstate_permanent(passing[i]), "passing", passing[i]);
	check(!sqlstate_permanent(NULL), "passing", "no SQLSTATE");
}

int
main(void)
{
	test_utf8();
	test_escapes();
	test_escape_places();
	test_base64();
	test_seconds();
	test_integers();
	test_format();
	test_format_end();
	test_format_room();
	test_encodings();
	test_operand_kinds();
	test_groups();
	test_endings();
	test_fences();
	test_buffer();
	test_sqlstates();
	printf("1..%d\n", count);
	return failed;
}
