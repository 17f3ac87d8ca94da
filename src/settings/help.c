#include "config.h"

#include "settings/help.h"

#include <errno.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#ifdef HAVE_SQLITE
#include "sinks/sqlite.h"
#endif

/* Wording is shared with the man page, the completions and README: a test compares the options. */
static const char *const help[] = {
    "pgwait waits for PostgreSQL notifications and writes each as a line.",
    "",
    "Usage:",
    "  pgwait [OPTION]... [CONNINFO]... CHANNEL... [CONNINFO... CHANNEL...]...",
    "  pgwait --check [OPTION]... [CONNINFO]... [CHANNEL]...",
#ifdef HAVE_SQLITE
    "  pgwait --from-spool FILE [OPTION]... [CHANNEL]...",
#endif
    "",
    "CONNINFO is a postgresql:// URI, a KEYWORD=VALUE string, or the absolute path of a",
    "server's socket. Every other operand is a channel; one that looks like a connection is",
    "an error. Without a CONNINFO pgwait uses the default connection, as psql does.",
    "",
    "Connection:",
    "  -d, --dbname NAME|CONNINFO  database name or connection string; can be repeated",
    "  -h, --host HOST             host name or socket directory",
    "  -p, --port PORT             port of the server",
    "  -U, --username NAME         role to connect as",
    "  -w, --no-password           never prompt for a password",
    "  -W, --password              prompt for a password before connecting",
    "  -l, --listen CHANNEL        listen on CHANNEL, even if it looks like a CONNINFO;",
    "                              can be repeated",
    "      --reconnect WHEN        when to reconnect; lost (after a loss, the default), always",
    "                              (even if nothing listened at the start), or never",
    "      --heartbeat SECS        send a query every SECS, to notice a dead server (30; 0: off)",
    "",
    "When to end:",
    "  -n, --count N               end after N notifications",
    "  -e, --exit-idle SECS        end after SECS without a notification",
    "  -m, --max-time SECS         end SECS after the start",
    "  -t, --timeout SECS          make an idle event every SECS;",
    "                              0: write what is pending, and end",
    "      --idle-restart          restart the idle timer at every notification",
    "",
    "Output:",
    "  -j, --json                  write one JSON object a line",
    "  -f, --format FORMAT         %c channel, %p payload, %e payload escaped, %l its length,",
    "                              %i pid, %d connection, %T time, %s Unix time, %j JSON, %%,",
    "                              \\n \\t \\0 \\\\ \\xHH",
    "  -0, --null                  write channel, payload, pid, each followed by a NUL byte;",
    "                              with -j or -f: a NUL byte ends the record",
    "      --events                write events too, as JSON objects (needs -j)",
    "      --buffer SIZE           memory for what waits for slow readers and commands (64MiB)",
    "      --overflow ACTION       block, drop or exit when the buffer is full (block)",
    "      --color WHEN            when to use colours; auto (at a terminal, the default),",
    "                              always or never",
#ifdef HAVE_SQLITE
    "      --spool FILE            store notifications in FILE, for --from-spool",
    "      --from-spool FILE       write the notifications in FILE, remove them, and end",
#endif
    "",
    "Commands:",
    "      --notify-cmd CMD        run CMD for each notification, its payload on stdin",
    "      --batch-cmd CMD         run CMD for all notifications since its last run, on stdin",
    "      --batch-wait SECS       have a batch wait SECS for more notifications",
    "      --idle-cmd CMD          run CMD at each idle event (needs -t)",
    "      --listen-cmd CMD        run CMD when a connection listens, and when it listens again",
    "      --lost-cmd CMD          run CMD when a connection is lost",
    "      --cmd-timeout SECS      end a command that runs longer than SECS",
    "      --jobs N                run up to N commands of --notify-cmd at a time (1)",
    "      --print                 write notifications although a command or the spool gets them",
    "      --control PATH          take commands from the FIFO PATH, or - for standard input",
    "      --config FILE           read connections and channels from FILE, and again at SIGHUP",
    "      --ready-fd FD           write a newline to FD once every connection listens",
    "",
    "Work that must not be lost:",
    "      --catchup-sql SQL       write the rows of SQL too whenever pgwait starts to listen;",
    "                              commit once they are delivered",
    "      --work-sql SQL          write the rows of SQL whenever there may be some; commit once",
    "                              they are delivered, and begin again",
    "      --exclusive KEY         only one process with this KEY is active, the others wait",
    "",
    "      --check                 tell whether notifications get through, and end (-j: JSON)",
    "      --stats                 write a summary to stderr at the end",
    "      --status-file FILE      keep the status in FILE, as JSON, or as metrics (FILE.prom)",
    "  -q, --quiet                 write errors and warnings only",
    "  -v, --verbose               write more about what pgwait does",
    "  -?, --help                  show this text",
    "  -V, --version               show the versions of pgwait and its libraries",
    "",
    "SECS are decimal seconds, SIZE is bytes or, as in 64MiB, KiB, MiB or GiB.",
    "In a shell's read loop put the payload last, or use -0:",
    "  pgwait -f '%c\\t%i\\t%e' jobs | while IFS=$'\\t' read -r channel pid payload; do ...",
    "NOTIFY is no mailbox: pgwait gets only what is sent while it listens (or --work-sql).",
    "",
    "Exit status: 0 ended as asked, 1 error, 2 no connection, 3 LISTEN or SQL refused,",
    "124 ended before N notifications came.",
};

static enum status
finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	log_error("could not write to standard output: %s", strerror(errno));
	return STATUS_ERROR;
}

enum status
help_print(void)
{
	for (size_t i = 0; i < sizeof help / sizeof help[0]; i++)
		puts(help[i]);
	return finish();
}

enum status
help_print_version(void)
{
	int v = PQlibVersion();

	printf("pgwait %s (libpq %d.%d, libevent %s", PACKAGE_VERSION, v / 10000, v % 10000,
	    event_get_version());
#ifdef HAVE_SQLITE
	const char *error;
	const struct sqlite *sqlite = sqlite_load(&error);

	printf(", SQLite %s", sqlite ? sqlite->libversion() : "not found");
#endif
	puts(")");
	return finish();
}
