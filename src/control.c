#include "config.h"

#include "control.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "lines.h"
#include "log.h"
#include "operation.h"
#include "options.h"
#include "pace.h"
#include "record.h"
#include "source.h"

#define READ_SIZE 16384

struct control {
	struct manager *manager;
	const char *path; /* of the FIFO; NULL: standard input, or no control */
	bool made;        /* the FIFO is ours to remove */
	int fd;           /* -1: no control */
	bool pollable;    /* a file is not, and never makes us wait */
	struct event readable;
	struct lines lines;
	bool ended;          /* end of file was seen */
	struct pace_job job; /* looks at the next line */

	struct operation operation;
	bool busy;               /* the operation is under way */
	const char *command;     /* its name */
	struct operation status; /* of SIGUSR1 */
};

static void
reply(struct control *c, const char *command, const struct answer *a)
{
	struct record r = {
	    .kind = RECORD_REPLY,
	    .time = clock_realtime(),
	    .command = command,
	    .error = a->error,
	    .answer = "",
	    .keys = "",
	};
	char *text = NULL, *keys = NULL;

	if (!a->error) {
		r.answer = text = xstrndup(buffer_content(&a->text), buffer_length(&a->text));
		r.keys = keys = xstrndup(buffer_content(&a->keys), buffer_length(&a->keys));
	}
	sinks_take(manager_sinks(c->manager), &r);
	free(text);
	free(keys);
}

/* A line that is no command. */
static void
complain(struct control *c, const char *error)
{
	char *copy = xstrdup(error);
	const struct answer a = {.error = copy};

	reply(c, "", &a);
	free(copy);
}

static void
on_done(struct operation *op, void *arg)
{
	struct control *c = arg;

	c->busy = false;
	reply(c, c->command, &op->answer);
	pace_add(&c->job);
}

static void
carry_out(struct control *c, const char *line, size_t length)
{
	struct command command;
	char *error = NULL;

	if (!command_parse(line, length, false, &command, &error)) {
		complain(c, error);
		free(error);
		return;
	}
	if (command.kind != COMMAND_NONE) {
		c->busy = true;
		c->command = command_syntax(command.kind)->name;
		operation_start(&c->operation, &command);
	}
	command_free(&command);
}

static void
end_of_file(struct control *c)
{
	event_del(&c->readable);
	c->fd = -1;
	if (manager_sources(c->manager)->count == 0)
		manager_quit(c->manager);
}

/* Nothing more will come. */
static void
end_reading(struct control *c)
{
	c->ended = true;
	lines_end(&c->lines);
	pace_add(&c->job);
}

static void
watch(struct control *c)
{
	if (event_add(&c->readable, NULL) == 0)
		return;
	log_warning("could not wait for commands: %s", strerror(errno));
	end_reading(c);
}

static void
read_some(struct control *c)
{
	char bytes[READ_SIZE];
	ssize_t n = read(c->fd, bytes, sizeof bytes);

	if (n > 0) {
		lines_add(&c->lines, bytes, (size_t)n);
		pace_add(&c->job);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (n < 0)
			log_warning("could not read commands: %s", strerror(errno));
		end_reading(c);
	} else {
		watch(c);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_some(arg);
}

/* The next line; reading waits until the last one is answered, and so does whoever writes. */
static void
on_turn(void *arg)
{
	struct control *c = arg;
	const char *line;
	size_t length;

	if (c->busy || c->fd < 0 || manager_ends(c->manager))
		return;
	switch (lines_next(&c->lines, &line, &length)) {
	case LINES_LINE:
		carry_out(c, line, length);
		pace_add(&c->job);
		break;
	case LINES_TOO_LONG:
		complain(c, "the line is too long: accepted are 65536 bytes");
		pace_add(&c->job);
		break;
	case LINES_NONE:
		if (c->ended)
			end_of_file(c);
		else if (c->pollable)
			watch(c);
		else
			read_some(c);
		break;
	}
}

/* ----- The FIFO */

static bool
is_acceptable(const struct control *c)
{
	struct stat st;

	if (fstat(c->fd, &st) < 0)
		log_error("could not look at \"%s\": %s", c->path, strerror(errno));
	else if (!S_ISFIFO(st.st_mode))
		log_error("invalid --control \"%s\": it is no FIFO; accepted are a FIFO, a path "
			  "where none is yet, and - for standard input",
		    c->path);
	else if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		log_error("invalid --control \"%s\": others own the FIFO or may write to it; "
			  "accepted is one that only you can write to (chmod 600)",
		    c->path);
	else
		return true;
	return false;
}

static bool
open_fifo(struct control *c)
{
	c->made = mkfifo(c->path, 0600) == 0;
	if (!c->made && errno != EEXIST) {
		log_error("could not make the FIFO \"%s\": %s", c->path, strerror(errno));
		return false;
	}
	/* For writing too: the end of a writer is no end of file. */
	c->fd = open(c->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (c->fd < 0) {
		log_error("could not open \"%s\": %s", c->path, strerror(errno));
		return false;
	}
	return is_acceptable(c);
}

static void
start_reading(struct control *c)
{
	event_assign(&c->readable, manager_base(c->manager), c->fd, EV_READ, on_readable, c);
	c->pollable = event_add(&c->readable, NULL) == 0;
	if (!c->pollable)
		pace_add(&c->job);
}

static void
on_status(struct operation *op, void *arg)
{
	(void)arg;
	log_reply(
	    "status: %.*s", (int)buffer_length(&op->answer.text), buffer_content(&op->answer.text));
}

void
control_status(struct control *c)
{
	const struct command status = {.kind = COMMAND_STATUS};

	operation_start(&c->status, &status);
}

static void
init_operation(
    struct control *c, struct operation *op, const struct options *o, operation_done *done)
{
	op->manager = c->manager;
	op->defaults = &o->defaults;
	op->done = done;
	op->arg = c;
}

struct control *
control_new(struct manager *m, const struct options *options)
{
	struct control *c = xcalloc(1, sizeof *c);

	c->manager = m;
	c->fd = -1;
	c->job.run = on_turn;
	c->job.arg = c;
	event_assign(&c->readable, manager_base(m), -1, 0, on_readable, c);
	init_operation(c, &c->operation, options, on_done);
	init_operation(c, &c->status, options, on_status);
	if (!options->control)
		return c;
	if (strcmp(options->control, "-") == 0) {
		c->fd = STDIN_FILENO;
	} else {
		c->path = options->control;
		if (!open_fifo(c)) {
			control_stop(c);
			control_free(c);
			return NULL;
		}
	}
	start_reading(c);
	return c;
}

/* What is still asked gets its answer without us. */
static void
ignore_answer(struct operation *op, void *arg)
{
	(void)op;
	(void)arg;
}

void
control_stop(struct control *c)
{
	event_del(&c->readable);
	pace_remove(&c->job);
	c->operation.done = ignore_answer;
	if (c->path && c->fd >= 0)
		close(c->fd);
	if (c->made && c->path)
		unlink(c->path);
}

void
control_free(struct control *c)
{
	answer_clear(&c->operation.answer);
	answer_clear(&c->status.answer);
	lines_free(&c->lines);
	free(c);
}
