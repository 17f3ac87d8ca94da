#include "config.h"

#include "settings/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/line_reader.h"
#include "base/string_map.h"
#include "base/suggestion.h"
#include "postgres/redact.h"
#include "settings/command.h"

/* A line that is a command. */
struct entry {
	struct command command;
	size_t line;
	size_t subscription; /* that it connects */
};

struct parser {
	const struct config_file *file;
	const struct target_defaults *defaults;
	struct entry *entries;
	size_t count;
	struct string_map names,
	    identities; /* of connections; their numbers: of the entries, from 1 on */
	struct subscriptions *to;
	char **error;
};

/* Takes `what`, the error of that line. */
static bool
fail(const struct parser *p, size_t line, char *what)
{
	*p->error = xasprintf("%s:%zu: %s", p->file->name, line, what);
	free(what);
	return false;
}

static bool
read_line(struct parser *p, size_t number, const char *line, size_t length)
{
	struct entry e = {.line = number};
	char *error = NULL;

	if (!command_parse(line, length, true, &e.command, &error))
		return fail(p, number, error);
	if (e.command.kind == COMMAND_NONE)
		return true;
	p->entries = xrealloc(p->entries, (p->count + 1) * sizeof *p->entries);
	p->entries[p->count++] = e;
	return true;
}

static bool
read_lines(struct parser *p)
{
	static const char bom[] = "\xef\xbb\xbf"; /* some editors put it in front */
	size_t skip = p->file->length >= 3 && memcmp(p->file->text, bom, 3) == 0 ? 3 : 0;
	struct line_reader l = {0};
	const char *line;
	size_t length;
	bool ok = true;

	line_reader_add(&l, p->file->text + skip, p->file->length - skip);
	line_reader_end(&l);
	while (ok) {
		enum line_reader_found found = line_reader_next(&l, &line, &length);

		if (found == LINE_READER_NONE)
			break;
		if (found == LINE_READER_LINE)
			ok = read_line(p, l.number, line, length);
		else
			ok = fail(
			    p, l.number, xasprintf("a line has at most %zu bytes", LINE_LONGEST));
	}
	line_reader_free(&l);
	return ok;
}

/* The entry that connects what was called `s` before; NULL: none did. From now on it is `e`. */
static const struct entry *
take_string(const struct parser *p, struct string_map *m, const char *s, const struct entry *e)
{
	struct string_map_entry *found = string_map_add(m, s);

	if (found->number)
		return &p->entries[found->number - 1];
	found->number = (size_t)(e - p->entries) + 1;
	return NULL;
}

static bool
add_connection(struct parser *p, struct entry *e)
{
	const char *name = e->command.name;
	const struct entry *other = take_string(p, &p->names, name, e);
	struct target *t;
	char *error = NULL;

	if (other)
		return fail(p, e->line,
		    xasprintf("the name \"%s\" is that of line %zu already", name, other->line));
	t = target_parse(e->command.conninfo, p->defaults, &error);
	if (!t)
		return fail(p, e->line, error);
	other = take_string(p, &p->identities, t->identity, e);
	if (other) {
		target_free(t);
		return fail(p, e->line,
		    xasprintf("\"%s\" is the same connection as \"%s\" of line %zu; "
			      "name the channels of both there",
			name, other->command.name, other->line));
	}
	target_rename(t, name);
	e->subscription = p->to->count;
	(void)subscriptions_add(p->to, t, ORIGIN_FILE);
	return true;
}

static void
add_channels_to(struct subscription *s, const struct command *c)
{
	for (size_t i = 0; i < c->channel_count; i++)
		subscription_add(s, c->channels[i], ORIGIN_FILE);
}

/* The error about a name that no line connects. Freed by the caller. */
static char *
describe_unknown(const struct parser *p, const char *name)
{
	struct suggestion nearest = {.word = name, .length = strlen(name)};
	bool shown = !redact_finds_password(name);
	char *question, *error;

	for (size_t i = 0; shown && i < p->to->count; i++)
		suggestion_offer(&nearest, p->to->list[i].target->label);
	question = suggestion_question(&nearest, "");
	error = xasprintf(
	    "no line connects \"%s\"%s; accepted is the NAME of a line \"connect NAME CONNINFO\"",
	    shown ? name : "...", question);
	free(question);
	return error;
}

static bool
add_channels(struct parser *p, const struct entry *e)
{
	const struct command *c = &e->command;
	const struct string_map_entry *named = c->all ? NULL : string_map_find(&p->names, c->name);

	if (c->all && p->to->count == 0)
		return fail(p, e->line, xstrdup("no line connects anything"));
	if (!c->all && !named)
		return fail(p, e->line, describe_unknown(p, c->name));
	if (named)
		add_channels_to(&p->to->list[p->entries[named->number - 1].subscription], c);
	for (size_t i = 0; c->all && i < p->to->count; i++)
		add_channels_to(&p->to->list[i], c);
	return true;
}

bool
config_file_parse(const struct config_file *file, const struct target_defaults *defaults,
    struct subscriptions *to, char **error)
{
	struct parser p = {.file = file, .defaults = defaults, .to = to, .error = error};
	bool ok;

	*to = (struct subscriptions){0};
	ok = read_lines(&p);
	for (size_t i = 0; ok && i < p.count; i++)
		if (p.entries[i].command.kind == COMMAND_CONNECT)
			ok = add_connection(&p, &p.entries[i]);
	for (size_t i = 0; ok && i < p.count; i++)
		if (p.entries[i].command.kind == COMMAND_LISTEN)
			ok = add_channels(&p, &p.entries[i]);
	for (size_t i = 0; i < p.count; i++)
		command_free(&p.entries[i].command);
	free(p.entries);
	string_map_free(&p.names);
	string_map_free(&p.identities);
	if (!ok)
		subscriptions_free(to);
	return ok;
}

/* Bytes; more than this is no configuration file. */
#define SIZE_MOST ((size_t)16 << 20)

/* NULL, or why the open file is not read: a pipe or a device may keep us waiting, and has no second time. */
static const char *
why_not(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	return S_ISREG(st.st_mode)
		   ? NULL
		   : "it is not a regular file; accepted is one that can be read again";
}

/* Appends the file's bytes; NULL, or why that failed. */
static const char *
read_bytes(int fd, struct buffer *text)
{
	ssize_t n;

	do {
		n = read(fd, buffer_reserve(text, 4096), 4096);
		text->end += n > 0 ? (size_t)n : 0;
	} while (n > 0 && buffer_length(text) <= SIZE_MOST);
	if (n < 0)
		return strerror(errno);
	return n > 0 ? "it is too large; accepted are 16 MiB at most" : NULL;
}

static bool
read_all(const char *path, struct buffer *text, char **error)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	const char *why = why_not(fd);

	if (!why)
		why = read_bytes(fd, text);
	if (why)
		*error = xasprintf("could not read \"%s\": %s", path, why);
	if (fd >= 0)
		close(fd);
	return !why;
}

bool
config_file_read(const char *path, const struct target_defaults *defaults, struct subscriptions *to,
    char **error)
{
	struct buffer text = {0};
	bool ok = read_all(path, &text, error);

	if (ok) {
		const struct config_file file = {
		    path, text.data + text.start, buffer_length(&text)};

		ok = config_file_parse(&file, defaults, to, error);
	}
	buffer_free(&text);
	return ok;
}
