/*
 * The SQLite database of a spool: opens and checks its file, locks it for a drain, and makes sure before each use that the
 * open files are still those that others find under their names.
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
	SPOOL_DB_BUSY,  /* another process uses it for longer than we wait */
	SPOOL_DB_FAILED /* anything else, such as a full disk */
};

/* The database itself; SQLite's log (WAL), which has what was committed last; and the index of the log. */
enum spool_db_file { SPOOL_DB_MAIN, SPOOL_DB_LOG, SPOOL_DB_INDEX, SPOOL_DB_FILES };

enum spool_db_statement {
	SPOOL_DB_INSERT,
	SPOOL_DB_SELECT,
	SPOOL_DB_REMOVE,
	SPOOL_DB_COUNT,
	SPOOL_DB_STATEMENTS
};

/* Other files may read: api, most, reserve, statements, error. */
struct spool_db {
	const struct sqlite *api;
	sqlite3 *db; /* NULL: we could not open it again */
	const char *schema;
	int patience;
	size_t most;       /* bytes of a row */
	int64_t page_size; /* bytes */
	/* A descriptor of the file, for the lock. Closed last, since closing it drops SQLite's own locks, too. */
	int fd;
	int reserve; /* a descriptor of the reserve (spool_reserve.h) */
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
 * Opens the database, and makes the `schema` if the file is empty. `create`: also makes the file if it is missing.
 * `patience`: milliseconds to wait for other processes. False, after an error message: it cannot be opened, or is no spool,
 * and was not changed.
 */
MUST_CHECK bool spool_db_open(
    struct spool_db *d, const char *path, bool create, int patience, const char *schema);
void spool_db_close(struct spool_db *d);

/* Takes the lock of a drain, until spool_db_close(). BUSY: another process has it. */
MUST_CHECK enum spool_db_result spool_db_lock(struct spool_db *d);

/* The result for a code that a call of SQLite returned; keeps the error message. */
MUST_CHECK enum spool_db_result spool_db_result(struct spool_db *d, int code);

/*
 * Checks the open files. Call it before each use, when no statement is prepared and no transaction open. If somebody
 * removed one of the files, SQLite would go on with a file that nobody finds: so this makes it again, without a loss.
 */
MUST_CHECK enum spool_db_result spool_db_check(struct spool_db *d);

/* Makes statements[which], unless it is there. */
MUST_CHECK enum spool_db_result spool_db_prepare(
    struct spool_db *d, enum spool_db_statement which, const char *sql);

/* Checks, and begins a transaction that writes. */
MUST_CHECK enum spool_db_result spool_db_begin(struct spool_db *d);
/* Takes the disk space for what the transaction adds to the database, since the log can only be emptied if it has that. */
MUST_CHECK enum spool_db_result spool_db_grow(struct spool_db *d);
/* Commits; or rolls back, if `r` is a failure. */
MUST_CHECK enum spool_db_result spool_db_finish(struct spool_db *d, enum spool_db_result r);

/* Copies what was committed from the log to the database, which empties the log. If the disk is full, gives up the reserve. */
void spool_db_checkpoint(struct spool_db *d);

#endif
