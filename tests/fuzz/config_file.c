/*
 * Configuration files: all or nothing, and each name and each connection once.
 */
#include "config.h"

#include "settings/config_file.h"

#include "fuzz.h"

static bool
parse(const char *text, size_t length, struct subscriptions *to)
{
	static const struct target_defaults defaults = {.user = "u", .dbname = "d"};
	struct config_file file = {.name = "file", .text = text, .length = length};
	char *error = NULL;
	bool ok = config_file_parse(&file, &defaults, to, &error);

	if (!ok) {
		unsigned long line = strtoul(error + strlen("file:"), NULL, 10);

		REQUIRE(strncmp(error, "file:", 5) == 0 && line >= 1 && to->count == 0);
		free(error);
	}
	for (size_t i = 0; i < to->count; i++) {
		REQUIRE(*to->list[i].target->label);
		for (size_t j = 0; j < i; j++)
			REQUIRE(strcmp(to->list[i].target->label, to->list[j].target->label) != 0 &&
				strcmp(to->list[i].target->identity,
				    to->list[j].target->identity) != 0);
	}
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct subscriptions file;

	forget_environment();
	if (parse((const char *)data, size, &file))
		subscriptions_free(&file);
	while (in.left) {
		char *text = input_string(&in);

		if (parse(text, strlen(text), &file))
			subscriptions_free(&file);
		free(text);
	}
	return 0;
}
