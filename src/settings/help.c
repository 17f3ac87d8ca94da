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
    "server's socket; every other operand is a channel, unless it looks like a connection.",
    "Without a CONNINFO the default connection is used, as psql would.",
    "",
    "Connection:",
    "  -d, --dbname NAME|CONNINFO  database, or a connection; can be repeated",
    "  -h, --host HOST             host name or socket directory",
    "  -p, --port PORT             port",
    "  -U, --username NAME         role",
    "  -w, --no-password           never prompt for a password",
    "  -W, --password              prompt for a password before connecting",
    "  -l, --listen CHANNEL        a channel, whatever its name looks like; can be repeated",
    "      --reconnect WHEN        when to connect again; lost (the default), always (even if",
    "                              nothing listened at the start), or never",
    "      --heartbeat SECS        a query every SECS, to notice a dead server (30; 0: none)",
    "",
    "When to end:",
    "  -n, --count N               end after N notifications",
    "  -e, --exit-idle SECS        end after SECS without a notification",
    "  -m, --max-time SECS         end SECS after the start",
    "  -t, --timeout SECS          an idle event every SECS; 0: write what is pending and end",
    "      --idle-restart          restart the idle timer at every notification",
    "",
    "Output:",
    "  -j, --json                  one JSON object a line",
    "  -f, --format FORMAT         %c channel, %p payload, %e payload escaped, %l its length,",
    "                              %i pid, %d connection, %T time, %s Unix time, %j JSON, %%,",
    "                              \\n \\t \\0 \\\\ \\xHH",
    "  -0, --null                  channel, payload, pid each followed by a NUL byte;",
    "                              with -j or -f: a NUL byte ends the record",
    "      --events                events in the stream too, as JSON objects (needs -j)",
    "      --buffer SIZE           what may wait for slow readers and commands (64MiB)",
    "      --overflow ACTION       block, drop or exit when the buffer is full (block)",
    "      --color WHEN            colours at a terminal; auto (the default), always or never",
#ifdef HAVE_SQLITE
    "      --spool FILE            keep what is received in FILE, for --from-spool",
    "      --from-spool FILE       write out what FILE holds, remove it there, and end",
#endif
    "",
    "Commands:",
    "      --notify-cmd CMD        run CMD for each notification, its payload on stdin",
    "      --batch-cmd CMD         run CMD for all that came since its last run, on stdin",
    "      --idle-cmd CMD          run CMD at each idle event (needs -t)",
    "      --listen-cmd CMD        run CMD when a connection listens, and listens again",
    "      --lost-cmd CMD          run CMD when a connection is lost",
    "      --cmd-timeout SECS      end a command that runs longer than SECS",
    "      --print                 write notifications that go elsewhere, too",
    "      --control PATH          take commands from the FIFO PATH, or - for standard input",
    "      --config FILE           connections and channels in a file; read again at SIGHUP",
    "      --ready-fd FD           write a newline to FD once every connection listens",
    "",
    "Work that must not be lost:",
    "      --catchup-sql SQL       each time it listens, write the rows of SQL too; commit",
    "                              once they are delivered",
    "      --exclusive KEY         of all with this KEY only one is active, and the others wait",
    "",
    "      --check                 tell whether notifications get through, and end (-j: JSON)",
    "      --stats                 sum up at the end, on stderr",
    "  -q, --quiet                 errors and warnings only",
    "  -v, --verbose               say more",
    "  -?, --help                  this text",
    "  -V, --version               versions of pgwait and its libraries",
    "",
    "SECS are decimal seconds, SIZE is bytes or, as in 64MiB, KiB, MiB or GiB.",
    "In a shell's read loop put the payload last, or use -0:",
    "  pgwait -f '%c\\t%i\\t%e' jobs | while IFS=$'\\t' read -r channel pid payload; do ...",
    "NOTIFY is no mailbox: only what is sent while pgwait listens arrives (or --catchup-sql).",
    "",
    "Exit status: 0 ended as asked, 1 error, 2 no connection, 3 LISTEN or catch-up refused,",
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
