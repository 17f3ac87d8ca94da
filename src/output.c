#include "config.h"

#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "format.h"
#include "log.h"
#include "record.h"
#include "stream.h"

struct output {
	struct sink sink;
	struct format *format;
	struct stream *stream;
	struct buffer bytes;
	struct buffer lengths; /* uint32_t for each record that has bytes in `bytes` */
	size_t written;        /* of the first of those */
	bool waiting, ended, reader_gone;
	int error;
	void (*changed)(void *arg);
	void *arg;
};

static void
output_take(struct sink *s, const struct record *r)
{
	struct output *o = (struct output *)s;
	size_t before = buffer_length(&o->bytes);
	uint32_t length;

	format_write(o->format, r, &o->bytes);
	length = (uint32_t)(buffer_length(&o->bytes) - before);
	buffer_add(&o->lengths, &length, sizeof length);
}

static bool
output_room(const struct sink *s)
{
	const struct output *o = (const struct output *)s;

	return buffer_length(&o->bytes) < OUTPUT_BUFFER;
}

/* `n` bytes more were written: how many records does that complete? */
static void
count_written(struct output *o, size_t n)
{
	buffer_consume(&o->bytes, n);
	o->written += n;
	while (buffer_length(&o->lengths)) {
		uint32_t length;

		memcpy(&length, buffer_content(&o->lengths), sizeof length);
		if (length > o->written)
			break;
		o->written -= length;
		buffer_consume(&o->lengths, sizeof length);
		o->sink.out++;
	}
}

static void
output_pass(struct sink *s)
{
	struct output *o = (struct output *)s;
	ssize_t w;

	if (o->ended || o->waiting || buffer_length(&o->bytes) == 0)
		return;
	w = stream_write(o->stream, buffer_content(&o->bytes), buffer_length(&o->bytes));
	if (w < 0) {
		o->ended = true;
		o->error = errno;
		o->reader_gone = errno == EPIPE || errno == ECONNRESET;
		o->changed(o->arg);
		return;
	}
	count_written(o, (size_t)w);
	if (buffer_length(&o->bytes)) {
		o->waiting = true;
		stream_wait(o->stream);
	}
}

static void
on_writable(void *arg)
{
	struct output *o = arg;

	o->waiting = false;
	o->changed(o->arg);
}

static void
on_gone(void *arg)
{
	struct output *o = arg;

	o->ended = o->reader_gone = true;
	o->changed(o->arg);
}

struct output *
output_new(struct event_base *base, struct format *format, void (*changed)(void *arg), void *arg)
{
	static const struct sink_ops ops = {
	    .take = output_take, .room = output_room, .pass = output_pass};
	struct output *o = xcalloc(1, sizeof *o);

	o->sink.ops = &ops;
	o->sink.kinds = RECORD_BIT(RECORD_NOTIFICATION);
	o->format = format;
	o->changed = changed;
	o->arg = arg;
	o->stream = stream_open(base, STDOUT_FILENO, on_writable, on_gone, o);
	return o;
}

struct sink *
output_sink(struct output *o)
{
	return &o->sink;
}

bool
output_ended(const struct output *o)
{
	return o->ended;
}

bool
output_finish(struct output *o)
{
	uint64_t left = o->sink.in - o->sink.out;
	bool failed = o->error && !o->reader_gone;
	char *count = xasprintf("; %llu notification%s not written", (unsigned long long)left,
	    left == 1 ? " was" : "s were");

	if (!stream_close(o->stream) && !o->error) {
		failed = true;
		log_error("could not close standard output: %s", strerror(errno));
	} else if (failed) {
		log_error("could not write to standard output: %s%s", strerror(o->error),
		    left ? count : "");
	} else if (left) {
		log_error("%s%s",
		    o->reader_gone ? "the reader of standard output is gone"
				   : "standard output takes nothing more",
		    count);
	}
	free(count);
	buffer_free(&o->bytes);
	buffer_free(&o->lengths);
	free(o);
	return left == 0 && !failed;
}
