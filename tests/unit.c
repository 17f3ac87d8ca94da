/*
 * Tables of cases for the parts that are pure. Speaks TAP.
 */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "base/string_map.h"
#include "base/ticker.h"
#include "base/timer.h"
#include "base/util.h"
#include "manager/exit_status.h"
#include "postgres/host_order.h"
#include "postgres/request_queue.h"
#include "postgres/server_error.h"
#include "postgres/target.h"
#include "record/encoding.h"
#include "record/event_json.h"
#include "record/format.h"
#include "record/queue.h"
#include "record/record.h"
#include "settings/operands.h"
#include "sinks/hook_env.h"
#include "sinks/sink.h"
#include "tap.h"

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

static void
test_all_integers(void)
{
	static const struct {
		const char *s;
		bool ok;
		int64_t value;
	} cases[] = {{"-0", true, 0}, {"-1", true, -1}, {"-007", true, -7}, {"-", false, 0},
	    {"--1", false, 0}, {"9223372036854775807", true, INT64_MAX},
	    {"9223372036854775808", false, 0}, {"-9223372036854775808", true, INT64_MIN},
	    {"-9223372036854775809", false, 0}, {"92233720368547758070", false, 0}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = 0;
		bool ok = parse_integer(cases[i].s, INT64_MIN, INT64_MAX, &value);

		check(ok == cases[i].ok && (!ok || value == cases[i].value),
		    "parse_integer, 64 bits", cases[i].s);
	}
}

static void
test_sizes(void)
{
	static const struct {
		const char *s;
		size_t bytes; /* 0: refused */
		const char *text;
	} cases[] = {{"1", 1, "1 byte"}, {"1000", 1000, "1000 bytes"}, {"1024", 1024, "1 KiB"},
	    {"64KiB", 65536, "64 KiB"}, {"64MiB", 64 << 20, "64 MiB"}, {"1GiB", 1 << 30, "1 GiB"},
	    {"007KiB", 7168, "7 KiB"}, {"1536KiB", 1536 << 10, "1536 KiB"}, {"", 0, ""},
	    {"0", 0, ""}, {"0MiB", 0, ""}, {"MiB", 0, ""}, {"-1", 0, ""}, {"+1", 0, ""},
	    {"1.5MiB", 0, ""}, {"64 MiB", 0, ""}, {"64M", 0, ""}, {"64MB", 0, ""}, {"64mib", 0, ""},
	    {"64MiBs", 0, ""}, {"0x40", 0, ""}, {"1e6", 0, ""}, {" 1", 0, ""}, {"1 ", 0, ""},
	    {"1TiB", 0, ""}, {"9223372036854775808", 0, ""}, {"8589934592GiB", 0, ""},
	    {"18446744073709551617", 0, ""}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[SIZE_TEXT];
		size_t bytes = 0;
		bool ok = parse_size(cases[i].s, &bytes);

		check(ok == (cases[i].bytes > 0) && bytes == cases[i].bytes, "parse_size",
		    cases[i].s);
		if (ok)
			check(strcmp(size_text(text, bytes), cases[i].text) == 0, "size_text",
			    cases[i].text);
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

/* How an event is written. */
static void
test_events(void)
{
	static const char *const channels[] = {"jobs", "a\"b"};
	const struct origin origin = {.label = "app@db1", .label_length = 7, .serial = 1};
	const struct {
		struct record record;
		const char *json; /* after event, connection and time */
	} cases[] = {
	    {{.kind = RECORD_LISTENING,
		 .origin = &origin,
		 .channels = channels,
		 .channel_count = 2,
		 .backend_pid = 42,
		 .since = -1},
		"\"listening\",C,\"channels\":[\"jobs\",\"a\\\"b\"],\"backend_pid\":42}"},
	    {{.kind = RECORD_LISTENING,
		 .origin = &origin,
		 .backend_pid = 42,
		 .since = SOME_TIME,
		 .gap = 12 * SECOND + 34},
		"\"listening\",C,\"channels\":[],\"backend_pid\":42,\"gap_seconds\":12.000034,"
		"\"since\":\"2026-11-24T12:54:00.249996Z\"}"},
	    {{.kind = RECORD_LOST,
		 .origin = &origin,
		 .reason = "a\n\xff",
		 .sqlstate = "57P01",
		 .retry = SECOND / 2},
		"\"lost\",C,\"reason\":\"a\\n\xef\xbf\xbd\",\"sqlstate\":\"57P01\","
		"\"retry_seconds\":0.500000}"},
	    {{.kind = RECORD_LOST, .origin = &origin, .reason = "", .retry = -1},
		"\"lost\",C,\"reason\":\"\",\"sqlstate\":null,\"retry_seconds\":null}"},
	    {{.kind = RECORD_IDLE, .count = 7, .garbage = ""},
		"\"idle\",T,\"count\":7,\"garbage\":[]}"},
	    {{.kind = RECORD_IDLE, .garbage = "app@db1\napp@db2"},
		"\"idle\",T,\"count\":0,\"garbage\":[\"app@db1\",\"app@db2\"]}"},
	    {{.kind = RECORD_DROPPED, .count = 3}, "\"dropped\",T,\"count\":3}"},
	};
	const char *const time = "\"time\":\"2026-11-24T12:54:00.249996Z\"";

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct record r = cases[i].record;
		const char *common = strpbrk(cases[i].json, "CT");
		struct buffer got = {0}, expected = {0};

		r.time = SOME_TIME;
		event_json_write(&r, &got);
		buffer_addf(&expected, "{\"event\":%.*s%s%s%s", (int)(common - cases[i].json),
		    cases[i].json, *common == 'C' ? "\"connection\":\"app@db1\"," : "", time,
		    common + 1);
		buffer_add(&expected, "", 1);
		check_bytes("event", buffer_content(&got), buffer_length(&got),
		    buffer_content(&expected), buffer_length(&expected) - 1);
		check(event_json_kinds() & RECORD_BIT(r.kind), "event_kinds", cases[i].json);
		buffer_free(&got);
		buffer_free(&expected);
	}
	check(!(event_json_kinds() & RECORD_BIT(RECORD_NOTIFICATION)), "event_kinds",
	    "notifications");
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

/* Packs a record, unpacks it, and gives the value of a variable: NULL where it is not there. */
static const char *
variable(const struct record *r, const char *name, struct input *input)
{
	static struct buffer packed;
	char *variables[HOOK_ENV_MAX];
	size_t n, length = strlen(name);

	buffer_clear(&packed);
	hook_env_pack(r, &packed);
	n = hook_env_unpack(packed.data, buffer_length(&packed), variables, input);
	for (size_t i = 0; i < n; i++)
		if (strncmp(variables[i], name, length) == 0 && variables[i][length] == '=')
			return variables[i] + length + 1;
	return NULL;
}

static void
test_environment(void)
{
	const size_t most = HOOK_ENV_TEXT_MAX;
	struct origin origin = {.label = "app@db1", .label_length = 7};
	struct record r = {
	    .kind = RECORD_NOTIFICATION, .origin = &origin, .channel = "jobs", .channel_length = 4};
	char *text = xmalloc(most + 2);
	struct input input;
	const char *value;

	memset(text, 'x', most + 1);
	text[most + 1] = '\0';
	memcpy(text, "PGWAIT_EVENT=", 13); /* a payload is no variable */
	r.payload = text;
	for (r.payload_length = most - 1; r.payload_length <= most + 1; r.payload_length++) {
		value = variable(&r, "PGWAIT_PAYLOAD", &input);
		check(r.payload_length > most ? !value : value && strlen(value) == r.payload_length,
		    "environment", "a payload of at most 32 KiB is a variable");
		check(input.length == r.payload_length &&
			  memcmp(input.bytes, text, input.length) == 0,
		    "environment", "it is standard input in any case");
		check(atoi(variable(&r, "PGWAIT_PAYLOAD_LENGTH", &input)) == (int)r.payload_length,
		    "environment", "its length");
		check(strcmp(variable(&r, "PGWAIT_EVENT", &input), "notification") == 0,
		    "environment", "the event");
	}
	r.payload = "a\0LD_PRELOAD=b";
	r.payload_length = 14;
	r.channel = "jobs\0LD_PRELOAD=a";
	r.channel_length = 17;
	check(!variable(&r, "LD_PRELOAD", &input) && input.length == 14, "environment",
	    "a zero byte begins no variable");
	check(strcmp(variable(&r, "PGWAIT_CHANNEL", &input), "jobs") == 0 &&
		  strcmp(variable(&r, "PGWAIT_BACKEND_PID", &input), "0") == 0,
	    "environment", "nor does it displace one");
	check(!variable(&r, "PGWAIT_PAYLOAD", &input), "environment",
	    "a payload with a zero byte is no variable");
	r = (struct record){.kind = RECORD_IDLE, .garbage = text};
	text[100] = text[most - 5] = '\n';
	check(strlen(variable(&r, "PGWAIT_GARBAGE", &input)) == most - 5, "environment",
	    "garbage is cut between two labels");
	text[most + 1 - 1] = '\0';
	check(strlen(variable(&r, "PGWAIT_GARBAGE", &input)) == most, "environment",
	    "garbage that just fits");
	check(input.length == 0 && !variable(&r, "PGWAIT_CONNECTION", &input), "environment",
	    "what does not apply is not there");
	text[100] = text[most - 5] = 'x';
	text[most] = 'x';
	r = (struct record){.kind = RECORD_LOST, .origin = &origin, .reason = text};
	check(
	    strlen(variable(&r, "PGWAIT_REASON", &input)) == most, "environment", "a long reason");
	check(
	    strcmp(variable(&r, "PGWAIT_SQLSTATE", &input), "") == 0, "environment", "no SQLSTATE");
	free(text);
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
	    {"EUC_KR", "\xc7\xd1", "\xed\x95\x9c", true},
	};
	struct buffer name = {0};

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
		buffer_clear(&name);
		check(encoding_from_utf8(e, "jobs", 4, &name) && buffer_length(&name) == 4,
		    cases[i].encoding, "a name of ASCII");
		encoding_close(e);
	}
	buffer_free(&name);
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

/* Labels differ, whatever a host is called. */
static void
test_labels(void)
{
	const char *words[] = {"dbname=d user=u host=h#2", "dbname=d user=u host=h",
	    "dbname=d user=v host=h", "dbname=d user=w host=h", "x"};
	static const char *const labels[] = {"d@h#2", "d@h", "d@h#3", "d@h#4"};
	struct operands o = {.words = words, .word_count = 5};
	struct subscriptions s;
	char *error;

	if (!operands_parse(&o, &s, &error) || s.count != 4) {
		check(false, "labels", "four connections");
		return;
	}
	for (size_t i = 0; i < s.count; i++)
		check(strcmp(s.list[i].target->label, labels[i]) == 0, "labels", labels[i]);
	subscriptions_free(&s);
}

/* Each string is there once, and stays where it is. */
static void
test_string_map(void)
{
	struct string_map m = {0};
	struct string_map_entry *first = string_map_add(&m, "0");
	char s[8];

	for (int i = 0; i < 1000; i++) {
		snprintf(s, sizeof s, "%d", i);
		string_map_add(&m, s)->number += (size_t)i + 1;
	}
	check(string_map_add(&m, "0") == first && first->number == 1, "string map", "added again");
	string_map_remove(&m, string_map_find(&m, "500"));
	check(!string_map_find(&m, "500"), "string map", "removed");
	for (int i = 499; i < 502; i += 2) {
		snprintf(s, sizeof s, "%d", i);
		check(string_map_find(&m, s) && string_map_find(&m, s)->number == (size_t)i + 1,
		    "string map", s);
	}
	check(!string_map_find(&m, ""), "string map", "not there");
	string_map_free(&m);
	check(!string_map_find(&m, "1"), "string map", "empty");
}

static void
test_endings(void)
{
	static const struct {
		struct outcome outcome;
		struct exit_status ending;
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
	    {{CAUSE_OVERFLOW, 0, STATUS_OK, false, true}, {STATUS_ERROR, 0}, "overflow"},
	    {{CAUSE_OUTPUT, 0, STATUS_OK, false, true}, {STATUS_OK, 0}, "reader gone"},
	    {{CAUSE_OUTPUT, 0, STATUS_OK, true, true}, {STATUS_ERROR, 0}, "reader gone, unmet"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct exit_status e = exit_status_of(&cases[i].outcome);

		check(e.status == cases[i].ending.status && e.signal == cases[i].ending.signal,
		    "ending", cases[i].what);
	}
}

static int passed, failures;

static void
on_passed(struct fence *f, void *arg)
{
	(void)arg;
	passed++;
	failures += f->failed;
}

/* A sink that keeps everything, ten bytes for each record, until it is told otherwise. */
static bool
keep(struct sink *s, const struct record *r)
{
	(void)r;
	sink_hold(s, s->held + 10);
	return true;
}

static bool
discard(struct sink *s)
{
	if (s->held == 0)
		return false;
	sink_hold(s, s->held - 10);
	return true;
}

static const struct sink_ops keeper = {.take = keep};
static const struct sink_ops dropper = {.take = keep, .discard = discard};
static const struct record notification = {.kind = RECORD_NOTIFICATION};

static void
test_fences(void)
{
	struct sink a = {.ops = &keeper, .kinds = RECORD_BIT(RECORD_NOTIFICATION)};
	struct sink b = {.ops = &keeper, .kinds = RECORD_BIT(RECORD_IDLE)};
	struct sinks sinks = {0};
	struct fence first = {.passed = on_passed}, second = first, third = first;

	sinks_add(&sinks, &a);
	sinks_add(&sinks, &b);
	sinks_take(&sinks, &notification);
	check(a.in == 1 && b.in == 0, "sinks", "a sink takes its kinds only");
	/* first: 2 and 3; second: 3; third: 4 */
	fence_begin(&sinks, &first);
	sinks_take(&sinks, &notification);
	fence_begin(&sinks, &second);
	sinks_take(&sinks, &notification);
	fence_set(&sinks, &first);
	fence_set(&sinks, &second);
	fence_begin(&sinks, &third);
	sinks_take(&sinks, &notification);
	sinks_pass(&sinks);
	check(passed == 0, "fence", "nothing is delivered yet");
	sink_done(&a, 1, SINK_FAILED);
	sink_done(&a, 1, SINK_FAILED);
	sink_done(&a, 1, SINK_DELIVERED);
	sink_done(&a, 1, SINK_FAILED);
	sinks_pass(&sinks);
	check(passed == 2 && failures == 1, "fence", "only what it covers makes it fail");
	check(first.failed && !second.failed, "fence", "the first did");
	fence_set(&sinks, &third);
	sinks_pass(&sinks);
	check(passed == 3 && third.failed, "fence", "one that was not set yet can fail");
	fence_begin(&sinks, &first);
	fence_set(&sinks, &first);
	sinks_pass(&sinks);
	check(passed == 4 && !first.failed, "fence", "around nothing, it passes at once");
}

static void
test_budget(void)
{
	struct sink a = {.ops = &keeper, .kinds = RECORD_BIT(RECORD_NOTIFICATION)};
	struct sinks sinks = {.budget = 40};

	sinks_add(&sinks, &a);
	for (int i = 0; i < 4; i++) {
		check(sinks_room(&sinks), "budget", "room");
		sinks_take(&sinks, &notification);
	}
	check(!sinks_room(&sinks), "budget", "full");
	sink_hold(&a, 31);
	check(!sinks_room(&sinks), "budget", "still full: less than a quarter is free");
	sink_hold(&a, 30);
	check(sinks_room(&sinks), "budget", "room again");
	sinks.budget = 1;
	check(!sinks_room(&sinks), "budget", "less than a record");
	sink_hold(&a, 0);
	check(sinks_room(&sinks), "budget", "one after the other");
}

static void
test_overflow_drop(void)
{
	struct sink a = {.ops = &keeper, .name = "a", .kinds = RECORD_BIT(RECORD_NOTIFICATION)};
	struct sink b = {.ops = &dropper, .name = "b", .kinds = RECORD_BIT(RECORD_NOTIFICATION)};
	struct sinks sinks = {.budget = 40, .overflow = OVERFLOW_DROP};

	sinks_add(&sinks, &a);
	sinks_add(&sinks, &b);
	/* The warning of the first one is not to be seen here. */
	b.pace.next = INT64_MAX;
	for (int i = 0; i < 3; i++)
		sinks_take(&sinks, &notification);
	check(a.held == 30 && b.held == 20 && b.discarded == 1, "drop",
	    "the one that can makes room");
	check(sinks_room(&sinks), "drop", "there is always room");
	check(sinks_discarded(&sinks) == 0, "drop", "the first sink counts for -n");
}

/* 400 times in random order: 0 is what must not come, since a right program does so once in 10^31 runs. */
static void
test_host_order(void)
{
	char a[] = "a", b[] = "b", c[] = "c";
	struct target_host hosts[] = {{.host = a}, {.host = b}, {.host = c}};
	struct target t = {
	    .hosts = hosts, .host_count = 3, .load_balance = true, .prefer_standby = true};
	unsigned first[3] = {0}, last[3] = {0};
	struct host_order o;

	for (int i = 0; i < 400; i++) {
		unsigned seen = 0;

		host_order_start(&o, &t, NULL);
		first[host_order_current(&o) - hosts]++;
		do
			seen |= 1U << (host_order_current(&o) - hosts);
		while (host_order_next(&o));
		check(seen == 7, "host_order", "each host once");
		check(o.standbys_only && host_order_next_pass(&o) && !o.standbys_only, "host_order",
		    "standbys first, then any");
		while (host_order_next(&o))
			;
		last[o.hosts[2] - hosts]++;
		check(!host_order_next_pass(&o), "host_order", "two passes");
		host_order_free(&o);
	}
	for (int i = 0; i < 3; i++)
		check(first[i] && last[i], "host_order", "a random order");
	t.load_balance = t.prefer_standby = false;
	host_order_start(&o, &t, NULL);
	for (int i = 0; i < 3; i++, host_order_next(&o))
		check(host_order_current(&o) == &hosts[i], "host_order", "their own order");
	check(!host_order_next_pass(&o), "host_order", "one pass");
	host_order_free(&o);
}

static void
test_pace(void)
{
	struct log_pace p = {0};

	check(log_due(&p), "pace", "at once");
	check(!log_due(&p), "pace", "not again");
	for (int i = 0; i < 20; i++) {
		p.next -= p.distance;
		while (!log_due(&p))
			p.next -= SECOND;
	}
	check(p.distance == 4096 * SECOND, "pace", "grows to about an hour");
	p.next -= 7200 * SECOND + p.distance;
	check(log_due(&p) && p.distance == 2 * SECOND, "pace", "anew after a long silence");
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

/* Every length and every place: `n` bytes in and out, in parts of two sizes. */
static void
check_fifo(size_t n, size_t in, size_t out)
{
	struct fifo f = {0}, moved = {0};
	char *bytes = xmalloc(n), *got = xmalloc(n), what[64];
	size_t done = 0, part, length;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 31 >> 3);
	for (size_t i = 0; i < n; i += part) {
		part = n - i < in ? n - i : in;
		fifo_add(&f, bytes + i, part);
	}
	length = f.length;
	fifo_move(&f, &moved, n / 3);
	for (struct fifo *from = &moved; done < n; done += part) {
		const char *front = fifo_front(from, &part);

		if (part == 0) {
			from = &f;
			continue;
		}
		part = part < out ? part : out;
		memcpy(got + done, front, part);
		fifo_consume(from, part);
	}
	snprintf(what, sizeof what, "%zu bytes by %zu and %zu", n, in, out);
	check(length == n && f.length == 0 && memcmp(bytes, got, n) == 0, "fifo", what);
	fifo_free(&f);
	fifo_free(&moved);
	free(bytes);
	free(got);
}

static void
test_fifo(void)
{
	static const size_t sizes[] = {1, 7, FIFO_CHUNK - 1, FIFO_CHUNK, FIFO_CHUNK + 1, 300000};

	for (size_t n = 0; n < 6; n++)
		for (size_t i = 0; i < 6; i++)
			check_fifo(sizes[n], sizes[i], sizes[5 - i]);
}

static uint64_t completed;

static void
on_completed(const struct queue_entry *e, void *arg)
{
	(void)arg;
	completed += e->count;
}

static void
test_queue(void)
{
	struct queue q = {0}, other = {0};
	size_t n;

	check(!queue_front(&q), "queue", "empty");
	queue_add(&q, QUEUE_NOTIFICATION, 1, "one", 3);
	queue_add(&q, QUEUE_GAP, 5, "", 0);
	queue_add(&q, QUEUE_EVENT, 1, "event", 5);
	check(queue_count(&q) == 3 && queue_size(&q) == 8 + 3 * 16, "queue", "its size");
	queue_consume(&q, 2, on_completed, NULL);
	check(completed == 0 && queue_front(&q)->begun && queue_front(&q)->length == 1, "queue",
	    "partly gone");
	queue_move(&q, &other);
	check(queue_front(&other)->begun && queue_front(&q)->kind == QUEUE_GAP, "queue", "moved");
	queue_consume(&other, 1, on_completed, NULL);
	check(completed == 1 && !queue_front(&other), "queue", "gone");
	queue_consume(&q, 0, on_completed, NULL);
	check(completed == 6, "queue", "an entry without bytes");
	check_bytes("queue", fifo_front(&q.bytes, &n), 5, "event", 5);
	queue_drop(&q);
	check(queue_size(&q) == 0, "queue", "dropped");
	queue_free(&q);
	queue_free(&other);
}

static void
test_sqlstates(void)
{
	static const char *const permanent[] = {"28P01", "28000", "3D000", "42501", "42601"};
	static const char *const passing[] = {"08006", "57P01", "57P03", "53300", "25006", "55000"};

	for (size_t i = 0; i < sizeof permanent / sizeof permanent[0]; i++)
		check(server_error_is_permanent(permanent[i]), "permanent", permanent[i]);
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		check(!server_error_is_permanent(passing[i]), "passing", passing[i]);
	check(!server_error_is_permanent(NULL), "passing", "no SQLSTATE");
}

/* A ticker that fires and is stopped in the same turn of the loop ticks no more. */
static void
test_ticker(void)
{
	struct event_base *base = event_base_new();
	struct ticker t = {0};

	ticker_start(&t, base, 1, clock_monotonic());
	event_base_loop(base, EVLOOP_ONCE);
	check(t.due, "ticker", "it fired");
	ticker_stop(&t);
	check(!ticker_ticks(&t, 0), "ticker", "it was stopped");
	ticker_start(&t, base, 1, clock_monotonic());
	event_base_loop(base, EVLOOP_ONCE);
	check(ticker_ticks(&t, 0), "ticker", "it goes again");
	ticker_stop(&t);
	event_base_free(base);
}

static void
count_one(void *arg)
{
	++*(int *)arg;
}

/* A timer that has fired, or was stopped, is gone; one that is started again fires once. */
static void
test_timer(void)
{
	struct event_base *base = event_base_new();
	struct timer *t = NULL;
	int fired = 0;

	timer_start(&t, base, SECOND, count_one, &fired);
	timer_start(&t, base, 1, count_one, &fired);
	event_base_loop(base, EVLOOP_ONCE);
	check(fired == 1 && !t, "timer", "it fired, once");
	timer_start(&t, base, 1, count_one, &fired);
	timer_stop(&t);
	event_base_loop(base, EVLOOP_ONCE);
	check(fired == 1 && !t, "timer", "it was stopped");
	event_base_free(base);
}

static void
test_median(void)
{
	int64_t odd[] = {30, 10, 20}, even[] = {40, 10, 20, 30};

	check(median(odd, 3) == 20, "median", "the one in the middle");
	check(median(even, 4) == 25, "median", "between the two in the middle");
	check(median(odd, 1) == 10, "median", "of one");
	check(median(odd, 0) == -1, "median", "of none");
}

/* Whatever is asked for, there is a string. */
static void
test_values(void)
{
	char name[] = "c", text[] = "text";
	PGresAttDesc column = {.name = name};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresult *empty = PQmakeEmptyPGresult(NULL, PGRES_COMMAND_OK);

	check(PQsetResultAttrs(result, 1, &column) && PQsetvalue(result, 0, 0, text, 4) &&
		  PQsetvalue(result, 1, 0, NULL, -1),
	    "request_value", "two rows of one column");
	check(
	    strcmp(request_value(result, 0, 0), "text") == 0, "request_value", "one that is there");
	check(*request_value(result, 1, 0) == '\0', "request_value", "NULL");
	check(*request_value(result, 0, 1) == '\0', "request_value", "no such column");
	check(*request_value(result, 2, 0) == '\0', "request_value", "no such row");
	check(*request_value(empty, 0, 0) == '\0', "request_value", "no rows at all");
	check(*request_value(NULL, 0, 0) == '\0', "request_value", "no result");
	PQclear(result);
	PQclear(empty);
}

int
main(void)
{
	test_ticker();
	test_timer();
	test_utf8();
	test_escapes();
	test_escape_places();
	test_base64();
	test_seconds();
	test_integers();
	test_all_integers();
	test_sizes();
	test_format();
	test_format_end();
	test_events();
	test_format_room();
	test_environment();
	test_encodings();
	test_operand_kinds();
	test_groups();
	test_labels();
	test_string_map();
	test_endings();
	test_fences();
	test_budget();
	test_overflow_drop();
	test_host_order();
	test_pace();
	test_buffer();
	test_fifo();
	test_queue();
	test_sqlstates();
	test_median();
	test_values();
	return check_end();
}
