/*
 * A server of one's own that speaks just enough of the protocol, at a socket, without a thread: it answers
 * honestly, except where its owner has another answer. For what no real server does.
 */
#ifndef PGWAIT_SERVER_H
#define PGWAIT_SERVER_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/util.h"

#define SERVER_CLIENTS 8
#define SERVER_PID     4711

/* A client's connection. */
struct server_client {
	int fd; /* -1: none */
	struct buffer in, out;
	bool started;
	char sql[4000], channel[200]; /* the statement that is prepared; what it listens to last */
	char parameters[2][200];
};

struct server {
	int listener;
	struct server_client clients[SERVER_CLIENTS];
	/* What it says of itself; NULL: nothing. */
	const char *version, *encoding;
	/* Adds another answer than the honest one, up to ReadyForQuery. False: there is none. */
	bool (*answer)(void *arg, const char *sql, struct buffer *out);
	void *arg;
};

/* A message of `n` bytes; `type` 0: these bytes alone. */
static inline void
server_message(struct buffer *b, char type, const void *body, size_t n)
{
	unsigned char length[4] = {(unsigned char)((n + 4) >> 24), (unsigned char)((n + 4) >> 16),
	    (unsigned char)((n + 4) >> 8), (unsigned char)(n + 4)};

	if (type)
		buffer_add(b, &type, 1);
	if (type)
		buffer_add(b, length, 4);
	buffer_add(b, body, n);
}

static inline void
server_parameter(struct buffer *b, const char *name, const char *value)
{
	struct buffer body = {0};

	buffer_add(&body, name, strlen(name) + 1);
	buffer_add(&body, value, strlen(value) + 1);
	server_message(b, 'S', buffer_content(&body), buffer_length(&body));
	buffer_free(&body);
}

static inline void
server_number(struct buffer *b, unsigned n, int bytes)
{
	while (bytes--) {
		char c = (char)(n >> 8 * bytes);

		buffer_add(b, &c, 1);
	}
}

/* Rows of `n` columns with these values, and the description of them before. */
static inline void
server_rows(struct buffer *b, const char *const values[], size_t n, size_t rows)
{
	struct buffer names = {0}, row = {0};

	server_number(&names, (unsigned)n, 2);
	server_number(&row, (unsigned)n, 2);
	for (size_t i = 0; i < n; i++) {
		buffer_add(&names, "c", 2);
		server_number(&names, 0, 4); /* of no table */
		server_number(&names, 0, 2);
		server_number(&names, 25, 4); /* text */
		server_number(&names, 0xffff, 2);
		server_number(&names, 0xffffffff, 4);
		server_number(&names, 0, 2);
		server_number(&row, (unsigned)strlen(values[i]), 4);
		buffer_add(&row, values[i], strlen(values[i]));
	}
	server_message(b, 'T', buffer_content(&names), buffer_length(&names));
	while (rows--)
		server_message(b, 'D', buffer_content(&row), buffer_length(&row));
	buffer_free(&names);
	buffer_free(&row);
}

static inline void
server_row(struct buffer *b, const char *const values[], size_t n)
{
	server_rows(b, values, n, 1);
}

static inline void
server_done(struct buffer *b, const char *tag)
{
	server_message(b, 'C', tag, strlen(tag) + 1);
}

/* To whoever listens on it. */
static inline void
server_notify(struct server *s, const char *channel, const char *payload)
{
	struct buffer body = {0};

	server_number(&body, SERVER_PID, 4);
	buffer_add(&body, channel, strlen(channel) + 1);
	buffer_add(&body, payload, strlen(payload) + 1);
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (s->clients[i].fd >= 0 && strcmp(s->clients[i].channel, channel) == 0)
			server_message(
			    &s->clients[i].out, 'A', buffer_content(&body), buffer_length(&body));
	buffer_free(&body);
}

/* The number of columns of each question that pgwait asks. */
static inline void
server_honest(struct server *s, struct server_client *c, const char *sql)
{
	static const char *const inquiry[] = {
	    "4711", "u", "d", "f", "0", "0", "1", "0", "1", "0", "1", "100", "0"};
	static const char *const holder[] = {"17", "u", "d", "app", "idle", "5"};
	static const char *const lock[] = {"t", "", "4711"};
	static const char *const values[] = {"4711", "", "jobs", ""};

	if (strncmp(sql, "LISTEN ", 7) == 0)
		snprintf(c->channel, sizeof c->channel, "%s", sql + 7);
	if (*sql == '\0') {
		server_message(&c->out, 'I', "", 0);
		return;
	}
	if (strstr(sql, "rolname"))
		server_row(&c->out, inquiry, 13);
	else if (strstr(sql, "xact_start"))
		server_row(&c->out, holder, 6);
	else if (strstr(sql, "pg_try_advisory_lock"))
		server_row(&c->out, lock, 3);
	else if (strstr(sql, "pg_backend_pid()"))
		server_row(&c->out, values, 1);
	else if (strstr(sql, "pg_listening_channels"))
		server_row(&c->out, values + 2, 1);
	else if (strstr(sql, "pg_notify"))
		server_row(&c->out, values + 3, 1);
	server_done(&c->out, "OK");
	if (strstr(sql, "pg_notify"))
		server_notify(s, c->parameters[0], c->parameters[1]);
}

static inline void
server_answer(struct server *s, struct server_client *c, const char *sql, bool extended)
{
	if (extended) {
		server_message(&c->out, '1', "", 0);
		server_message(&c->out, '2', "", 0);
	}
	if (!s->answer || !s->answer(s->arg, sql, &c->out))
		server_honest(s, c, sql);
	server_message(&c->out, 'Z', "I", 1);
}

/* Bind: names, formats, and then the values. */
static inline void
server_bind(struct server_client *c, const unsigned char *at, const unsigned char *end)
{
	size_t count;

	memset(c->parameters, 0, sizeof c->parameters);
	for (int i = 0; i < 2; i++)
		at = at < end ? (const unsigned char *)memchr(at, 0, (size_t)(end - at)) + 1 : end;
	at += 2 + 2 * (size_t)(at[0] << 8 | at[1]);
	count = (size_t)(at[0] << 8 | at[1]);
	at += 2;
	for (size_t i = 0; i < count && i < 2; i++) {
		size_t n = (size_t)(at[2] << 8 | at[3]);

		snprintf(c->parameters[i], sizeof c->parameters[i], "%.*s", (int)n,
		    (const char *)at + 4);
		at += 4 + n;
	}
}

static inline void
server_start(const struct server *s, struct server_client *c)
{
	static const char key[] = {0, 0, SERVER_PID >> 8, SERVER_PID & 0xff, 0, 0, 0, 1};

	server_message(&c->out, 'R', "\0\0\0\0", 4);
	if (s->version)
		server_parameter(&c->out, "server_version", s->version);
	if (s->encoding)
		server_parameter(&c->out, "server_encoding", s->encoding);
	server_message(&c->out, 'K', key, sizeof key);
	server_message(&c->out, 'Z', "I", 1);
	c->started = true;
}

/* Takes one message of a client. False: it is not whole, or there is none. */
static inline bool
server_take(struct server *s, struct server_client *c)
{
	size_t header = c->started ? 5 : 4, n;
	const unsigned char *m = (const unsigned char *)buffer_content(&c->in), *body;

	if (buffer_length(&c->in) < header)
		return false;
	body = m + header;
	n = (size_t)(body[-4] << 24 | body[-3] << 16 | body[-2] << 8 | body[-1]) + header - 4;
	if (buffer_length(&c->in) < n)
		return false;
	if (!c->started && body[0] == 4) /* 1234.5679 and 1234.5680 ask for TLS and GSSAPI */
		server_message(&c->out, 0, "N", 1);
	else if (!c->started)
		server_start(s, c);
	else if (m[0] == 'Q')
		server_answer(s, c, (const char *)body, false);
	else if (m[0] == 'P')
		snprintf(c->sql, sizeof c->sql, "%s",
		    (const char *)body + 1 + strlen((const char *)body));
	else if (m[0] == 'B')
		server_bind(c, body, m + n);
	else if (m[0] == 'S')
		server_answer(s, c, c->sql, true);
	buffer_consume(&c->in, n);
	return true;
}

static inline void
server_close(struct server_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	buffer_free(&c->in);
	buffer_free(&c->out);
	*c = (struct server_client){.fd = -1};
}

static inline void
server_close_all(struct server *s)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		server_close(&s->clients[i]);
}

static inline void
server_accept(struct server *s)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];

		if (c->fd >= 0)
			continue;
		*c = (struct server_client){
		    .fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)};
		return;
	}
}

/* Reads what came, and writes what is to be written, as far as that goes without waiting. */
static inline void
server_turn(struct server *s)
{
	server_accept(s);
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];
		char bytes[4096];
		ssize_t n = c->fd < 0 ? -1 : recv(c->fd, bytes, sizeof bytes, 0);

		if (c->fd < 0)
			continue;
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			server_close(c);
			continue;
		}
		buffer_add(&c->in, bytes, n > 0 ? (size_t)n : 0);
		while (server_take(s, c))
			;
	}
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct server_client *c = &s->clients[i];
		ssize_t n =
		    c->fd >= 0 && buffer_length(&c->out)
			? send(c->fd, buffer_content(&c->out), buffer_length(&c->out), MSG_NOSIGNAL)
			: 0;

		buffer_consume(&c->out, n > 0 ? (size_t)n : 0);
	}
}

/* At this path; one that begins with @ needs no file. */
static inline bool
server_open(struct server *s, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		s->clients[i].fd = -1;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return s->listener >= 0 &&
	       bind(s->listener, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0 &&
	       listen(s->listener, 8) == 0;
}

#endif
