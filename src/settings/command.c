#include "config.h"

#include "settings/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "base/shell_words.h"
#include "base/suggestion.h"
#include "postgres/channel.h"
#include "postgres/redact.h"
#include "postgres/target.h"

/* Checks one argument and keeps it in the command. */
typedef bool set_argument(struct command *c, const char *word, char **error);

static set_argument set_new_name, set_name, set_name_or_all, set_conninfo, set_channel, set_payload,
    set_interval;

/* The last function of `set` is for all further arguments too. */
static const struct {
	struct command_syntax syntax;
	size_t least, most; /* arguments */
	set_argument *set[3];
} table[COMMAND_KINDS] = {
    [COMMAND_NONE] = {{"", "", "", true}, 0, 0, {NULL}},
    [COMMAND_CONNECT] = {{"connect", "NAME CONNINFO", "open a connection and name it", true}, 2, 2,
	{set_new_name, set_conninfo}},
    [COMMAND_DISCONNECT] = {{"disconnect", "NAME", "close a connection", false}, 1, 1, {set_name}},
    [COMMAND_LISTEN] = {{"listen", "NAME|* CHANNEL...", "add channels", true}, 2, SIZE_MAX,
	{set_name_or_all, set_channel}},
    [COMMAND_UNLISTEN] = {{"unlisten", "NAME|* CHANNEL...", "remove channels", false}, 2, SIZE_MAX,
	{set_name_or_all, set_channel}},
    [COMMAND_CHANNELS] = {{"channels", "[NAME]", "ask the server what is listened to", false}, 0, 1,
	{set_name}},
    [COMMAND_STATUS] = {{"status", "", "describe every connection", false}, 0, 0, {NULL}},
    [COMMAND_GARBAGE] = {{"garbage", "", "the failed connections and why", false}, 0, 0, {NULL}},
    [COMMAND_RECOVER] = {{"recover", "NAME", "try a failed connection now", false}, 1, 1,
	{set_name}},
    [COMMAND_TIMEOUT] = {{"timeout", "SECS|none", "the interval of idle events", false}, 1, 1,
	{set_interval}},
    [COMMAND_DRAIN] = {{"drain", "", "wait until all that was sent is written", false}, 0, 0,
	{NULL}},
    [COMMAND_NOTIFY] = {{"notify", "NAME CHANNEL [PAYLOAD]", "send a notification", false}, 2, 3,
	{set_name, set_channel, set_payload}},
    [COMMAND_QUIT] = {{"quit", "", "end pgwait", false}, 0, 0, {NULL}},
    [COMMAND_HELP] = {{"help", "", "list the commands", false}, 0, 0, {NULL}},
};

const struct command_syntax *
command_syntax(enum command_kind kind)
{
	return &table[kind].syntax;
}

static bool
set_name(struct command *c, const char *word, char **error)
{
	if (*word == '\0' || strcmp(word, "*") == 0) {
		*error = xasprintf("invalid connection name \"%s\": %s takes the name of one "
				   "connection, which \"status\" lists",
		    word, table[c->kind].syntax.name);
		return false;
	}
	c->name = xstrdup(word);
	return true;
}

static bool
set_name_or_all(struct command *c, const char *word, char **error)
{
	if (strcmp(word, "*") == 0) {
		c->all = true;
		return true;
	}
	if (*word == '\0') {
		*error = xasprintf("invalid connection name \"\": %s takes the name of a "
				   "connection, which \"status\" lists, or * for all",
		    table[c->kind].syntax.name);
		return false;
	}
	c->name = xstrdup(word);
	return true;
}

/* C0, DEL and C1. A name is one line, in lists too. */
static bool
has_control_character(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f ||
		    ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0))
			return true;
	return false;
}

static bool
set_new_name(struct command *c, const char *word, char **error)
{
	if (target_is_conninfo(word) || strstr(word, "://") || redact_finds_password(word)) {
		*error = xstrdup("invalid connection name: it looks like a connection string; "
				 "accepted is connect NAME CONNINFO");
		return false;
	}
	if (*word == '\0' || strcmp(word, "*") == 0 || !utf8_valid(word, strlen(word)) ||
	    has_control_character(word)) {
		*error = xasprintf("invalid connection name \"%.100s\": accepted is UTF-8 without "
				   "control characters, neither empty nor *",
		    word);
		return false;
	}
	c->name = xstrdup(word);
	return true;
}

static bool
set_conninfo(struct command *c, const char *word, char **error)
{
	if (!target_is_conninfo(word) && !target_is_socket(word)) {
		/* Not quoted: it may be a part of one. */
		*error =
		    xasprintf("invalid connection string for \"%.100s\": accepted are "
			      "postgresql://[USER@]HOST[:PORT]/DBNAME, \"KEYWORD=VALUE ...\", and "
			      "the absolute path of a socket",
			c->name);
		return false;
	}
	c->conninfo = xstrdup(word);
	return true;
}

static bool
set_channel(struct command *c, const char *word, char **error)
{
	if (!channel_check(word, error))
		return false;
	c->channels = xrealloc(c->channels, (c->channel_count + 1) * sizeof *c->channels);
	c->channels[c->channel_count++] = xstrdup(word);
	return true;
}

static bool
set_payload(struct command *c, const char *word, char **error)
{
	(void)error; /* PostgreSQL judges it */
	c->payload = xstrdup(word);
	return true;
}

static bool
set_interval(struct command *c, const char *word, char **error)
{
	if (strcmp(word, "none") == 0) {
		c->interval = -1;
		return true;
	}
	if (parse_seconds(word, false, &c->interval))
		return true;
	*error = xasprintf("invalid interval \"%.100s\": accepted are decimal seconds, 0.01 or "
			   "more, or none",
	    word);
	return false;
}

/* "connect, disconnect and listen": what there is. Freed by the caller. */
static char *
accepted(bool in_config)
{
	struct buffer b = {0};
	size_t left = 0;
	char *list;

	for (int kind = COMMAND_NONE + 1; kind < COMMAND_KINDS; kind++)
		left += !in_config || table[kind].syntax.in_config;
	for (int kind = COMMAND_NONE + 1; left > 0; kind++) {
		const struct command_syntax *s = &table[kind].syntax;

		if (in_config && !s->in_config)
			continue;
		left--;
		buffer_addf(&b, "%s%s", s->name, left > 1 ? ", " : left == 1 ? " and " : "");
	}
	list = xstrndup(buffer_content(&b), buffer_length(&b));
	buffer_free(&b);
	return list;
}

/* " (did you mean COMMAND?)", or "". Freed by the caller. */
static char *
nearest(const char *word, bool in_config)
{
	struct suggestion found = {.word = word, .length = strlen(word)};

	for (int kind = COMMAND_NONE + 1; kind < COMMAND_KINDS; kind++)
		if (!in_config || table[kind].syntax.in_config)
			suggestion_offer(&found, table[kind].syntax.name);
	return suggestion_question(&found, "");
}

/* A word of letters can be shown: others may be a connection string, or a whole line in quotes. */
static bool
can_show(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *word && strlen(word) <= 20 && word[strspn(word, letters)] == '\0';
}

/* The kind of command that `word` names; COMMAND_NONE with *error if it names none. */
static enum command_kind
find_kind(const char *word, bool in_config, char **error)
{
	int kind = COMMAND_NONE + 1;
	char *list, *question;

	while (kind < COMMAND_KINDS && strcmp(word, table[kind].syntax.name) != 0)
		kind++;
	if (kind < COMMAND_KINDS && (!in_config || table[kind].syntax.in_config))
		return (enum command_kind)kind;
	list = accepted(in_config);
	question = nearest(word, in_config);
	if (kind < COMMAND_KINDS)
		*error = xasprintf(
		    "\"%s\" cannot stand in a configuration file; accepted are %s", word, list);
	else if (can_show(word))
		*error =
		    xasprintf("unknown command \"%s\"%s; accepted are %s", word, question, list);
	else
		*error = xasprintf("unknown command; accepted are %s", list);
	free(list);
	free(question);
	return COMMAND_NONE;
}

static bool
check_count(enum command_kind kind, size_t count, char **error)
{
	const struct command_syntax *s = &table[kind].syntax;
	bool quotes = kind == COMMAND_CONNECT && count > 2;

	if (count >= table[kind].least && count <= table[kind].most)
		return true;
	*error = xasprintf("%zu argument%s for %s; accepted is \"%s%s%s\"%s", count,
	    count == 1 ? "" : "s", s->name, s->name, *s->arguments ? " " : "", s->arguments,
	    quotes ? ", with quotes around a connection string that has spaces" : "");
	return false;
}

static bool
parse_words(const struct shell_words *words, bool in_config, struct command *c, char **error)
{
	size_t setter = 0;

	if (words->count == 0)
		return true;
	c->kind = find_kind(words->list[0], in_config, error);
	if (c->kind == COMMAND_NONE || !check_count(c->kind, words->count - 1, error))
		return false;
	for (size_t i = 1; i < words->count; i++) {
		if (!table[c->kind].set[setter](c, words->list[i], error))
			return false;
		if (setter < 2 && table[c->kind].set[setter + 1])
			setter++;
	}
	return true;
}

bool
command_parse(const char *line, size_t length, bool in_config, struct command *c, char **error)
{
	struct shell_words words;
	bool ok;

	*c = (struct command){0};
	if (!shell_words_split(line, length, &words, error))
		return false;
	ok = parse_words(&words, in_config, c, error);
	shell_words_free(&words);
	if (!ok) {
		enum command_kind kind = c->kind;

		command_free(c);
		c->kind = kind;
	}
	return ok;
}

void
command_free(struct command *c)
{
	free(c->name);
	free(c->conninfo);
	for (size_t i = 0; i < c->channel_count; i++)
		free(c->channels[i]);
	free(c->channels);
	free(c->payload);
	*c = (struct command){0};
}
