/*
 * --check of a server that answers what it likes: it ends, once, with a report that is printable and JSON.
 *
 * The first byte of an input says what the server tells of itself. Then come its answers, one for each
 * question in turn: a number of messages (0: the honest answer), and each of these as a type, a length
 * and a body. Type 0 sends the body alone. The rest is answered honestly.
 */
#include "config.h"

#include <event2/event.h>

#include "base/log.h"
#include "base/work_queue.h"
#include "check/check_report.h"
#include "check/connection_check.h"
#include "check/diagnosis.h"
#include "decode.h"
#include "fuzz.h"
#include "postgres/subscription.h"
#include "server.h"
#include "settings/operands.h"

const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "max_allocation_size_mb=100:allocator_may_return_null=1";
}

#define PASSES 500 /* more than a check needs with answers at once */

static struct event_base *base;
static struct subscriptions subscriptions;
static struct server server;

static bool
answer(void *arg, const char *sql, struct buffer *out)
{
	struct input *in = arg;
	uint8_t messages = input_byte(in);

	(void)sql;
	for (uint8_t i = 0; i < messages && in->left; i++) {
		char type = (char)input_byte(in);
		size_t n = input_byte(in);

		if (n > in->left)
			n = in->left;
		server_message(out, type, in->at, n);
		in->at += n;
		in->left -= n;
	}
	return messages > 0;
}

static void
set_up(void)
{
	char *name = xasprintf("@pgwait-check-%ld", (long)getpid());
	char *path = xasprintf("%s/.s.PGSQL.5432", name);
	char *conninfo =
	    xasprintf("host=%s user=u dbname=d sslmode=disable gssencmode=disable", name);
	const char *words[] = {conninfo, "jobs"};
	struct operands o = {.words = words, .word_count = 2};
	char *error;

	forget_environment();
	log_set_level(LOG_QUIET);
	base = event_base_new();
	REQUIRE(server_open(&server, path));
	server.answer = answer;
	REQUIRE(operands_parse(&o, &subscriptions, &error));
	free(name);
	free(path);
	free(conninfo);
}

/* No value but strings, whole and decimal numbers, and the three words; no bracket is left open. */
static bool
is_json(const char *s, size_t n)
{
	static const char *const words[] = {"true", "false", "null"};
	char *scratch = xmalloc(n + 1);
	int depth = 0;
	size_t used;
	bool ok = true;

	for (; n && ok; s += used, n -= used) {
		used = 1;
		if (*s == '"') {
			ok = decode_json_string(s, n, scratch, &used) >= 0;
		} else if (*s == '{' || *s == '[') {
			depth++;
		} else if (*s == '}' || *s == ']') {
			ok = --depth >= 0;
		} else if (*s != ',' && *s != ':') {
			used = strspn(s, "0123456789.-");
			for (size_t i = 0; i < 3 && used == 0; i++)
				used =
				    strncmp(s, words[i], strlen(words[i])) ? 0 : strlen(words[i]);
			ok = used > 0;
		}
	}
	free(scratch);
	return ok && depth == 0;
}

static void
on_done(const struct findings *f, void *arg)
{
	struct problems p = diagnose(f);
	struct buffer text = {0}, json = {0};
	bool *over = arg;

	REQUIRE(!*over);
	*over = true;
	REQUIRE((f->verdict == VERDICT_THROUGH) == !f->reason);
	REQUIRE(f->queue >= 0 ? f->queue <= 1 : f->queue == -1);
	REQUIRE(!f->reason || strlen(f->reason) < 10000);
	REQUIRE(p.count > 0 || f->verdict == VERDICT_THROUGH);
	check_report_text(&text, &subscriptions.list[0], f, &p, false);
	check_report_json(&json, &subscriptions.list[0], f, &p, false);
	for (size_t i = 0; i < buffer_length(&text); i++)
		if (buffer_content(&text)[i] == '\n')
			text.data[text.start + i] = ' ';
	REQUIRE(decode_is_printable(buffer_content(&text), buffer_length(&text)));
	REQUIRE(json.data[json.end - 1] == '\n');
	REQUIRE(is_json(buffer_content(&json), buffer_length(&json) - 1));
	problems_free(&p);
	buffer_free(&text);
	buffer_free(&json);
}

static void
pass(bool answers)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	work_queue_run(0);
	if (answers) {
		server_turn(&server);
	} else {
		server_accept(&server);
		server_close_all(&server);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const versions[] = {"15.5", "1.18.0/bouncer", "\033[31m", NULL};
	static const char *const encodings[] = {"UTF8", "LATIN1", "odd\"\n", NULL};
	const struct connector_policy policy = {.never_prompt = true};
	struct input in = {data, size};
	uint8_t self = input_byte(&in);
	bool over = false;
	struct connection_check *c;

	if (!base)
		set_up();
	server.version = versions[self & 3];
	server.encoding = encodings[self >> 2 & 3];
	server.arg = &in;
	c = connection_check_start(
	    base, &subscriptions.list[0], &policy, 30 * SECOND, on_done, &over);
	for (int i = 0; i < PASSES && !over; i++)
		pass(true);
	for (int i = 0; i < PASSES && !over; i++)
		pass(false); /* what it still waits for does not come */
	REQUIRE(over);
	connection_check_free(c);
	work_queue_finish(); /* closes the sockets */
	server_close_all(&server);
	return 0;
}
