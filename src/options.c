#include "config.h"

#include "options.h"

#include <argtable2.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "log.h"

/*
 * Every option with a value is text for argtable2, whose numbers are too forgiving (fact F12), and
 * may stand often: the last one counts.
 */
struct arguments {
	struct arg_str *dbname, *host, *port, *username;
	struct arg_lit *no_password, *password;
	struct arg_str *listen, *timeout;
	struct arg_lit *idle_restart;
	struct arg_str *exit_idle, *count, *max_time;
	struct arg_lit *json;
	struct arg_str *format;
	struct arg_lit *null;
	struct arg_str *idle_cmd, *cmd_timeout, *reconnect, *ready_fd;
	struct arg_lit *quiet, *verbose, *help, *version;
	struct arg_str *operands;
	struct arg_end *end;
};

static bool
make_table(struct arguments *a, int max)
{
	*a = (struct arguments){
	    .dbname = arg_strn("d", "dbname", "NAME|CONNINFO", 0, max, NULL),
	    .host = arg_strn("h", "host", "HOST", 0, max, NULL),
	    .port = arg_strn("p", "port", "PORT", 0, max, NULL),
	    .username = arg_strn("U", "username", "NAME", 0, max, NULL),
	    .no_password = arg_litn("w", "no-password", 0, max, NULL),
	    .password = arg_litn("W", "password", 0, max, NULL),
	    .listen = arg_strn("l", "listen", "CHANNEL", 0, max, NULL),
	    .timeout = arg_strn("t", "timeout", "SECS", 0, max, NULL),
	    .idle_restart = arg_litn(NULL, "idle-restart", 0, max, NULL),
	    .exit_idle = arg_strn("e", "exit-idle", "SECS", 0, max, NULL),
	    .count = arg_strn("n", "count", "N", 0, max, NULL),
	    .max_time = arg_strn("m", "max-time", "SECS", 0, max, NULL),
	    .json = arg_litn("j", "json", 0, max, NULL),
	    .format = arg_strn("f", "format", "FORMAT", 0, max, NULL),
	    .null = arg_litn("0", "null", 0, max, NULL),
	    .idle_cmd = arg_strn(NULL, "idle-cmd", "CMD", 0, max, NULL),
	    .cmd_timeout = arg_strn(NULL, "cmd-timeout", "SECS", 0, max, NULL),
	    .reconnect = arg_strn(NULL, "reconnect", "never", 0, max, NULL),
	    .ready_fd = arg_strn(NULL, "ready-fd", "FD", 0, max, NULL),
	    .quiet = arg_litn("q", "quiet", 0, max, NULL),
	    .verbose = arg_litn("v", "verbose", 0, max, NULL),
	    .help = arg_litn("?", "help", 0, max, NULL),
	    .version = arg_litn("V", "version", 0, max, NULL),
	    .operands = arg_strn(NULL, NULL, "OPERAND", 0, max, NULL),
	    .end = arg_end(20),
	};
	return arg_nullcheck((void **)a) == 0;
}

/* The table is a struct of pointers, which argtable2 takes as an array that ends at `end`. */
static struct arg_hdr **
table(struct arguments *a)
{
	return (struct arg_hdr **)a;
}

static const char *
last(const struct arg_str *a)
{
	return a->count ? a->sval[a->count - 1] : NULL;
}

static void PRINTF_LIKE(1, 2) usage_error(const char *fmt, ...)
{
	va_list ap;
	char *message;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) >= 0) {
		log_error("%s", message);
		free(message);
	}
	va_end(ap);
	log_hint("\"pgwait --help\" lists what is accepted");
}

static bool
is_end(const struct arg_hdr *h)
{
	return h->flag & ARG_TERMINATOR;
}

static const struct arg_hdr *
find_short(struct arguments *a, char letter)
{
	for (struct arg_hdr **h = table(a); !is_end(*h); h++)
		if ((*h)->shortopts && strchr((*h)->shortopts, letter))
			return *h;
	return NULL;
}

static const struct arg_hdr *
find_long(struct arguments *a, const char *name, size_t length)
{
	for (struct arg_hdr **h = table(a); !is_end(*h); h++)
		if ((*h)->longopts && strlen((*h)->longopts) == length &&
		    strncmp((*h)->longopts, name, length) == 0)
			return *h;
	return NULL;
}

enum scan { SCAN_OK, SCAN_TAKES_NEXT, SCAN_HELP, SCAN_VERSION, SCAN_ERROR };

static enum scan
scan_found(struct arguments *a, const struct arg_hdr *h)
{
	if (h == &a->help->hdr)
		return SCAN_HELP;
	return h == &a->version->hdr ? SCAN_VERSION : SCAN_OK;
}

/* argtable2 takes none for a long option. */
static enum scan
empty_value(const char *option, int length)
{
	usage_error("invalid %.*s \"\": a value is needed", length, option);
	return SCAN_ERROR;
}

static enum scan
scan_long(struct arguments *a, const char *word)
{
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] ? word + 2 + length : NULL;
	const struct arg_hdr *h = find_long(a, word + 2, length);

	if (!h) {
		usage_error("unknown option \"%.*s\"", (int)length + 2, word);
		return SCAN_ERROR;
	}
	if (!(h->flag & ARG_HASVALUE)) {
		if (value) {
			usage_error("option \"--%s\" takes no value", h->longopts);
			return SCAN_ERROR;
		}
		return scan_found(a, h);
	}
	if (!value)
		return SCAN_TAKES_NEXT;
	return value[1] ? SCAN_OK : empty_value(word, (int)length + 2);
}

static enum scan
scan_short(struct arguments *a, const char *word)
{
	for (const char *c = word + 1; *c; c++) {
		const struct arg_hdr *h = find_short(a, *c);
		enum scan found;

		if (!h) {
			usage_error("unknown option \"-%s\"%s%s%s", (char[]){*c, 0},
			    word[2] ? " in \"" : "", word[2] ? word : "", word[2] ? "\"" : "");
			return SCAN_ERROR;
		}
		if (h->flag & ARG_HASVALUE)
			return c[1] ? SCAN_OK : SCAN_TAKES_NEXT;
		found = scan_found(a, h);
		if (found != SCAN_OK)
			return found;
	}
	return SCAN_OK;
}

/*
 * Looks argv through before argtable2 does: getopt would take abbreviations, and word errors in its
 * own way (fact F12).
 */
static enum scan
scan(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		enum scan found = SCAN_OK;

		if (argv[i][0] == '-' && argv[i][1] == '-')
			found = scan_long(a, argv[i]);
		else if (argv[i][0] == '-' && argv[i][1])
			found = scan_short(a, argv[i]);
		else if (getenv("POSIXLY_CORRECT"))
			break;
		if (found == SCAN_TAKES_NEXT && ++i == argc) {
			usage_error("option \"%s\" needs a value", argv[i - 1]);
			return SCAN_ERROR;
		}
		if (found == SCAN_TAKES_NEXT && !argv[i][0] && argv[i - 1][1] == '-')
			found = empty_value(argv[i - 1], (int)strlen(argv[i - 1]));
		if (found > SCAN_TAKES_NEXT)
			return found;
	}
	return SCAN_OK;
}

static bool
get_seconds(const struct arg_str *arg, bool zero, int64_t *us)
{
	const char *s = last(arg);

	*us = -1;
	if (!s || parse_seconds(s, zero, us))
		return true;
	usage_error("invalid --%s \"%s\": accepted are decimal seconds, 0.01 or more%s",
	    arg->hdr.longopts, s, zero ? ", or 0" : "");
	return false;
}

static bool
get_times(const struct arguments *a, struct options *o)
{
	return get_seconds(a->timeout, true, &o->timeout) &&
	       get_seconds(a->exit_idle, false, &o->exit_idle) &&
	       get_seconds(a->max_time, false, &o->max_time) &&
	       get_seconds(a->cmd_timeout, false, &o->cmd_timeout);
}

static bool
get_numbers(const struct arguments *a, struct options *o)
{
	const char *count = last(a->count), *fd = last(a->ready_fd), *port = last(a->port);
	int64_t n;

	o->count = o->ready_fd = -1;
	if (count && !parse_integer(count, 1, INT64_MAX, &o->count)) {
		usage_error("invalid --count \"%s\": accepted is a whole number, 1 or more", count);
		return false;
	}
	if (port && (!*port || !target_is_port_list(port))) {
		usage_error(
		    "invalid --port \"%s\": accepted is a whole number from 1 to 65535, or a list "
		    "of them as long as that of -h",
		    port);
		return false;
	}
	if (!fd)
		return true;
	if (!parse_integer(fd, 0, INT32_MAX, &n) || fcntl((int)n, F_GETFD) < 0) {
		usage_error(
		    "invalid --ready-fd \"%s\": accepted is the number of an open file descriptor",
		    fd);
		return false;
	}
	o->ready_fd = (int)n;
	if (n > 2)
		fd_cloexec(o->ready_fd);
	return true;
}

static bool
get_format(const struct arguments *a, struct options *o)
{
	const char *spec = last(a->format);
	enum format_end end = a->null->count ? FORMAT_END_NUL : FORMAT_END_LINE;
	char *error;

	if (spec && a->json->count) {
		usage_error(
		    "--json and --format exclude each other; %%j in a format is the JSON object");
		return false;
	}
	if (spec) {
		o->format = format_compile(spec, end, &error);
		if (!o->format) {
			usage_error("%s", error);
			free(error);
			return false;
		}
	} else if (a->json->count) {
		o->format = format_json(end);
	} else {
		o->format = a->null->count ? format_nul() : format_text();
	}
	return true;
}

/* An option without the one that it needs would do nothing. */
static bool
check_needs(const struct arguments *a)
{
	if (a->idle_cmd->count && !a->timeout->count)
		usage_error("--idle-cmd needs --timeout: without it there is no idle event");
	else if (a->idle_restart->count && !a->timeout->count)
		usage_error("--idle-restart needs --timeout: without it there is no idle timer");
	else if (a->cmd_timeout->count && !a->idle_cmd->count)
		usage_error("--cmd-timeout needs --idle-cmd: without it there is no command");
	else if (a->reconnect->count && strcmp(last(a->reconnect), "never") != 0)
		usage_error(
		    "invalid --reconnect \"%s\": accepted is \"never\"", last(a->reconnect));
	else if (a->password->count && a->no_password->count)
		usage_error("--password and --no-password exclude each other");
	else
		return true;
	return false;
}

static bool
get_operands(const struct arguments *a, struct options *o)
{
	struct operands operands = {
	    .defaults = {.host = last(a->host), .port = last(a->port), .user = last(a->username)},
	    .dbnames = a->dbname->sval,
	    .dbname_count = (size_t)a->dbname->count,
	    .listens = a->listen->sval,
	    .listen_count = (size_t)a->listen->count,
	    .words = a->operands->sval,
	    .word_count = (size_t)a->operands->count,
	};
	char *error;

	if (operands_parse(&operands, &o->subscriptions, &error))
		return true;
	usage_error("%s", error);
	free(error);
	return false;
}

/* argtable2's strings are argv's own. */
static void
hide_passwords(const struct arguments *a)
{
	const struct arg_str *const places[] = {a->dbname, a->operands};

	for (size_t p = 0; p < 2; p++)
		for (int i = 0; i < places[p]->count; i++)
			if (target_is_conninfo(places[p]->sval[i]))
				target_hide((char *)(uintptr_t)places[p]->sval[i]);
}

static bool
get_all(const struct arguments *a, struct options *o)
{
	if (a->quiet->count || a->verbose->count)
		log_set_level(a->verbose->count ? LOG_VERBOSE : LOG_QUIET);
	if (!check_needs(a) || !get_times(a, o) || !get_numbers(a, o) || !get_format(a, o) ||
	    !get_operands(a, o))
		return false;
	o->idle_restart = a->idle_restart->count > 0;
	o->never_prompt = a->no_password->count > 0;
	o->force_prompt = a->password->count > 0;
	if (a->idle_cmd->count)
		o->idle_cmd = xstrdup(last(a->idle_cmd));
	return true;
}

bool
options_parse(int argc, char **argv, struct options *o, enum status *status)
{
	struct arguments a;
	bool ok = false;

	*o = (struct options){0};
	*status = STATUS_ERROR;
	if (!make_table(&a, argc + 1)) {
		log_error("out of memory");
		return false;
	}
	switch (scan(&a, argc, argv)) {
	case SCAN_HELP:
		*status = help_print();
		break;
	case SCAN_VERSION:
		*status = help_print_version();
		break;
	case SCAN_ERROR:
		break;
	default:
		if (arg_parse(argc, argv, (void **)table(&a)) > 0) {
			arg_print_errors(stderr, a.end, "pgwait: error");
			break;
		}
		ok = get_all(&a, o);
		hide_passwords(&a);
	}
	arg_freetable((void **)table(&a), sizeof a / sizeof(void *));
	if (!ok)
		options_free(o);
	return ok;
}

void
options_free(struct options *o)
{
	subscriptions_free(&o->subscriptions);
	format_free(o->format);
	free(o->idle_cmd);
	*o = (struct options){0};
}
