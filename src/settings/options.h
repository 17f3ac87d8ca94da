/*
 * All settings of pgwait, checked and immutable, from the command line and the configuration file.
 */
#ifndef PGWAIT_OPTIONS_H
#define PGWAIT_OPTIONS_H

#include "base/util.h"
#include "record/format.h"
#include "record/terminal.h"
#include "settings/operands.h"
#include "sinks/sink.h"

enum reconnect {
	RECONNECT_LOST,   /* what was lost, and what failed at the start for a passing reason */
	RECONNECT_ALWAYS, /* also where nothing listened at the start */
	RECONNECT_NEVER,
};

/* Times are microseconds; -1 where the option was not given. Everything in it is owned. */
struct options {
	struct subscriptions subscriptions;
	int64_t timeout; /* -t; 0: drain */
	bool idle_restart;
	int64_t exit_idle;
	int64_t count; /* -n */
	int64_t max_time;
	struct format *format; /* of stdout */
	enum format_end end;
	bool events;
	struct terminal_settings terminal; /* how stdout shows it to people */
	size_t buffer;                     /* bytes */
	enum overflow overflow;
	/* Commands for the shell; NULL where there is none. */
	char *notify_cmd, *batch_cmd, *idle_cmd, *listen_cmd, *lost_cmd;
	int64_t cmd_timeout, batch_wait;
	int64_t jobs; /* commands of notify_cmd at a time; 1 or more */
	bool print;   /* notifications go to stdout although a command or the spool gets them */
	const char *spool, *from_spool; /* argv's own; NULL: none */
	const char **channels;          /* to take from the spool; none: all */
	size_t channel_count;
	int ready_fd;
	bool check; /* tell whether notifications get through, and end */
	bool json, quiet;
	enum reconnect reconnect;
	int64_t heartbeat;                        /* 0: none */
	char *catchup_sql, *work_sql, *exclusive; /* UTF-8; NULL: none */
	const char *control;                      /* argv's own; NULL: none */
	const char *config;
	struct target_defaults defaults; /* of connection strings at run time; argv's own */
	const char *status_file;         /* argv's own; NULL: none */
	bool stats;                      /* at the end */
	bool status_line;                /* where there is a terminal for it */
	bool never_prompt, force_prompt;
};

/*
 * False: there is nothing to run: it has written the help, the version or an error, and *status is the exit status.
 * Overwrites the passwords in argv (struct options has copies).
 */
MUST_CHECK bool options_parse(int argc, char **argv, struct options *o, enum status *status);
void options_free(struct options *o);

#endif
