#include "config.h"

#include "sinks/spoolfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "record/encoding.h"
#include "sinks/row.h"
#include "sinks/spooldb.h"
#include "sinks/spoolreserve.h"

static const char schema[] = "CREATE TABLE record ("
			     " id INTEGER PRIMARY KEY AUTOINCREMENT,"
			     " kind TEXT NOT NULL,"
			     " time INTEGER NOT NULL,"
			     " connection TEXT,"
			     " channel TEXT,"
			     " payload,"
			     " encoding TEXT,"
			     " pid INTEGER,"
			     " since INTEGER,"
			     " gap INTEGER,"
			     " count INTEGER);";

#define COLUMNS "id, kind, time, connection, channel, payload, encoding, pid, since, gap, count"

enum column {
	COLUMN_ID,
	COLUMN_KIND,
	COLUMN_TIME,
	COLUMN_CONNECTION,
	COLUMN_CHANNEL,
	COLUMN_PAYLOAD,
	COLUMN_ENCODING,
	COLUMN_PID,
	COLUMN_SINCE,
	COLUMN_GAP,
	COLUMN_COUNT
};

static const char *const kind_names[] = {[RECORD_NOTIFICATION] = "notification",
    [RECORD_LISTENING] = "gap",
    [RECORD_DROPPED] = "dropped"};

struct spoolfile {
	struct spooldb db;
	const char *const *channels;
	size_t channel_count;
};

struct spoolfile *
spoolfile_open(const char *path, bool create, int patience)
{
	struct spoolfile *f = xcalloc(1, sizeof *f);

	if (spooldb_open(&f->db, path, create, patience, schema))
		return f;
	free(f);
	return NULL;
}

void
spoolfile_close(struct spoolfile *f)
{
	spooldb_close(&f->db);
	free(f);
}

const char *
spoolfile_error(const struct spoolfile *f)
{
	return f->db.error;
}

enum spooldb_result
spoolfile_lock(struct spoolfile *f)
{
	return spooldb_lock(&f->db);
}

size_t
spoolfile_most(const struct spoolfile *f)
{
	return f->db.most;
}

/* ----- Writing */

/* Values for a statement. The first that cannot be bound is what counts. */
struct binding {
	const struct sqlite *api;
	sqlite3_stmt *statement;
	int code;
};

static void
bound(struct binding *b, int code)
{
	if (b->code == SQLITE_OK)
		b->code = code;
}

static void
bind_number(struct binding *b, int at, bool has, int64_t n)
{
	bound(
	    b, has ? b->api->bind_int64(b->statement, at, n) : b->api->bind_null(b->statement, at));
}

/* The bytes stay until the statement is reset. */
static void
bind_text(struct binding *b, int at, const struct row_text *t, bool is_text)
{
	int length = (int)t->length; /* at most spoolfile_most() */

	if (!t->bytes)
		bound(b, b->api->bind_null(b->statement, at));
	else if (is_text)
		bound(b, b->api->bind_text(b->statement, at, t->bytes, length, SQLITE_STATIC));
	else
		bound(b, b->api->bind_blob(b->statement, at, t->bytes, length, SQLITE_STATIC));
}

static void
bind_string(struct binding *b, int at, const char *s)
{
	bind_text(b, at, &(struct row_text){s, s ? strlen(s) : 0}, true);
}

/* Runs a statement without rows. */
static enum spooldb_result
run(struct spoolfile *f, const struct binding *b)
{
	int code = b->code == SQLITE_OK ? b->api->step(b->statement) : b->code;
	enum spooldb_result r = spooldb_result(&f->db, code);

	b->api->reset(b->statement); /* says the same once more */
	return r;
}

static enum spooldb_result
insert(struct spoolfile *f, const struct row *row)
{
	bool is_gap = row->kind == RECORD_LISTENING, is_dropped = row->kind == RECORD_DROPPED;
	struct binding b = {f->db.api, f->db.statements[SPOOLDB_INSERT], SQLITE_OK};

	bind_string(&b, COLUMN_KIND, kind_names[row->kind]);
	bind_number(&b, COLUMN_TIME, true, row->time);
	bind_text(&b, COLUMN_CONNECTION, &row->label, true);
	bind_text(&b, COLUMN_CHANNEL, &row->channel, true);
	bind_text(&b, COLUMN_PAYLOAD, &row->payload, row->is_text);
	bind_string(&b, COLUMN_ENCODING, row->encoding);
	bind_number(&b, COLUMN_PID, !is_dropped, row->pid);
	bind_number(&b, COLUMN_SINCE, is_gap, row->since);
	bind_number(&b, COLUMN_GAP, is_gap, row->gap);
	bind_number(&b, COLUMN_COUNT, is_dropped, (int64_t)row->count);
	return run(f, &b);
}

static enum spooldb_result
append_rows(struct spoolfile *f, const struct buffer *rows)
{
	static const char sql[] = "INSERT INTO record (kind, time, connection, channel, payload, "
				  "encoding, pid, since, gap, count) VALUES (?,?,?,?,?,?,?,?,?,?)";
	const char *at = buffer_content(rows), *end = at + buffer_length(rows);
	enum spooldb_result r = spooldb_begin(&f->db);
	struct row row;

	if (r)
		return r;
	r = spooldb_prepare(&f->db, SPOOLDB_INSERT, sql);
	while (!r && at < end) {
		at = row_unpack(at, &row);
		r = insert(f, &row);
	}
	if (!r)
		r = spooldb_grow(&f->db);
	return spooldb_finish(&f->db, r);
}

enum spooldb_result
spoolfile_append(struct spoolfile *f, const struct buffer *rows)
{
	enum spooldb_result r = append_rows(f, rows);

	/* Now there is room in the log, as far as there is any. */
	return r == SPOOLDB_FAILED ? append_rows(f, rows) : r;
}

/* `released`: the reserve is needed; nobody else can get at it before the commit. NULL: it is not. */
static enum spooldb_result
remove_rows(struct spoolfile *f, const int64_t *ids, size_t n, int64_t *released)
{
	enum spooldb_result r = spooldb_begin(&f->db);

	if (r)
		return r;
	if (released)
		*released = spoolreserve_release(f->db.reserve);
	r = spooldb_prepare(&f->db, SPOOLDB_REMOVE, "DELETE FROM record WHERE id = ?");
	for (size_t i = 0; !r && i < n; i++) {
		struct binding b = {f->db.api, f->db.statements[SPOOLDB_REMOVE], SQLITE_OK};

		bind_number(&b, 1, true, ids[i]);
		r = run(f, &b);
	}
	return spooldb_finish(&f->db, r);
}

enum spooldb_result
spoolfile_remove(struct spoolfile *f, const int64_t *ids, size_t n)
{
	enum spooldb_result r = remove_rows(f, ids, n, NULL);
	int64_t released = 0;

	if (r != SPOOLDB_FAILED)
		return r;
	r = remove_rows(f, ids, n, &released);
	spooldb_checkpoint(&f->db);
	spoolreserve_restore(f->db.reserve, released);
	return r;
}

/* ----- Reading */

void
spoolfile_select(struct spoolfile *f, const char *const *channels, size_t n)
{
	f->channels = channels;
	f->channel_count = n;
}

static enum spooldb_result
prepare_select(struct spoolfile *f)
{
	struct buffer sql = {0};
	enum spooldb_result r;

	buffer_addf(&sql, "SELECT " COLUMNS " FROM record WHERE id > ?1");
	for (size_t i = 0; i < f->channel_count; i++)
		buffer_addf(
		    &sql, "%s?%zu", i ? "," : " AND (channel IS NULL OR channel IN (", i + 3);
	buffer_addf(&sql, "%s ORDER BY id LIMIT ?2", f->channel_count ? "))" : "");
	buffer_add(&sql, "", 1);
	r = spooldb_prepare(&f->db, SPOOLDB_SELECT, buffer_content(&sql));
	buffer_free(&sql);
	return r;
}

/* "" for NULL: people can write to the file, too. */
static struct row_text
column_text(struct spoolfile *f, enum column c)
{
	const char *bytes = f->db.api->column_blob(f->db.statements[SPOOLDB_SELECT], c);

	return (struct row_text){bytes ? bytes : "",
	    (size_t)f->db.api->column_bytes(f->db.statements[SPOOLDB_SELECT], c)};
}

static int64_t
column_number(struct spoolfile *f, enum column c)
{
	int64_t n = f->db.api->column_int64(f->db.statements[SPOOLDB_SELECT], c);

	return n < 0 ? 0 : n;
}

/* The row that the statement stands on, packed. */
static void
pack_current(struct spoolfile *f, struct buffer *rows)
{
	const char *kind =
	    (const char *)f->db.api->column_text(f->db.statements[SPOOLDB_SELECT], COLUMN_KIND);
	struct row_text encoding = column_text(f, COLUMN_ENCODING);
	struct row row = {.kind = RECORD_NOTIFICATION,
	    .id = f->db.api->column_int64(f->db.statements[SPOOLDB_SELECT], COLUMN_ID),
	    .time = column_number(f, COLUMN_TIME),
	    .label = column_text(f, COLUMN_CONNECTION),
	    .channel = column_text(f, COLUMN_CHANNEL),
	    .payload = column_text(f, COLUMN_PAYLOAD),
	    .since = column_number(f, COLUMN_SINCE),
	    .gap = column_number(f, COLUMN_GAP),
	    .count = (uint64_t)column_number(f, COLUMN_COUNT),
	    .pid = (int)column_number(f, COLUMN_PID)};

	for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
		if (kind && kind_names[i] && strcmp(kind_names[i], kind) == 0)
			row.kind = (enum record_kind)i;
	row.encoding = encoding_find(encoding.bytes, encoding.length);
	row_pack(&row, rows);
}

enum spooldb_result
spoolfile_read(struct spoolfile *f, int64_t id, size_t most, struct buffer *rows, size_t *n)
{
	enum spooldb_result r = spooldb_check(&f->db);
	struct binding b = {f->db.api, NULL, SQLITE_OK};
	int code;

	*n = 0;
	if (r || (r = prepare_select(f)))
		return r;
	b.statement = f->db.statements[SPOOLDB_SELECT];
	bind_number(&b, 1, true, id);
	bind_number(&b, 2, true, (int64_t)most);
	for (size_t i = 0; i < f->channel_count; i++)
		bind_string(&b, (int)i + 3, f->channels[i]);
	code = b.code;
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = b.api->step(b.statement);
		if (code == SQLITE_ROW) {
			pack_current(f, rows);
			++*n;
		}
	}
	r = spooldb_result(&f->db, code);
	b.api->reset(b.statement); /* and with it the read transaction */
	return r;
}
