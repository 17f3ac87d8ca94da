/*
 * The file of a spool: an SQLite database (man page, SPOOL), which one pgwait appends to while another
 * one takes from it. Every call is one transaction, and none is open between two of them.
 */
#ifndef PGWAIT_SPOOLFILE_H
#define PGWAIT_SPOOLFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "sinks/spooldb.h"

struct buffer;
struct spoolfile;

/*
 * An empty file becomes a spool, and with `create` a missing one is made. `patience`: milliseconds to
 * wait for other processes. NULL where it cannot be opened, or is something else, which is left alone; it has been said.
 */
struct spoolfile *spoolfile_open(const char *path, bool create, int patience);
void spoolfile_close(struct spoolfile *f);

/* For who takes from it, and as long as it is open. BUSY where another process does. */
MUST_CHECK enum spooldb_result spoolfile_lock(struct spoolfile *f);

/* Bytes: a packed row that is longer cannot be in it. */
size_t spoolfile_most(const struct spoolfile *f);

/* Why the last call failed. */
const char *spoolfile_error(const struct spoolfile *f);

/* Appends packed rows (row.h). All or none of them are committed. */
MUST_CHECK enum spooldb_result spoolfile_append(struct spoolfile *f, const struct buffer *rows);

/* Only rows on these channels, and those on none, are read from now on. The names outlive it. */
void spoolfile_select(struct spoolfile *f, const char *const *channels, size_t n);

/* Appends the first rows after `id`, at most `most` of them, packed; *n is how many. */
MUST_CHECK enum spooldb_result spoolfile_read(
    struct spoolfile *f, int64_t id, size_t most, struct buffer *rows, size_t *n);

MUST_CHECK enum spooldb_result spoolfile_remove(struct spoolfile *f, const int64_t *ids, size_t n);

#endif
