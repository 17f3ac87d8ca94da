#include "config.h"

#include "spoolfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "encoding.h"
#include "log.h"
#include "row.h"
#include "spoollock.h"
#include "sqlite.h"

/* In the file's header: "pgwt", and which layout the rest has (PRAGMA user_version). */
#define APPLICATION 0x70677774
#define LAYOUT      1

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

/*
 * Of a connection. A commit is on the disk when it returns. The log stays short, and what is removed is not
 * overwritten, since a drain must find room in the log when the disk is full.
 */
static const char settings[] = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256;"
			       "PRAGMA journal_size_limit = 1048576; PRAGMA secure_delete = OFF";

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
	const struct sqlite *api;
	sqlite3 *db;
	char *path;
	int lock; /* a descriptor of the file beside it */
	char error[160];
	const char *const *channels;
	size_t channel_count;
	sqlite3_stmt *insert, *select, *remove; /* NULL until they are needed */
};

const char *
spoolfile_error(const struct spoolfile *f)
{
	return f->error;
}

static void
set_error(struct spoolfile *f, const char *error)
{
	snprintf(f->error, sizeof f->error, "%s", error);
}

/* What SQLite answered; keeps the reason of a failure. */
static enum spoolfile_result
result(struct spoolfile *f, int code)
{
	if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
		return SPOOLFILE_OK;
	if ((code & 0xff) == SQLITE_IOERR && f->api->system_errno(f->db))
		set_error(f, strerror(f->api->system_errno(f->db)));
	else
		set_error(f, f->api->errmsg(f->db));
	return (code & 0xff) == SQLITE_BUSY ? SPOOLFILE_BUSY : SPOOLFILE_FAILED;
}

static enum spoolfile_result
execute(struct spoolfile *f, const char *sql)
{
	return result(f, f->api->exec(f->db, sql, NULL, NULL, NULL));
}

/* ----- Opening */

static unsigned long
big_endian(const unsigned char *p)
{
	return (unsigned long)p[0] << 24 | (unsigned long)p[1] << 16 | (unsigned long)p[2] << 8 |
	       p[3];
}

/*
 * Looks at the header by itself: SQLite would begin by recovering a database that is another
 * program's. NULL: a spool, or empty.
 */
static const char *
what_else(int fd)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[100];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	n = pread(fd, header, sizeof header, 0);
	if (n < 0)
		return strerror(errno);
	if (n == 0)
		return NULL;
	if (n < (ssize_t)sizeof header || memcmp(header, magic, sizeof magic) != 0)
		return "it is not a spool, but some other file";
	if (big_endian(header + 68) != APPLICATION)
		return "it is not a spool, but some other SQLite database";
	if (big_endian(header + 60) > LAYOUT)
		return "it is a spool of a newer version of pgwait";
	return NULL;
}

/* The absolute path; NULL with *error. SQLite has not opened it yet: closing would drop its locks. */
static char *
look_at(const char *path, bool create, const char **error)
{
	int fd =
	    open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (create ? O_CREAT : 0), 0600);
	char *absolute = NULL;

	*error = fd < 0 ? strerror(errno) : what_else(fd);
	if (!*error) {
		absolute = realpath(path, NULL);
		if (!absolute)
			*error = strerror(errno);
	}
	if (fd >= 0)
		close(fd);
	return absolute;
}

static enum spoolfile_result
get_number(struct spoolfile *f, const char *sql, int64_t *value)
{
	sqlite3_stmt *s;
	int code = f->api->prepare_v2(f->db, sql, -1, &s, NULL);

	if (code == SQLITE_OK)
		code = f->api->step(s);
	if (code == SQLITE_ROW)
		*value = f->api->column_int64(s, 0);
	f->api->finalize(s);
	return result(f, code);
}

/* Makes the table where there is none. Two may try at the same time. */
static enum spoolfile_result
set_up(struct spoolfile *f)
{
	int64_t version = 0;
	char *sql;
	enum spoolfile_result r;

	if ((r = execute(f, "BEGIN IMMEDIATE")) ||
	    (r = get_number(f, "PRAGMA user_version", &version)))
		return r;
	sql = xasprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    version ? "" : schema, APPLICATION, LAYOUT);
	r = execute(f, version ? "COMMIT" : sql);
	free(sql);
	if (!r && !version)
		r = execute(f, "COMMIT");
	if (!r)
		r = execute(f, "PRAGMA journal_mode = WAL"); /* the file's from now on */
	return r ? r : execute(f, settings);
}

static bool
open_database(struct spoolfile *f, int patience)
{
	int code = f->api->open_v2(f->path, &f->db, SQLITE_OPEN_READWRITE, NULL);

	if (result(f, code))
		return false;
	f->api->extended_result_codes(f->db, 1);
	f->api->busy_timeout(f->db, 5000);
	if (set_up(f))
		return false;
	f->lock = spoollock_open(f->path);
	if (f->lock < 0) {
		set_error(f, strerror(errno));
		return false;
	}
	spoollock_reserve(f->lock);
	f->api->busy_timeout(f->db, patience);
	return true;
}

struct spoolfile *
spoolfile_open(const char *path, bool create, int patience)
{
	struct spoolfile *f = xcalloc(1, sizeof *f);
	const char *error = f->error;

	f->lock = -1;
	f->path = look_at(path, create, &error);
	if (f->path)
		f->api = sqlite_load(&error);
	if (f->api && open_database(f, patience))
		return f;
	log_error("could not open the spool \"%s\": %s", path, f->api ? f->error : error);
	spoolfile_close(f);
	return NULL;
}

void
spoolfile_close(struct spoolfile *f)
{
	if (f->api) {
		f->api->finalize(f->insert);
		f->api->finalize(f->select);
		f->api->finalize(f->remove);
		f->api->close(f->db);
	}
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f);
}

bool
spoolfile_lock(struct spoolfile *f)
{
	return spoollock_take(f->lock);
}

/* ----- Writing */

static int
prepare(struct spoolfile *f, sqlite3_stmt **s, const char *sql)
{
	return *s ? SQLITE_OK : f->api->prepare_v2(f->db, sql, -1, s, NULL);
}

/* SQLite would go on writing to a file that nobody finds any more. */
static bool
is_in_place(struct spoolfile *f)
{
	int moved = 0;

	f->api->file_control(f->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		set_error(f, "the file was removed or moved");
	return !moved;
}

static enum spoolfile_result
begin(struct spoolfile *f)
{
	return is_in_place(f) ? execute(f, "BEGIN IMMEDIATE") : SPOOLFILE_FAILED;
}

/* What was committed goes from the log to its place, which makes room in the log. */
static void
checkpoint(struct spoolfile *f)
{
	f->api->wal_checkpoint_v2(f->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Commits, or takes everything back. */
static enum spoolfile_result
finish(struct spoolfile *f, enum spoolfile_result r)
{
	if (!r)
		r = execute(f, "COMMIT");
	if (!r)
		return r;
	f->api->exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	if (r == SPOOLFILE_FAILED)
		checkpoint(f);
	return r;
}

/* The strings stay until the statement is reset. */
static void
bind_text(struct spoolfile *f, enum column c, const struct row_text *t, bool is_text)
{
	if (!t->bytes)
		f->api->bind_null(f->insert, c);
	else if (is_text)
		f->api->bind_text(f->insert, c, t->bytes, (int)t->length, SQLITE_STATIC);
	else
		f->api->bind_blob(f->insert, c, t->bytes, (int)t->length, SQLITE_STATIC);
}

static void
bind_number(struct spoolfile *f, enum column c, bool has, int64_t n)
{
	if (has)
		f->api->bind_int64(f->insert, c, n);
	else
		f->api->bind_null(f->insert, c);
}

static enum spoolfile_result
insert(struct spoolfile *f, const struct row *row)
{
	const char *kind = kind_names[row->kind], *encoding = row->encoding;
	bool is_gap = row->kind == RECORD_LISTENING, is_dropped = row->kind == RECORD_DROPPED;
	int code;

	f->api->bind_text(f->insert, COLUMN_KIND, kind, -1, SQLITE_STATIC);
	f->api->bind_int64(f->insert, COLUMN_TIME, row->time);
	bind_text(f, COLUMN_CONNECTION, &row->label, true);
	bind_text(f, COLUMN_CHANNEL, &row->channel, true);
	bind_text(f, COLUMN_PAYLOAD, &row->payload, row->is_text);
	bind_text(f, COLUMN_ENCODING, &(struct row_text){encoding, encoding ? strlen(encoding) : 0},
	    true);
	bind_number(f, COLUMN_PID, !is_dropped, row->pid);
	bind_number(f, COLUMN_SINCE, is_gap, row->since);
	bind_number(f, COLUMN_GAP, is_gap, row->gap);
	bind_number(f, COLUMN_COUNT, is_dropped, (int64_t)row->count);
	code = f->api->step(f->insert);
	f->api->reset(f->insert);
	return result(f, code);
}

enum spoolfile_result
spoolfile_append(struct spoolfile *f, const struct buffer *rows)
{
	static const char sql[] = "INSERT INTO record (kind, time, connection, channel, payload, "
				  "encoding, pid, since, gap, count) VALUES (?,?,?,?,?,?,?,?,?,?)";
	const char *at = buffer_content(rows), *end = at + buffer_length(rows);
	enum spoolfile_result r = begin(f);
	struct row row;

	if (r)
		return r;
	r = result(f, prepare(f, &f->insert, sql));
	while (!r && at < end) {
		at = row_unpack(at, &row);
		r = insert(f, &row);
	}
	return finish(f, r);
}

/* `released`: the reserve is needed; nobody else can get at it before the commit. NULL: it is not. */
static enum spoolfile_result
remove_rows(struct spoolfile *f, const int64_t *ids, size_t n, int64_t *released)
{
	enum spoolfile_result r = begin(f);

	if (r)
		return r;
	if (released)
		*released = spoollock_release(f->lock);
	r = result(f, prepare(f, &f->remove, "DELETE FROM record WHERE id = ?"));
	for (size_t i = 0; !r && i < n; i++) {
		int code;

		f->api->bind_int64(f->remove, 1, ids[i]);
		code = f->api->step(f->remove);
		f->api->reset(f->remove);
		r = result(f, code);
	}
	return finish(f, r);
}

enum spoolfile_result
spoolfile_remove(struct spoolfile *f, const int64_t *ids, size_t n)
{
	enum spoolfile_result r = remove_rows(f, ids, n, NULL);
	int64_t released = 0;

	if (r != SPOOLFILE_FAILED)
		return r;
	r = remove_rows(f, ids, n, &released);
	checkpoint(f);
	spoollock_restore(f->lock, released);
	return r;
}

/* ----- Reading */

void
spoolfile_select(struct spoolfile *f, const char *const *channels, size_t n)
{
	f->channels = channels;
	f->channel_count = n;
}

static int
prepare_select(struct spoolfile *f)
{
	struct buffer sql = {0};
	int code;

	if (f->select)
		return SQLITE_OK;
	buffer_addf(&sql, "SELECT " COLUMNS " FROM record WHERE id > ?1");
	for (size_t i = 0; i < f->channel_count; i++)
		buffer_addf(
		    &sql, "%s?%zu", i ? "," : " AND (channel IS NULL OR channel IN (", i + 3);
	buffer_addf(&sql, "%s ORDER BY id LIMIT ?2", f->channel_count ? "))" : "");
	code = f->api->prepare_v2(
	    f->db, buffer_content(&sql), (int)buffer_length(&sql), &f->select, NULL);
	buffer_free(&sql);
	for (size_t i = 0; code == SQLITE_OK && i < f->channel_count; i++)
		code = f->api->bind_text(f->select, (int)i + 3, f->channels[i], -1, SQLITE_STATIC);
	return code;
}

/* "" for NULL: people can write to the file, too. */
static struct row_text
column_text(struct spoolfile *f, enum column c)
{
	const char *bytes = f->api->column_blob(f->select, c);

	return (struct row_text){bytes ? bytes : "", (size_t)f->api->column_bytes(f->select, c)};
}

static int64_t
column_number(struct spoolfile *f, enum column c)
{
	int64_t n = f->api->column_int64(f->select, c);

	return n < 0 ? 0 : n;
}

/* The row that the statement stands on, packed. */
static void
pack_current(struct spoolfile *f, struct buffer *rows)
{
	const char *kind = (const char *)f->api->column_text(f->select, COLUMN_KIND);
	struct row_text encoding = column_text(f, COLUMN_ENCODING);
	struct row row = {.kind = RECORD_NOTIFICATION,
	    .id = f->api->column_int64(f->select, COLUMN_ID),
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

enum spoolfile_result
spoolfile_read(struct spoolfile *f, int64_t id, size_t most, struct buffer *rows, size_t *n)
{
	int code = prepare_select(f);

	*n = 0;
	if (code != SQLITE_OK)
		return result(f, code);
	f->api->bind_int64(f->select, 1, id);
	f->api->bind_int64(f->select, 2, (int64_t)most);
	while ((code = f->api->step(f->select)) == SQLITE_ROW) {
		pack_current(f, rows);
		++*n;
	}
	f->api->reset(f->select); /* and with it the read transaction */
	return result(f, code);
}
