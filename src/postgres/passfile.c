#include "config.h"

#include "postgres/passfile.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* The files that libpq does not use, and for which the warning was given. */
static char **warned;
static size_t warned_count;

char *
passfile_default(void)
{
	const char *home = PQlibVersion() >= 150000 ? getenv("HOME") : NULL;

	if (!home || !*home) {
		const struct passwd *user = getpwuid(geteuid());

		home = user ? user->pw_dir : NULL;
	}
	return home ? xasprintf("%s/.pgpass", home) : NULL;
}

/* The place of a path in `warned`; warned_count: it is not there. */
static size_t
find_warned(const char *path)
{
	size_t i = 0;

	while (i < warned_count && strcmp(warned[i], path) != 0)
		i++;
	return i;
}

static void
forget(const char *path)
{
	size_t i = find_warned(path);

	if (i == warned_count)
		return;
	free(warned[i]);
	warned[i] = warned[--warned_count];
}

static bool
remember(const char *path)
{
	if (find_warned(path) < warned_count)
		return false;
	warned = xrealloc(warned, (warned_count + 1) * sizeof *warned);
	warned[warned_count++] = xstrdup(path);
	return true;
}

const char *
passfile_usable(const char *path)
{
	const char *why = NULL;
	struct stat st;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			why = "it is not a plain file";
		else if (st.st_mode & (S_IRWXG | S_IRWXO))
			why = "others than its owner have access to it; accepted are the "
			      "permissions 0600 or less";
	}
	if (!why) {
		forget(path);
		return path;
	}
	if (remember(path))
		log_warning("the password file \"%s\" is not used: %s", path, why);
	return "/dev/null/none";
}
