/*
 * A connection over what a server may send: libpq's own client on a socket whose other end replays the
 * input. Whatever comes, records keep their order, and the last one is the loss.
 *
 * An input is a list of messages: a type, a length, a body. Type 0 sends the body without a header,
 * type 1 lets the client read what was sent, with the length as a number of passes. The first byte
 * says whether the handshake of an honest server comes before.
 */
#include "config.h"

#include <event2/event.h>

#include "base/buffer.h"
#include "postgres/connection.h"
#include "record/format.h"
#include <poll.h>

#include "base/log.h"
#include "base/work_queue.h"
#include "fuzz.h"
#include "postgres/target.h"
#include "server.h"
#include "settings/operands.h"

/* A length of 2 GB that the server claims is refused at once, rather than filled. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "max_allocation_size_mb=100:allocator_may_return_null=1";
}

#define MESSAGES 200
#define PASSES   2000 /* more than any connection needs until it is lost */

static struct event_base *base;
static struct subscriptions subscriptions;
static struct server server;

static void
set_up(void)
{
	char *name = xasprintf("@pgwait-fuzz-%ld", (long)getpid());
	char *path = xasprintf("%s/.s.PGSQL.5432", name);
	char *conninfo =
	    xasprintf("host=%s user=u dbname=d sslmode=disable gssencmode=disable", name);
	const char *words[] = {conninfo, "jobs", "audit"};
	struct operands o = {.words = words, .word_count = 3};
	char *error;

	forget_environment();
	log_set_level(LOG_QUIET);
	base = event_base_new();
	REQUIRE(server_open(&server, path));
	REQUIRE(operands_parse(&o, &subscriptions, &error));
	free(name);
	free(path);
	free(conninfo);
}

static void
add_handshake(struct buffer *b)
{
	static const char encoding[] = "server_encoding\0LATIN1", version[] = "server_version\0"
									      "15.0";

	server_message(b, 'R', "\0\0\0\0", 4);
	server_message(b, 'S', encoding, sizeof encoding);
	server_message(b, 'S', version, sizeof version);
	server_message(b, 'K', "\0\0\1\2\3\4\5\6", 8);
	server_message(b, 'Z', "I", 1);
}

/* What must hold of one connection's records, one after another. */
struct watch {
	struct format *format;
	bool listening, lost;
};

static void
check_record(struct watch *w, const struct record *r)
{
	struct buffer b = {0};

	REQUIRE(!w->lost);
	switch (r->kind) {
	case RECORD_NOTIFICATION:
		REQUIRE(strlen(r->channel) == r->channel_length);
		REQUIRE(strlen(r->payload) == r->payload_length);
		format_write(w->format, r, &b);
		buffer_free(&b);
		break;
	case RECORD_LISTENING:
		REQUIRE(!w->listening && r->channel_count == 2);
		w->listening = true;
		break;
	case RECORD_LOST:
		REQUIRE(r->reason && !strchr(r->reason, '\n'));
		REQUIRE(!r->sqlstate || strlen(r->sqlstate) == 5);
		REQUIRE((r->phase == LOST_LATER) == w->listening);
		w->lost = true;
		break;
	default:
		REQUIRE(!"a record that comes from no connection");
	}
}

static void
on_wake(struct connection *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void
on_answer(struct connection *c, void *arg)
{
	REQUIRE(connection_state(c) == CONN_LISTENING);
	(void)arg;
}

/* One pass of the loop, as the manager makes it. */
static void
pass(struct connection *c, struct watch *w)
{
	const struct record *r;
	bool before = w->listening;

	event_base_loop(base, EVLOOP_NONBLOCK);
	work_queue_run(0);
	while ((r = connection_next(c)))
		check_record(w, r);
	if (w->listening && !before && connection_state(c) == CONN_LISTENING)
		connection_barrier(c, on_answer);
}

static void
send_all(int fd, struct buffer *b)
{
	ssize_t n = 0;

	if (buffer_length(b))
		n = send(fd, buffer_content(b), buffer_length(b), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n; /* the client may be gone, and what does not fit may be missing */
	buffer_clear(b);
}

static void
replay(struct input *in, int fd, struct connection *c, struct watch *w)
{
	struct buffer b = {0};

	if (input_byte(in) & 1)
		add_handshake(&b);
	for (int i = 0; in->left && i < MESSAGES; i++) {
		char type = (char)input_byte(in);
		size_t n = input_byte(in);

		if (type == 1) {
			send_all(fd, &b);
			for (size_t j = 0; j < n % 8 + 1; j++)
				pass(c, w);
			continue;
		}
		if (n > in->left)
			n = in->left;
		server_message(&b, type, in->at, n);
		in->at += n;
		in->left -= n;
	}
	send_all(fd, &b);
	buffer_free(&b);
}

/* Second connections, which prove that notifications get through, wait to be accepted: the next input is not theirs. */
static void
refuse_others(void)
{
	struct pollfd p = {.fd = server.listener, .events = POLLIN};

	while (poll(&p, 1, 0) > 0) {
		int fd = accept(server.listener, NULL, NULL);

		if (fd >= 0)
			close(fd);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct watch w = {.format = format_json(FORMAT_END_LINE)};
	struct connection_settings settings = {
	    .base = base, .policy = {.never_prompt = true}, .wake = on_wake};
	struct connection *c;
	int fd;

	if (!base)
		set_up();
	settings.base = base;
	c = connection_new(&subscriptions.list[0], &settings);
	connection_start(c);
	pass(c, &w);
	fd = accept(server.listener, NULL, NULL);
	REQUIRE(fd >= 0);
	replay(&in, fd, c, &w);
	close(fd);
	for (int i = 0; i < PASSES && !w.lost; i++)
		pass(c, &w);
	REQUIRE(w.lost);
	connection_free(c);
	work_queue_finish(); /* closes the socket */
	refuse_others();
	format_free(w.format);
	return 0;
}
