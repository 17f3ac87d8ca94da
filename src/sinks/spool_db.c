#include "config.h"

#include "sinks/spool_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/portable.h"
#include "sinks/spool_reserve.h"

/* In the file's header: "pgwt", and the version of the tables (PRAGMA user_version). */
#define APPLICATION 0x70677774
#define LAYOUT      1

/* How long the start waits for other processes, in milliseconds. */
#define PATIENCE_AT_START 5000

/* The byte of the file that is locked. SQLite locks others, from 1 GiB on. */
#define LOCKED_BYTE (INT64_C(1) << 40)

#if defined PORTABLE || !defined F_OFD_SETLK
#undef F_OFD_SETLK
/* A lock that belongs to the process is lost when the process opens the database again. */
#define F_OFD_SETLK F_SETLK
#endif

/*
 * Of a connection. A commit is on the disk when it returns. The log stays short, but keeps the space that it has
 * (256 pages and a transaction, about 1.6 MiB), and what is removed is not overwritten, since all that is written
 * must find room in the log when the disk is full.
 */
static const char settings[] = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 256;"
			       "PRAGMA journal_size_limit = 2097152; PRAGMA secure_delete = OFF";

static void
set_error(struct spool_db *d, const char *error)
{
	snprintf(d->error, sizeof d->error, "%s", error);
}

enum spool_db_result
spool_db_result(struct spool_db *d, int code)
{
	if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
		return SPOOL_DB_OK;
	/* A short read sets no errno. */
	if ((code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_SHORT_READ &&
	    d->api->system_errno(d->db))
		set_error(d, strerror(d->api->system_errno(d->db)));
	else
		set_error(d, d->api->errmsg(d->db));
	return (code & 0xff) == SQLITE_BUSY ? SPOOL_DB_BUSY : SPOOL_DB_FAILED;
}

static enum spool_db_result
execute(struct spool_db *d, const char *sql)
{
	return spool_db_result(d, d->api->exec(d->db, sql, NULL, NULL, NULL));
}

/* ----- Opening */

static unsigned long
big_endian(const unsigned char *p)
{
	return (unsigned long)p[0] << 24 | (unsigned long)p[1] << 16 | (unsigned long)p[2] << 8 |
	       p[3];
}

/* What a file is that is no spool; NULL: it has the header of a spool, or is empty. */
static const char *
what_else(int fd)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[100];
	ssize_t n = pread(fd, header, sizeof header, 0);

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

/*
 * Looks at the file without SQLite, which would begin by recovering a database that is another program's. NULL: it is a
 * spool, or empty. Otherwise why it cannot be used.
 */
static const char *
what_wrong(struct spool_db *d)
{
	struct stat st;

	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return strerror(errno);
	d->files[SPOOL_DB_MAIN] = (struct spool_db_identity){st.st_dev, st.st_ino};
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return "others own it or may write to it; accepted is a file that only you can "
		       "write to (chmod 600)";
	return what_else(d->fd);
}

/* Opens the file, and finds its absolute name and those of its log and index. */
static const char *
look_at(struct spool_db *d, const char *path, bool create)
{
	static const char *const suffixes[SPOOL_DB_FILES] = {"", "-wal", "-shm"};
	const char *error;
	char *absolute;

	d->fd =
	    open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (create ? O_CREAT : 0), 0600);
	error = what_wrong(d);
	if (error)
		return error;
	absolute = realpath(path, NULL);
	if (!absolute)
		return strerror(errno);
	for (int i = 0; i < SPOOL_DB_FILES; i++)
		d->names[i] = xasprintf("%s%s", absolute, suffixes[i]);
	free(absolute);
	return NULL;
}

static enum spool_db_result
get_number(struct spool_db *d, const char *sql, int64_t *value)
{
	sqlite3_stmt *s;
	int code = d->api->prepare_v2(d->db, sql, -1, &s, NULL);

	if (code == SQLITE_OK)
		code = d->api->step(s);
	if (code == SQLITE_ROW)
		*value = d->api->column_int64(s, 0);
	d->api->finalize(s);
	return spool_db_result(d, code);
}

/* Makes the table if there is none. Two processes may try at the same time. */
static enum spool_db_result
set_up(struct spool_db *d)
{
	int64_t version = 0;
	char *sql;
	enum spool_db_result r;

	if ((r = execute(d, "BEGIN IMMEDIATE")) ||
	    (r = get_number(d, "PRAGMA user_version", &version)))
		return r;
	sql = xasprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    version ? "" : d->schema, APPLICATION, LAYOUT);
	r = execute(d, version ? "COMMIT" : sql);
	free(sql);
	if (!r && !version)
		r = execute(d, "COMMIT");
	if (!r)
		r = execute(d, "PRAGMA journal_mode = WAL"); /* the file keeps this mode */
	if (!r)
		r = execute(d, settings);
	/* SQLite opens the log when it reads for the first time. */
	if (!r)
		r = get_number(d, "PRAGMA user_version", &version);
	return r ? r : get_number(d, "PRAGMA page_size", &d->page_size);
}

/* What is there under the name of a file that is open. */
enum place { PLACE_SAME, PLACE_BLANK /* nothing, or nothing in it */, PLACE_OTHER };

static enum place
place_of(const struct spool_db *d, enum spool_db_file i)
{
	struct stat st;

	if (stat(d->names[i], &st) < 0)
		return errno == ENOENT ? PLACE_BLANK : PLACE_OTHER;
	if (st.st_dev == d->files[i].device && st.st_ino == d->files[i].inode)
		return PLACE_SAME;
	return st.st_size == 0 ? PLACE_BLANK : PLACE_OTHER;
}

static enum spool_db_result
check_main(struct spool_db *d)
{
	if (place_of(d, SPOOL_DB_MAIN) == PLACE_SAME)
		return SPOOL_DB_OK;
	set_error(d, "the file was removed or moved");
	return SPOOL_DB_FAILED;
}

/* Notes which file SQLite has open. If the file system allows no log, there is no such file. */
static enum spool_db_result
identify(struct spool_db *d, enum spool_db_file i)
{
	struct stat st;

	if (stat(d->names[i], &st) < 0) {
		snprintf(d->error, sizeof d->error, "\"%s\": %s", d->names[i], strerror(errno));
		return SPOOL_DB_FAILED;
	}
	d->files[i] = (struct spool_db_identity){st.st_dev, st.st_ino};
	return SPOOL_DB_OK;
}

static void
close_database(struct spool_db *d)
{
	for (int i = 0; i < SPOOL_DB_STATEMENTS; i++) {
		d->api->finalize(d->statements[i]);
		d->statements[i] = NULL;
	}
	d->api->close(d->db);
	d->db = NULL;
}

static enum spool_db_result
open_database(struct spool_db *d, int patience)
{
	/* The main thread alone uses it: without SQLite's own locks a row takes 6 % fewer instructions. */
	int code = d->api->open_v2(
	    d->names[SPOOL_DB_MAIN], &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	enum spool_db_result r = spool_db_result(d, code);

	if (!r) {
		d->api->extended_result_codes(d->db, 1);
		d->api->busy_timeout(d->db, patience);
		d->most = (size_t)d->api->limit(d->db, SQLITE_LIMIT_LENGTH, -1);
		r = set_up(d);
	}
	if (!r && !(r = check_main(d)) && !(r = identify(d, SPOOL_DB_LOG)))
		r = identify(d, SPOOL_DB_INDEX);
	if (r)
		close_database(d);
	else
		d->api->busy_timeout(d->db, d->patience);
	return r;
}

static enum spool_db_result
open_reserve(struct spool_db *d)
{
	d->reserve = spool_reserve_open(d->names[SPOOL_DB_MAIN]);
	if (d->reserve >= 0)
		return SPOOL_DB_OK;
	snprintf(d->error, sizeof d->error, "the reserve beside it: %s", strerror(errno));
	return SPOOL_DB_FAILED;
}

bool
spool_db_open(struct spool_db *d, const char *path, bool create, int patience, const char *schema)
{
	const char *error;

	*d = (struct spool_db){.schema = schema, .patience = patience, .fd = -1, .reserve = -1};
	error = look_at(d, path, create);
	if (!error)
		d->api = sqlite_load(&error);
	if (d->api && !open_database(d, PATIENCE_AT_START) && !open_reserve(d))
		return true;
	log_error("could not open the spool \"%s\": %s", path, d->api ? d->error : error);
	spool_db_close(d);
	return false;
}

void
spool_db_close(struct spool_db *d)
{
	if (d->api)
		close_database(d);
	if (d->reserve >= 0)
		close(d->reserve);
	if (d->fd >= 0)
		close(d->fd);
	for (int i = 0; i < SPOOL_DB_FILES; i++)
		free(d->names[i]);
}

enum spool_db_result
spool_db_lock(struct spool_db *d)
{
	struct flock lock = {
	    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKED_BYTE, .l_len = 1};

	if (fcntl(d->fd, F_OFD_SETLK, &lock) == 0)
		return SPOOL_DB_OK;
	set_error(d, strerror(errno));
	return errno == EAGAIN || errno == EACCES ? SPOOL_DB_BUSY : SPOOL_DB_FAILED;
}

/* ----- Files that are removed meanwhile */

/* When SQLite closes the database, it would copy its log into it, and remove the file that has the log's name now. */
static void
leave_alone(struct spool_db *d)
{
	d->api->db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/*
 * Opens the database again, with files that others find, too. If the log still has its name, SQLite reads it again; if
 * not, copies what it has to the database before.
 */
static enum spool_db_result
open_again(struct spool_db *d, bool has_log)
{
	enum spool_db_result r = SPOOL_DB_OK;

	if (has_log)
		leave_alone(d);
	else
		r = spool_db_result(d,
		    d->api->wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
	if (r)
		return r;
	log_warning("somebody removed \"%s\", which the spool needs: it is made again, and nothing "
		    "was lost",
	    d->names[has_log ? SPOOL_DB_INDEX : SPOOL_DB_LOG]);
	close_database(d);
	return open_database(d, d->patience);
}

enum spool_db_result
spool_db_check(struct spool_db *d)
{
	enum spool_db_result r = check_main(d);

	if (r)
		return r;
	if (!d->db)
		return open_database(d, d->patience);
	switch (place_of(d, SPOOL_DB_LOG)) {
	case PLACE_SAME:
		return place_of(d, SPOOL_DB_INDEX) == PLACE_SAME ? SPOOL_DB_OK
								 : open_again(d, true);
	case PLACE_BLANK: /* nobody has written to the new file */
		return open_again(d, false);
	case PLACE_OTHER:
		break;
	}
	leave_alone(d);
	set_error(d, "another file took the place of its log (-wal) while it was in use");
	return SPOOL_DB_FAILED;
}

/* ----- Transactions */

enum spool_db_result
spool_db_prepare(struct spool_db *d, enum spool_db_statement which, const char *sql)
{
	sqlite3_stmt **s = &d->statements[which];

	return *s ? SPOOL_DB_OK : spool_db_result(d, d->api->prepare_v2(d->db, sql, -1, s, NULL));
}

enum spool_db_result
spool_db_begin(struct spool_db *d)
{
	enum spool_db_result r = spool_db_check(d);

	return r ? r : execute(d, "BEGIN IMMEDIATE");
}

enum spool_db_result
spool_db_grow(struct spool_db *d)
{
	int64_t pages = 0;
	struct stat st;
	enum spool_db_result r = get_number(d, "PRAGMA page_count", &pages);
	int error = 0;

	if (r)
		return r;
	if (fstat(d->fd, &st) < 0)
		error = errno;
	else if (st.st_size < pages * d->page_size)
		error = portable_extend(d->fd, pages * d->page_size);
	if (error == 0 || error == EOPNOTSUPP || error == EINVAL) /* some file systems cannot */
		return SPOOL_DB_OK;
	set_error(d, strerror(error));
	return SPOOL_DB_FAILED;
}

enum spool_db_result
spool_db_finish(struct spool_db *d, enum spool_db_result r)
{
	if (!r)
		r = execute(d, "COMMIT");
	if (!r)
		return r;
	/* SQLite may have rolled back by itself: then this is an error, which does not matter. */
	d->api->exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	if (r == SPOOL_DB_FAILED)
		spool_db_checkpoint(d);
	return r;
}

/* Copies the log to the database. False: that failed. True also if another process copies it. */
static bool
copy_log(struct spool_db *d)
{
	int code = d->api->wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY;
}

/* Reports no error: the next commit would fail for the same reason, and reports it. */
void
spool_db_checkpoint(struct spool_db *d)
{
	int64_t released;

	if (!d->db || copy_log(d))
		return;
	released = spool_reserve_release(d->reserve);
	(void)copy_log(d);
	spool_reserve_restore(d->reserve, released);
}
