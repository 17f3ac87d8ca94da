/*
 * Configuration files: all or nothing, and the changes between two make one into the other.
 *
 * An input is two texts with a NUL byte between them.
 */
#include "config.h"

#include "configfile.h"

#include "changes.h"
#include "fuzz.h"

static bool
parse(const char *text, size_t length, struct subscriptions *to)
{
	static const struct target_defaults defaults = {.user = "u", .dbname = "d"};
	struct configfile file = {.name = "file", .text = text, .length = length};
	char *error = NULL;
	bool ok = configfile_parse(&file, &defaults, to, &error);

	if (!ok) {
		unsigned long line = strtoul(error + strlen("file:"), NULL, 10);

		REQUIRE(strncmp(error, "file:", 5) == 0 && line >= 1 && to->count == 0);
		free(error);
	}
	for (size_t i = 0; i < to->count; i++) {
		REQUIRE(*to->list[i].target->label);
		for (size_t j = 0; j < i; j++)
			REQUIRE(strcmp(to->list[i].target->label, to->list[j].target->label) != 0);
	}
	return ok;
}

static bool
has(const char *const *list, size_t count, const char *channel)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], channel) == 0)
			return true;
	return false;
}

static const struct change *
change_of(const struct changes *changes, const struct subscription *s, bool before)
{
	for (size_t i = 0; i < changes->count; i++)
		if ((before ? changes->list[i].before : changes->list[i].after) == s)
			return &changes->list[i];
	return NULL;
}

static const struct subscription *
same(const struct subscriptions *in, const struct subscription *s)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->list[i].target->identity, s->target->identity) == 0)
			return &in->list[i];
	return NULL;
}

/* What is listened to afterwards: what was, without `unlisten`, with `listen`. */
static void
check_channels(
    const struct subscription *before, const struct subscription *after, const struct change *c)
{
	size_t count = before->count;

	if (c) {
		REQUIRE(c->listen_count + before->count - c->unlisten_count == after->count);
		count += c->listen_count - c->unlisten_count;
	}
	REQUIRE(count == after->count);
	for (size_t i = 0; i < after->count; i++) {
		const char *channel = after->channels[i];
		bool kept = subscription_has(before, channel) &&
			    !(c && has(c->unlisten, c->unlisten_count, channel));

		REQUIRE(kept != (c && has(c->listen, c->listen_count, channel)));
	}
}

static void
check_changes(const struct subscriptions *before, const struct subscriptions *after)
{
	struct changes changes;

	changes_find(before, after, &changes);
	REQUIRE(before != after || changes.count == 0);
	for (size_t i = 0; i < before->count; i++) {
		const struct subscription *s = &before->list[i], *other = same(after, s);
		const struct change *c = change_of(&changes, s, true);

		REQUIRE(other || (c && !c->after));
		REQUIRE(!other || !c || c->after == other);
		if (!other)
			continue;
		check_channels(s, other, c);
		REQUIRE(c || strcmp(s->target->label, other->target->label) == 0);
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct change *c = change_of(&changes, &after->list[i], false);

		REQUIRE(same(before, &after->list[i]) || (c && !c->before));
	}
	changes_free(&changes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct subscriptions whole, first, second;
	char *first_text = input_string(&in), *second_text = input_string(&in);

	forget_environment();
	if (parse((const char *)data, size, &whole))
		subscriptions_free(&whole);
	if (parse(first_text, strlen(first_text), &first) &&
	    parse(second_text, strlen(second_text), &second)) {
		check_changes(&first, &second);
		check_changes(&second, &first);
		check_changes(&first, &first);
		subscriptions_free(&second);
	}
	subscriptions_free(&first);
	free(first_text);
	free(second_text);
	return 0;
}
