#include "config.h"

#include "control/control.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/line_reader.h"
#include "base/log.h"
#include "base/work_queue.h"
#include "control/command_run.h"
#include "control/control_fifo.h"
#include "manager/source.h"
#include "record/record.h"
#include "settings/command.h"
#include "settings/options.h"

#define READ_SIZE 16384

struct control {
	struct manager *manager;
	struct control_fifo fifo; /* not open: standard input, or no control */
	int fd;                   /* -1: no control, or no more of it */
	bool pollable;            /* a file is not, and never makes us wait */
	struct event readable;
	struct line_reader lines;
	bool ended;                /* end of file was seen */
	struct work_queue_job job; /* looks at the next line */

	struct command_run run;
	bool busy;                 /* the command is under way */
	enum command_kind kind;    /* of it, or of the last one */
	struct command_run status; /* of SIGUSR1 */
};

static void
reply(struct control *c, const char *command, const struct reply *a)
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

/* Replies to a line that cannot be carried out; `command`: the command that it names, or "". */
static void
complain(struct control *c, const char *command, const char *error)
{
	char *copy = xstrdup(error);
	const struct reply a = {.error = copy};

	reply(c, command, &a);
	free(copy);
}

static void
on_done(struct command_run *op, void *arg)
{
	struct control *c = arg;

	c->busy = false;
	reply(c, command_syntax(c->kind)->name, &op->reply);
	work_queue_add(&c->job);
}

static void
carry_out(struct control *c, const char *line, size_t length)
{
	struct command command;
	char *error = NULL;

	if (!command_parse(line, length, false, &command, &error)) {
		complain(c, command_syntax(command.kind)->name, error);
		free(error);
		return;
	}
	if (command.kind != COMMAND_NONE) {
		c->busy = true;
		c->kind = command.kind;
		command_run_start(&c->run, &command);
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
	line_reader_end(&c->lines);
	work_queue_add(&c->job);
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
		line_reader_add(&c->lines, bytes, (size_t)n);
		work_queue_add(&c->job);
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

/*
 * The last connection was disconnected. What was written behind that, by now, is carried out before it counts: it
 * may open another one.
 */
static bool
nothing_is_left(const struct control *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	return c->run.disconnected && !sources_hope(manager_sources(c->manager)) &&
	       (c->ended || poll(&p, 1, 0) <= 0);
}

/* Runs the next line. It reads no further until it has replied to the last one, so the writer waits, too. */
static void
on_turn(void *arg)
{
	struct control *c = arg;
	const char *line;
	size_t length;

	if (c->busy || c->fd < 0 || manager_ends(c->manager))
		return;
	switch (line_reader_next(&c->lines, &line, &length)) {
	case LINE_READER_LINE:
		carry_out(c, line, length);
		work_queue_add(&c->job);
		break;
	case LINE_READER_TOO_LONG:
		complain(c, "", "the line is too long: accepted are 65536 bytes");
		work_queue_add(&c->job);
		break;
	case LINE_READER_NONE:
		if (nothing_is_left(c))
			manager_quit(c->manager);
		else if (c->ended)
			end_of_file(c);
		else if (c->pollable)
			watch(c);
		else
			read_some(c);
		break;
	}
}

static void
start_reading(struct control *c)
{
	event_assign(&c->readable, manager_base(c->manager), c->fd, EV_READ, on_readable, c);
	c->pollable = event_add(&c->readable, NULL) == 0;
	if (!c->pollable)
		work_queue_add(&c->job);
}

static void
on_status(struct command_run *op, void *arg)
{
	(void)arg;
	log_reply(
	    "status: %.*s", (int)buffer_length(&op->reply.text), buffer_content(&op->reply.text));
}

void
control_status(struct control *c)
{
	const struct command status = {.kind = COMMAND_STATUS};

	command_run_start(&c->status, &status);
}

static void
init_run(struct control *c, struct command_run *op, const struct options *o, command_run_done *done)
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
	c->fd = c->fifo.fd = -1;
	c->job.run = on_turn;
	c->job.arg = c;
	event_assign(&c->readable, manager_base(m), -1, 0, on_readable, c);
	init_run(c, &c->run, options, on_done);
	init_run(c, &c->status, options, on_status);
	if (!options->control)
		return c;
	if (strcmp(options->control, "-") == 0) {
		c->fd = STDIN_FILENO;
	} else {
		if (!control_fifo_open(&c->fifo, options->control)) {
			control_stop(c);
			control_free(c);
			return NULL;
		}
		c->fd = c->fifo.fd;
	}
	start_reading(c);
	return c;
}

/* What is still asked gets its answer without us. */
static void
ignore_reply(struct command_run *op, void *arg)
{
	(void)op;
	(void)arg;
}

void
control_stop(struct control *c)
{
	event_del(&c->readable);
	work_queue_remove(&c->job);
	c->run.done = ignore_reply;
	control_fifo_close(&c->fifo);
}

void
control_free(struct control *c)
{
	reply_clear(&c->run.reply);
	reply_clear(&c->status.reply);
	line_reader_free(&c->lines);
	free(c);
}
