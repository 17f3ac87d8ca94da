/*
 * libpq's password file. libpq reads it at each attempt to connect. If others can read the file,
 * libpq does not use it, and itself writes that to stderr (fact F23). So pgwait looks at the file
 * first, and gives libpq no such file.
 */
#ifndef PGWAIT_PASSFILE_H
#define PGWAIT_PASSFILE_H

#include "base/util.h"

/*
 * The path that libpq uses if the parameters name no password file; NULL: there is no home
 * directory. The caller frees it.
 */
char *passfile_default(void);

/*
 * What to give to libpq as "passfile": `path`; or a path where no file can be, if libpq would not use
 * `path`. Then a warning says why, unless it was said before.
 */
const char *passfile_usable(const char *path);

#endif
