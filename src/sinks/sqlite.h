/*
 * Loads SQLite when it is first needed, if configure knows the name of its file. If pgwait were
 * always linked with it, every start would be slower (fact F17), and few runs have a spool. Both
 * the spool and --version (help.c) use it.
 */
#ifndef PGWAIT_SQLITE_H
#define PGWAIT_SQLITE_H

#include <sqlite3.h>

/* clang-format off */
#define SQLITE_FUNCTIONS(F) \
	F(libversion) F(open_v2) F(close) F(extended_result_codes) F(busy_timeout) F(errmsg) F(system_errno) \
	F(db_config) F(limit) F(wal_checkpoint_v2) F(exec) F(prepare_v2) F(step) F(reset) F(finalize) \
	F(bind_int64) F(bind_text) F(bind_blob) F(bind_null) \
	F(column_int64) F(column_text) F(column_blob) F(column_bytes)
/* clang-format on */

#define SQLITE_MEMBER(name) __typeof__(sqlite3_##name) *name;

/* sqlite3_NAME() as NAME. */
struct sqlite {
	SQLITE_FUNCTIONS(SQLITE_MEMBER)
};

/* Loads SQLite. NULL: that failed, and *error says why; the caller does not free it. */
const struct sqlite *sqlite_load(const char **error);

#endif
