/*
 * libpq's password file. libpq reads it at each attempt to connect, and writes by itself to stderr
 * that it does not use one that others can read (fact F23): so it is given none then.
 */
#ifndef PGWAIT_PASSFILE_H
#define PGWAIT_PASSFILE_H

#include "base/util.h"

/*
 * The file that libpq reads where the parameters name none; NULL: there is no home directory. Freed
 * by the caller.
 */
char *passfile_default(void);

/*
 * What to give to libpq as "passfile": `path`, or one that cannot be where libpq would complain.
 * *warning, which the caller frees, is what it would say, where that was not said yet; else NULL.
 */
const char *passfile_usable(const char *path, char **warning);

#endif
