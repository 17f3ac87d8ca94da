/*
 * usage: oddserver DIRECTORY [WORDS ANSWER]...
 *
 * A server at DIRECTORY/.s.PGSQL.5432 for what no real one does, until it is killed; it writes a line once it listens. A question with WORDS in it is
 * answered with one row, ANSWER: values with "|" between them; "" is a row without columns. "N*" before them:
 * with N such rows. "-": it is never answered. "!CHANNEL": a notification on CHANNEL comes in the middle of the answer,
 * as PostgreSQL up to 14 sends some, and what follows once the client has read it. To all else it answers honestly.
 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "fuzz/server.h"

struct answers {
	char **words; /* and the answer behind each; NULL ends them */
	struct server *server;
};

/* Sends the first part of an answer, with a notification at its end, and returns when the client has read it. */
static void
notify_within(struct server *s, struct buffer *out, const char *channel)
{
	struct server_client *c = s->clients;
	const char *values[] = {"4711"};
	int unread = 1;

	while (&c->out != out)
		c++;
	snprintf(c->channel, sizeof c->channel, "%s", channel);
	server_row(out, values, 1);
	server_notify(s, channel, "early");
	send(c->fd, buffer_content(out), buffer_length(out), MSG_NOSIGNAL);
	buffer_clear(out);
	while (ioctl(c->fd, TIOCOUTQ, &unread) == 0 && unread > 0)
		poll(NULL, 0, 1);
}

static bool
answer(void *arg, const char *sql, struct buffer *out)
{
	char **w = ((struct answers *)arg)->words, *text, *rest;
	const char *values[32], *row;
	size_t n = 0;

	while (w[0] && !strstr(sql, w[0]))
		w += 2;
	if (!w[0])
		return false;
	if (strcmp(w[1], "-") == 0)
		for (;;)
			pause();
	if (w[1][0] == '!') {
		notify_within(((struct answers *)arg)->server, out, w[1] + 1);
		server_done(out, "SELECT 1");
		return true;
	}
	row = strchr(w[1], '*');
	row = row ? row + 1 : w[1];
	text = rest = xstrdup(row);
	while (*row && rest && n < 32)
		values[n++] = strsep(&rest, "|");
	server_rows(out, values, n, row == w[1] ? 1 : strtoul(w[1], NULL, 10));
	server_done(out, "SELECT 1");
	free(text);
	return true;
}

int
main(int argc, char **argv)
{
	struct server s = {.version = "15.0", .encoding = "UTF8", .answer = answer};
	struct answers answers = {argv + 2, &s};
	char *path = argc % 2 == 0 ? xasprintf("%s/.s.PGSQL.5432", argv[1]) : NULL;

	s.arg = &answers;
	if (path)
		unlink(path);
	if (!path || !server_open(&s, path)) {
		perror("oddserver");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[SERVER_CLIENTS + 1] = {{.fd = s.listener, .events = POLLIN}};

		for (size_t i = 0; i < SERVER_CLIENTS; i++)
			fds[i + 1] = (struct pollfd){.fd = s.clients[i].fd, .events = POLLIN};
		poll(fds, SERVER_CLIENTS + 1, -1);
		server_turn(&s);
	}
}
