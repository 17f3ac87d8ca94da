/*
 * The database that a spool is: a file of ours alone, open, locked by whoever drains it, and still where it
 * was when something is written to it.
 */
#ifndef PGWAIT_SPOOL_DB_H
#define PGWAIT_SPOOL_DB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"
#include "sinks/sqlite.h"

enum spool_db_result {
	SPOOL_DB_OK,
	SPOOL_DB_BUSY,  /* another process is at it, for longer than we wait */
	SPOOL_DB_FAILED /* anything else, such as a full disk */
};

/* The database itself; SQLite's log (WAL), which has what was committed last; and the index of the log. */
enum spool_db_file { SPOOL_DB_MAIN, SPOOL_DB_LOG, SPOOL_DB_INDEX, SPOOL_DB_FILES };

enum spool_db_statement { SPOOL_DB_INSERT, SPOOL_DB_SELECT, SPOOL_DB_REMOVE, SPOOL_DB_STATEMENTS };

/* Others may read: api, most, reserve, statements, error. */
struct spool_db {
	const struct sqlite *api;
	sqlite3 *db; /* NULL: it could not be opened again */
	const char *schema;
	int patience;
	size_t most;       /* bytes of a row */
	int64_t page_size; /* bytes */
	/* Of the file, for the lock. Closed last: that drops SQLite's own locks, too. */
	int fd;
	int reserve; /* of the file with the reserve (spool_reserve.h) */
	char *names[SPOOL_DB_FILES];
	struct spool_db_identity {
		dev_t device;
		ino_t inode;
	} files[SPOOL_DB_FILES]; /* those that are open */
	/* NULL until spool_db_prepare(), and again after the database was opened again. */
	sqlite3_stmt *statements[SPOOL_DB_STATEMENTS];
	char error[160]; /* why the last call failed */
};

/*
 * An empty file gets the `schema`, and with `create` a missing one is made. `patience`: milliseconds to wait for
 * other processes. False where it cannot be opened, or is something else, which is left alone; it has been said.
 */
MUST_CHECK bool spool_db_open(
    struct spool_db *d, const char *path, bool create, int patience, const char *schema);
void spool_db_close(struct spool_db *d);

/* For as long as it is open; BUSY where another process has it. */
MUST_CHECK enum spool_db_result spool_db_lock(struct spool_db *d);

/* What SQLite answered to a call. */
MUST_CHECK enum spool_db_result spool_db_result(struct spool_db *d, int code);

/*
 * To be called before each use, when nothing is prepared or begun: SQLite would go on with files that nobody
 * finds any more. What somebody removed of its files is made again, without a loss.
 */
MUST_CHECK enum spool_db_result spool_db_check(struct spool_db *d);

/* Makes statements[which], unless it is there. */
MUST_CHECK enum spool_db_result spool_db_prepare(
    struct spool_db *d, enum spool_db_statement which, const char *sql);

/* Checks, and begins a transaction that writes. */
MUST_CHECK enum spool_db_result spool_db_begin(struct spool_db *d);
/* Takes the disk space for what the transaction adds to the database, since what is committed must find its place. */
MUST_CHECK enum spool_db_result spool_db_grow(struct spool_db *d);
/* Commits; or takes everything back, where `r` is a failure. */
MUST_CHECK enum spool_db_result spool_db_finish(struct spool_db *d, enum spool_db_result r);

/* What was committed goes from the log to its place, which makes room in the log; if need be, into the reserve. */
void spool_db_checkpoint(struct spool_db *d);

#endif
