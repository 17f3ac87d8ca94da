/*
 * Runs a target over files: what libFuzzer's main() does with them, for builds without it.
 */
#include "config.h"

#include "fuzz.h"

static bool
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, n;

	if (!f)
		return false;
	do {
		data = xrealloc(data, size + 65536);
		n = fread(data + size, 1, 65536, f);
		size += n;
	} while (n);
	fclose(f);
	/* In memory of that very size, so that reading past the end is seen. */
	data = xrealloc(data, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return true;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!replay(argv[i])) {
			perror(argv[i]);
			return 1;
		}
	}
	return 0;
}
