/*
 * The language of --control and --config: one line is one command (man page, CONTROL).
 *
 * This only parses: command_run.c carries a command out. shell_words.h splits the line into words.
 */
#ifndef PGWAIT_COMMAND_H
#define PGWAIT_COMMAND_H

#include "base/util.h"

enum command_kind {
	COMMAND_NONE, /* a blank line or a comment */
	COMMAND_CONNECT,
	COMMAND_DISCONNECT,
	COMMAND_LISTEN,
	COMMAND_UNLISTEN,
	COMMAND_CHANNELS,
	COMMAND_STATUS,
	COMMAND_GARBAGE,
	COMMAND_RECOVER,
	COMMAND_TIMEOUT,
	COMMAND_DRAIN,
	COMMAND_NOTIFY,
	COMMAND_QUIT,
	COMMAND_HELP,
	COMMAND_KINDS /* how many there are */
};

/* Everything in it is owned; what a command does not have is NULL or 0. */
struct command {
	enum command_kind kind;
	char *name; /* of a connection; for a new one UTF-8 without control characters */
	bool all;   /* `*` stood for the name: every connection */
	char *conninfo;
	char **channels; /* valid names, as given: one may stand twice */
	size_t channel_count;
	char *payload;    /* NULL: none given */
	int64_t interval; /* COMMAND_TIMEOUT: microseconds; -1: none */
};

/*
 * `line` is without its newline; its bytes may be any. `in_config` restricts it to what a
 * configuration file may hold. False with *error, which the caller frees, where it is no command;
 * `c` is empty then, but for its kind, if it names one. An error quotes no word that looks like a connection string, stands for one, or
 * stands where no command is known: it may hold a password (fact F21).
 */
MUST_CHECK bool command_parse(
    const char *line, size_t length, bool in_config, struct command *c, char **error);
void command_free(struct command *c);

/* How a kind is written, for answers and for help. COMMAND_NONE has empty strings. */
struct command_syntax {
	const char *name;      /* "listen" */
	const char *arguments; /* "NAME|* CHANNEL..." */
	const char *summary;   /* what it does, in a few words */
	bool in_config;        /* a configuration file may hold it */
};

const struct command_syntax *command_syntax(enum command_kind kind);

#endif
