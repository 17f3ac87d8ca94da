/*
 * The file of a spool: an SQLite database (man page, SPOOL). One pgwait appends to it while another
 * one takes rows from it. Every call is one transaction; between two calls no transaction is open.
 */
#ifndef PGWAIT_SPOOL_FILE_H
#define PGWAIT_SPOOL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "sinks/spool_count.h"
#include "sinks/spool_db.h"

struct buffer;
struct spool_file;

/*
 * An empty file becomes a spool, and with `create` a missing one is made. `patience`: milliseconds to
 * wait for other processes. NULL where it cannot be opened, or is something else, which is left alone; it has been said.
 */
struct spool_file *spool_file_open(const char *path, bool create, int patience);
void spool_file_close(struct spool_file *f);

/* For who takes from it, and as long as it is open. BUSY where another process does. */
MUST_CHECK enum spool_db_result spool_file_lock(struct spool_file *f);

/* Bytes: a packed row that is longer cannot be in it. */
size_t spool_file_most(const struct spool_file *f);

/* Why the last call failed. */
const char *spool_file_error(const struct spool_file *f);

/* Appends packed rows (spool_row.h). All or none of them are committed. */
MUST_CHECK enum spool_db_result spool_file_append(struct spool_file *f, const struct buffer *rows);

/* Only rows on these channels, and those on none, are read from now on. The names outlive it. */
void spool_file_select(struct spool_file *f, const char *const *channels, size_t n);

/* Appends the first rows after `id`, at most `most` of them, packed; *n is how many. */
MUST_CHECK enum spool_db_result spool_file_read(
    struct spool_file *f, int64_t id, size_t most, struct buffer *rows, size_t *n);

/* How much is in it. */
MUST_CHECK enum spool_db_result spool_file_count(struct spool_file *f, struct spool_count *count);

MUST_CHECK enum spool_db_result spool_file_remove(
    struct spool_file *f, const int64_t *ids, size_t n);

#endif
