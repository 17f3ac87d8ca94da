/*
 * The database that a spool is: a file of ours alone, open, locked by whoever drains it, and still where it
 * was when something is written to it.
 */
#ifndef PGWAIT_SPOOLDB_H
#define PGWAIT_SPOOLDB_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/util.h"
#include "sinks/sqlite.h"

enum spooldb_result {
	SPOOLDB_OK,
	SPOOLDB_BUSY,  /* another process is at it, for longer than we wait */
	SPOOLDB_FAILED /* anything else, such as a full disk */
};

/* The database itself; SQLite's log (WAL), which has what was committed last; and the index of the log. */
enum spooldb_file { SPOOLDB_MAIN, SPOOLDB_LOG, SPOOLDB_INDEX, SPOOLDB_FILES };

enum spooldb_statement { SPOOLDB_INSERT, SPOOLDB_SELECT, SPOOLDB_REMOVE, SPOOLDB_STATEMENTS };

/* Others may read: api, most, reserve, statements, error. */
struct spooldb {
	const struct sqlite *api;
	sqlite3 *db; /* NULL: it could not be opened again */
	const char *schema;
	int patience;
	size_t most;       /* bytes of a row */
	int64_t page_size; /* bytes */
	/* Of the file, for the lock. Closed last: that drops SQLite's own locks, too. */
	int fd;
	int reserve; /* of the file with the reserve (spoolreserve.h) */
	char *names[SPOOLDB_FILES];
	struct spooldb_identity {
		dev_t device;
		ino_t inode;
	} files[SPOOLDB_FILES]; /* those that are open */
	/* NULL until spooldb_prepare(), and again after the database was opened again. */
	sqlite3_stmt *statements[SPOOLDB_STATEMENTS];
	char error[160]; /* why the last call failed */
};

/*
 * An empty file gets the `schema`, and with `create` a missing one is made. `patience`: milliseconds to wait for
 * other processes. False where it cannot be opened, or is something else, which is left alone; it has been said.
 */
MUST_CHECK bool spooldb_open(
    struct spooldb *d, const char *path, bool create, int patience, const char *schema);
void spooldb_close(struct spooldb *d);

/* For as long as it is open; BUSY where another process has it. */
MUST_CHECK enum spooldb_result spooldb_lock(struct spooldb *d);

/* What SQLite answered to a call. */
MUST_CHECK enum spooldb_result spooldb_result(struct spooldb *d, int code);

/*
 * To be called before each use, when nothing is prepared or begun: SQLite would go on with files that nobody
 * finds any more. What somebody removed of its files is made again, without a loss.
 */
MUST_CHECK enum spooldb_result spooldb_check(struct spooldb *d);

/* Makes statements[which], unless it is there. */
MUST_CHECK enum spooldb_result spooldb_prepare(
    struct spooldb *d, enum spooldb_statement which, const char *sql);

/* Checks, and begins a transaction that writes. */
MUST_CHECK enum spooldb_result spooldb_begin(struct spooldb *d);
/* Takes the disk space for what the transaction adds to the database, since what is committed must find its place. */
MUST_CHECK enum spooldb_result spooldb_grow(struct spooldb *d);
/* Commits; or takes everything back, where `r` is a failure. */
MUST_CHECK enum spooldb_result spooldb_finish(struct spooldb *d, enum spooldb_result r);

/* What was committed goes from the log to its place, which makes room in the log; if need be, into the reserve. */
void spooldb_checkpoint(struct spooldb *d);

#endif
