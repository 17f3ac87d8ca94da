#include "config.h"

#include "sinks/spool_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "record/encoding.h"
#include "sinks/spool_db.h"
#include "sinks/spool_reserve.h"
#include "sinks/spool_row.h"

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

struct spool_file {
	struct spool_db db;
	const char *const *channels;
	size_t channel_count;
};

struct spool_file *
spool_file_open(const char *path, bool create, int patience)
{
	struct spool_file *f = xcalloc(1, sizeof *f);

	if (spool_db_open(&f->db, path, create, patience, schema))
		return f;
	free(f);
	return NULL;
}

void
spool_file_close(struct spool_file *f)
{
	spool_db_close(&f->db);
	free(f);
}

const char *
spool_file_error(const struct spool_file *f)
{
	return f->db.error;
}

enum spool_db_result
spool_file_lock(struct spool_file *f)
{
	return spool_db_lock(&f->db);
}

size_t
spool_file_most(const struct spool_file *f)
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
bind_text(struct binding *b, int at, const struct spool_row_text *t, bool is_text)
{
	int length = (int)t->length; /* at most spool_file_most() */

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
	bind_text(b, at, &(struct spool_row_text){s, s ? strlen(s) : 0}, true);
}

/* Runs a statement without rows. */
static enum spool_db_result
run(struct spool_file *f, const struct binding *b)
{
	int code = b->code == SQLITE_OK ? b->api->step(b->statement) : b->code;
	enum spool_db_result r = spool_db_result(&f->db, code);

	b->api->reset(b->statement); /* says the same once more */
	return r;
}

static enum spool_db_result
insert(struct spool_file *f, const struct spool_row *row)
{
	bool is_gap = row->kind == RECORD_LISTENING, is_dropped = row->kind == RECORD_DROPPED;
	struct binding b = {f->db.api, f->db.statements[SPOOL_DB_INSERT], SQLITE_OK};

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

static enum spool_db_result
append_rows(struct spool_file *f, const struct buffer *rows)
{
	static const char sql[] = "INSERT INTO record (kind, time, connection, channel, payload, "
				  "encoding, pid, since, gap, count) VALUES (?,?,?,?,?,?,?,?,?,?)";
	const char *at = buffer_content(rows), *end = at + buffer_length(rows);
	enum spool_db_result r = spool_db_begin(&f->db);
	struct spool_row row;

	if (r)
		return r;
	r = spool_db_prepare(&f->db, SPOOL_DB_INSERT, sql);
	while (!r && at < end) {
		at = spool_row_unpack(at, &row);
		r = insert(f, &row);
	}
	if (!r)
		r = spool_db_grow(&f->db);
	return spool_db_finish(&f->db, r);
}

enum spool_db_result
spool_file_append(struct spool_file *f, const struct buffer *rows)
{
	enum spool_db_result r = append_rows(f, rows);

	/* Now there is room in the log, as far as there is any. */
	return r == SPOOL_DB_FAILED ? append_rows(f, rows) : r;
}

/* `released`: the reserve is needed; nobody else can get at it before the commit. NULL: it is not. */
static enum spool_db_result
remove_rows(struct spool_file *f, const int64_t *ids, size_t n, int64_t *released)
{
	enum spool_db_result r = spool_db_begin(&f->db);

	if (r)
		return r;
	if (released)
		*released = spool_reserve_release(f->db.reserve);
	r = spool_db_prepare(
	    &f->db, SPOOL_DB_REMOVE, "DELETE FROM record WHERE id BETWEEN ? AND ?");
	/* Each run of ids that follow one another takes one statement. */
	for (size_t first = 0, end; !r && first < n; first = end) {
		struct binding b = {f->db.api, f->db.statements[SPOOL_DB_REMOVE], SQLITE_OK};

		for (end = first + 1; end < n && ids[end] == ids[end - 1] + 1; end++)
			;
		bind_number(&b, 1, true, ids[first]);
		bind_number(&b, 2, true, ids[end - 1]);
		r = run(f, &b);
	}
	return spool_db_finish(&f->db, r);
}

enum spool_db_result
spool_file_remove(struct spool_file *f, const int64_t *ids, size_t n)
{
	enum spool_db_result r = remove_rows(f, ids, n, NULL);
	int64_t released = 0;

	if (r != SPOOL_DB_FAILED)
		return r;
	r = remove_rows(f, ids, n, &released);
	spool_db_checkpoint(&f->db);
	spool_reserve_restore(f->db.reserve, released);
	return r;
}

/* ----- Reading */

void
spool_file_select(struct spool_file *f, const char *const *channels, size_t n)
{
	f->channels = channels;
	f->channel_count = n;
}

static enum spool_db_result
prepare_select(struct spool_file *f)
{
	struct buffer sql = {0};
	enum spool_db_result r;

	buffer_addf(&sql, "SELECT " COLUMNS " FROM record WHERE id > ?1");
	for (size_t i = 0; i < f->channel_count; i++)
		buffer_addf(
		    &sql, "%s?%zu", i ? "," : " AND (channel IS NULL OR channel IN (", i + 3);
	buffer_addf(&sql, "%s ORDER BY id LIMIT ?2", f->channel_count ? "))" : "");
	buffer_add(&sql, "", 1);
	r = spool_db_prepare(&f->db, SPOOL_DB_SELECT, buffer_content(&sql));
	buffer_free(&sql);
	return r;
}

/* "" for NULL: people can write to the file, too. */
static struct spool_row_text
column_text(struct spool_file *f, enum column c)
{
	const char *bytes = f->db.api->column_blob(f->db.statements[SPOOL_DB_SELECT], c);

	return (struct spool_row_text){bytes ? bytes : "",
	    (size_t)f->db.api->column_bytes(f->db.statements[SPOOL_DB_SELECT], c)};
}

static int64_t
column_number(struct spool_file *f, enum column c)
{
	int64_t n = f->db.api->column_int64(f->db.statements[SPOOL_DB_SELECT], c);

	return n < 0 ? 0 : n;
}

/* The row that the statement stands on, packed. */
static void
pack_current(struct spool_file *f, struct buffer *rows)
{
	const char *kind =
	    (const char *)f->db.api->column_text(f->db.statements[SPOOL_DB_SELECT], COLUMN_KIND);
	struct spool_row_text encoding = column_text(f, COLUMN_ENCODING);
	struct spool_row row = {.kind = RECORD_NOTIFICATION,
	    .id = f->db.api->column_int64(f->db.statements[SPOOL_DB_SELECT], COLUMN_ID),
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
	spool_row_pack(&row, rows);
}

enum spool_db_result
spool_file_read(struct spool_file *f, int64_t id, size_t most, struct buffer *rows, size_t *n)
{
	enum spool_db_result r = spool_db_check(&f->db);
	struct binding b = {f->db.api, NULL, SQLITE_OK};
	int code;

	*n = 0;
	if (r || (r = prepare_select(f)))
		return r;
	b.statement = f->db.statements[SPOOL_DB_SELECT];
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
	r = spool_db_result(&f->db, code);
	b.api->reset(b.statement); /* and with it the read transaction */
	return r;
}

enum spool_db_result
spool_file_count(struct spool_file *f, struct spool_count *count)
{
	static const char sql[] =
	    "SELECT count(*), min(time) FROM (SELECT time FROM record ORDER BY id LIMIT ?)";
	enum spool_db_result r = spool_db_check(&f->db);
	struct binding b = {f->db.api, NULL, SQLITE_OK};
	int code;

	if (r || (r = spool_db_prepare(&f->db, SPOOL_DB_COUNT, sql)))
		return r;
	b.statement = f->db.statements[SPOOL_DB_COUNT];
	bind_number(&b, 1, true, SPOOL_COUNT_MOST);
	code = b.code == SQLITE_OK ? b.api->step(b.statement) : b.code;
	if (code == SQLITE_ROW) {
		count->records = (uint64_t)b.api->column_int64(b.statement, 0);
		count->oldest = b.api->column_int64(b.statement, 1);
	}
	r = spool_db_result(&f->db, code);
	b.api->reset(b.statement);
	return r;
}
