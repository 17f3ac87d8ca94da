/*
 * Parses the command line with argtable2, by a table of all options. options.c checks what the
 * values mean.
 *
 * To add an option, give it its line in ARGUMENTS, and in options.c its check and its place in
 * struct options. Its help is in help.c.
 */
#ifndef PGWAIT_ARGUMENTS_H
#define PGWAIT_ARGUMENTS_H

#include <argtable2.h>

#include "base/util.h"

/*
 * Member of struct arguments, letter, name. Every value is text for argtable2, whose numbers are
 * too forgiving (fact F12). Every option may be given more than once.
 */
/* clang-format off */
#ifdef HAVE_SQLITE
#define ARGUMENTS_SPOOL(VALUE)                      \
	VALUE(spool,        NULL, "spool")          \
	VALUE(from_spool,   NULL, "from-spool")
#else
#define ARGUMENTS_SPOOL(VALUE)
#endif
#define ARGUMENTS(VALUE, FLAG)                      \
	VALUE(dbname,       "d",  "dbname")         \
	VALUE(host,         "h",  "host")           \
	VALUE(port,         "p",  "port")           \
	VALUE(username,     "U",  "username")       \
	FLAG(no_password,   "w",  "no-password")    \
	FLAG(password,      "W",  "password")       \
	VALUE(listen,       "l",  "listen")         \
	VALUE(reconnect,    NULL, "reconnect")      \
	VALUE(heartbeat,    NULL, "heartbeat")      \
	VALUE(count,        "n",  "count")          \
	VALUE(exit_idle,    "e",  "exit-idle")      \
	VALUE(max_time,     "m",  "max-time")       \
	VALUE(timeout,      "t",  "timeout")        \
	FLAG(idle_restart,  NULL, "idle-restart")   \
	FLAG(json,          "j",  "json")           \
	VALUE(format,       "f",  "format")         \
	FLAG(null,          "0",  "null")           \
	FLAG(events,        NULL, "events")         \
	VALUE(buffer,       NULL, "buffer")         \
	VALUE(overflow,     NULL, "overflow")       \
	VALUE(color,        NULL, "color")          \
	VALUE(notify_cmd,   NULL, "notify-cmd")     \
	VALUE(batch_cmd,    NULL, "batch-cmd")      \
	VALUE(batch_wait,   NULL, "batch-wait")     \
	VALUE(idle_cmd,     NULL, "idle-cmd")       \
	VALUE(listen_cmd,   NULL, "listen-cmd")     \
	VALUE(lost_cmd,     NULL, "lost-cmd")       \
	VALUE(cmd_timeout,  NULL, "cmd-timeout")    \
	VALUE(jobs,         NULL, "jobs")           \
	FLAG(print,         NULL, "print")          \
	ARGUMENTS_SPOOL(VALUE)                      \
	VALUE(ready_fd,     NULL, "ready-fd")       \
	VALUE(catchup_sql,  NULL, "catchup-sql")    \
	VALUE(work_sql,     NULL, "work-sql")       \
	VALUE(exclusive,    NULL, "exclusive")      \
	FLAG(check,         NULL, "check")          \
	VALUE(control,      NULL, "control")        \
	VALUE(config,       NULL, "config")         \
	FLAG(stats,         NULL, "stats")          \
	VALUE(status_file,  NULL, "status-file")    \
	FLAG(quiet,         "q",  "quiet")          \
	FLAG(verbose,       "v",  "verbose")        \
	FLAG(help,          "?",  "help")           \
	FLAG(version,       "V",  "version")
/* clang-format on */

#define ARGUMENTS_VALUE(member, letter, name) struct arg_str *member;
#define ARGUMENTS_FLAG(member, letter, name)  struct arg_lit *member;

struct arguments {
	ARGUMENTS(ARGUMENTS_VALUE, ARGUMENTS_FLAG)
	struct arg_str *operands;
	struct arg_end *end;
};

enum arguments_result { ARGUMENTS_OK, ARGUMENTS_HELP, ARGUMENTS_VERSION, ARGUMENTS_ERROR };

/*
 * Whatever the result, arguments_free() follows. All strings are argv's own. ARGUMENTS_HELP and
 * ARGUMENTS_VERSION: that was asked for, and what stands after it was not looked at.
 * ARGUMENTS_ERROR: it has been reported.
 */
MUST_CHECK enum arguments_result arguments_parse(struct arguments *a, int argc, char **argv);
void arguments_free(struct arguments *a);

/* The value that counts of an option that may stand often; NULL where it was not given. */
const char *arguments_last(const struct arg_str *values);

/* An option that was given, but is not among `names`, which end with NULL; NULL: there is none. */
const char *arguments_beyond(const struct arguments *a, const char *const *names);

/* A usage error on stderr, with the hint that goes with all of them. */
void arguments_error(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
