#include "config.h"

#include "sinks/sqlite.h"

#include <stddef.h>

#ifdef SQLITE_LIBRARY

#include <assert.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define FUNCTION_NAME(name) "sqlite3_" #name,

const struct sqlite *
sqlite_load(const char **error)
{
	static const char *const names[] = {SQLITE_FUNCTIONS(FUNCTION_NAME)};
	static void *functions[sizeof names / sizeof names[0]];
	static struct sqlite loaded;
	static bool done;
	void *library;

	if (done)
		return &loaded;
	/* It stays until the process ends. */
	library = dlopen(SQLITE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < sizeof names / sizeof names[0]; i++) {
		functions[i] = dlsym(library, names[i]);
		if (!functions[i])
			library = NULL;
	}
	if (!library) {
		*error = dlerror();
		return NULL;
	}
	static_assert(sizeof functions == sizeof loaded, "a struct of pointers, in the same order");
	memcpy(&loaded, functions, sizeof loaded);
	done = true;
	return &loaded;
}

#else

#define FUNCTION(name) .name = sqlite3_##name,

/* Linked: its file has other names elsewhere. */
const struct sqlite *
sqlite_load(const char **error)
{
	static const struct sqlite linked = {SQLITE_FUNCTIONS(FUNCTION)};

	(void)error;
	return &linked;
}

#endif
