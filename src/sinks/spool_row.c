#include "config.h"

#include "sinks/spool_row.h"

#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "record/encoding.h"

static void
add_text(struct buffer *out, const struct spool_row_text *t)
{
	if (!t->bytes)
		return;
	buffer_add(out, t->bytes, t->length);
	buffer_add(out, "", 1);
}

void
spool_row_pack(const struct spool_row *row, struct buffer *out)
{
	buffer_add(out, row, sizeof *row);
	add_text(out, &row->label);
	add_text(out, &row->channel);
	add_text(out, &row->payload);
}

static const char *
place_text(const char *bytes, struct spool_row_text *t)
{
	if (!t->bytes)
		return bytes;
	t->bytes = bytes;
	return bytes + t->length + 1;
}

const char *
spool_row_unpack(const char *bytes, struct spool_row *row)
{
	memcpy(row, bytes, sizeof *row);
	bytes = place_text(bytes + sizeof *row, &row->label);
	bytes = place_text(bytes, &row->channel);
	return place_text(bytes, &row->payload);
}

/* Appends `n` bytes in UTF-8. True if it is all of it, in valid UTF-8. */
static bool
convert(struct encoding *e, const char *s, size_t n, struct buffer *out)
{
	struct segments converted;

	if (!e) {
		buffer_add(out, s, n);
		return utf8_valid(s, n);
	}
	converted = encoding_to_utf8(e, s, n);
	for (size_t i = 0; i < converted.count; i++)
		buffer_add(out, converted.list[i].bytes, converted.list[i].length);
	return converted.lossless;
}

/* Where the text that was added last starts is of no matter: spool_row_unpack() finds it. */
static struct spool_row_text
end_text(struct buffer *out, size_t start)
{
	struct spool_row_text t = {"", out->end - start};

	buffer_add(out, "", 1);
	return t;
}

/* Straight into `out`, with the lengths put in last: nothing is allocated for it. */
static void
pack_notification(const struct record *r, struct spool_row *row, struct buffer *out)
{
	struct encoding *e = r->origin ? r->origin->encoding : NULL; /* a notification has one */
	size_t header = out->end, start;

	row->pid = r->pid;
	buffer_add(out, row, sizeof *row);
	add_text(out, &row->label);
	start = out->end;
	(void)convert(e, r->channel, r->channel_length, out);
	row->channel = end_text(out, start);
	start = out->end;
	row->is_text = convert(e, r->payload, r->payload_length, out);
	if (!row->is_text) {
		out->end = start;
		buffer_add(out, r->payload, r->payload_length);
		row->encoding = encoding_name(e);
	}
	row->payload = end_text(out, start);
	memcpy(out->data + header, row, sizeof *row);
}

void
spool_row_pack_record(const struct record *r, struct buffer *out)
{
	struct spool_row row = {.kind = r->kind, .time = r->time, .count = r->count};

	if (r->origin)
		row.label = (struct spool_row_text){r->origin->label, r->origin->label_length};
	if (r->kind == RECORD_NOTIFICATION) {
		pack_notification(r, &row, out);
	} else if (r->kind == RECORD_DROPPED) {
		spool_row_pack(&row, out);
	} else if (r->since >= 0) {
		row.since = r->since;
		row.gap = r->gap;
		row.pid = r->backend_pid;
		for (size_t i = 0; i < r->channel_count; i++) {
			row.channel =
			    (struct spool_row_text){r->channels[i], strlen(r->channels[i])};
			spool_row_pack(&row, out);
		}
	}
}
