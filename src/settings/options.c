#include "config.h"

#include "settings/options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/log.h"
#include "postgres/redact.h"
#include "settings/arguments.h"
#include "settings/config_file.h"
#include "settings/help.h"
#include "settings/option_rules.h"

/* --jobs can be this many. */
#define JOBS_MAX 1000

/* --buffer, where it is not given. */
#define BUFFER_DEFAULT ((size_t)64 << 20)

static bool
get_seconds(const struct arg_str *arg, bool zero, int64_t *us)
{
	const char *s = arguments_last(arg);

	*us = -1;
	if (!s || parse_seconds(s, zero, us))
		return true;
	arguments_error(
	    "invalid --%s \"%s\": accepted are decimal seconds from 0.01 to 1000000000%s",
	    arg->hdr.longopts, s, zero ? ", or 0" : "");
	return false;
}

/* --heartbeat where it is not given. */
#define HEARTBEAT (30 * SECOND)

static bool
get_times(const struct arguments *a, struct options *o)
{
	return get_seconds(a->timeout, true, &o->timeout) &&
	       get_seconds(a->exit_idle, false, &o->exit_idle) &&
	       get_seconds(a->max_time, false, &o->max_time) &&
	       get_seconds(a->cmd_timeout, false, &o->cmd_timeout) &&
	       get_seconds(a->batch_wait, false, &o->batch_wait) &&
	       get_seconds(a->heartbeat, true, &o->heartbeat);
}

/*
 * Reads an option whose value is one of three words. *choice is the index of the word; it is left
 * alone if the option was not given.
 */
static bool
get_choice(const struct arg_str *arg, const char *const names[3], int *choice)
{
	const char *s = arguments_last(arg);

	for (int i = 0; s && i < 3; i++)
		if (strcmp(s, names[i]) == 0) {
			*choice = i;
			return true;
		}
	if (s)
		arguments_error("invalid --%s \"%s\": accepted are \"%s\", \"%s\", \"%s\"",
		    arg->hdr.longopts, s, names[0], names[1], names[2]);
	return !s;
}

static bool
is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

static bool
get_choices(const struct arguments *a, struct options *o)
{
	static const char *const reconnect[] = {
	    [RECONNECT_LOST] = "lost", [RECONNECT_ALWAYS] = "always", [RECONNECT_NEVER] = "never"};
	static const char *const overflow[] = {
	    [OVERFLOW_BLOCK] = "block", [OVERFLOW_DROP] = "drop", [OVERFLOW_EXIT] = "exit"};
	static const char *const color[] = {
	    [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
	int r = RECONNECT_LOST, v = OVERFLOW_BLOCK, c = COLOR_AUTO;
	bool ok = get_choice(a->reconnect, reconnect, &r) &&
		  get_choice(a->overflow, overflow, &v) && get_choice(a->color, color, &c);

	o->reconnect = (enum reconnect)r;
	o->overflow = (enum overflow)v;
	o->terminal.color = (enum color)c;
	return ok;
}

static bool
get_numbers(const struct arguments *a, struct options *o)
{
	const char *count = arguments_last(a->count), *fd = arguments_last(a->ready_fd),
		   *port = arguments_last(a->port);
	int64_t n;

	o->count = o->ready_fd = -1;
	if (count && !parse_integer(count, 1, INT64_MAX, &o->count)) {
		arguments_error(
		    "invalid --count \"%s\": accepted is a whole number, 1 or more", count);
		return false;
	}
	if (port && (!*port || !target_is_port_list(port))) {
		arguments_error(
		    "invalid --port \"%s\": accepted is a whole number from 1 to 65535, or a list "
		    "of them as long as that of -h",
		    port);
		return false;
	}
	if (!fd)
		return true;
	if (!parse_integer(fd, 0, INT32_MAX, &n) || !is_writable((int)n)) {
		arguments_error("invalid --ready-fd \"%s\": accepted is the number of a file "
				"descriptor that is open for writing",
		    fd);
		return false;
	}
	o->ready_fd = (int)n;
	if (n > 2)
		fd_cloexec(o->ready_fd);
	return true;
}

static bool
get_buffer(const struct arguments *a, struct options *o)
{
	const char *size = arguments_last(a->buffer);

	o->buffer = BUFFER_DEFAULT;
	if (!size || parse_size(size, &o->buffer))
		return true;
	arguments_error("invalid --buffer \"%s\": accepted is a whole number of bytes, or of "
			"KiB, MiB or GiB, such as 64MiB",
	    size);
	return false;
}

static bool
get_format(const struct arguments *a, struct options *o)
{
	const char *spec = arguments_last(a->format);
	char *error = NULL;

	o->events = a->events->count > 0;
	o->end = a->null->count ? FORMAT_END_NUL : FORMAT_END_LINE;
	if (spec && a->json->count) {
		arguments_error(
		    "--json and --format exclude each other; %%j in a format is the JSON object");
		return false;
	}
	if (spec) {
		o->format = format_compile(spec, o->end, &error);
		if (!o->format) {
			arguments_error("%s", error);
			free(error);
			return false;
		}
	} else if (a->json->count) {
		o->format = format_json(o->end);
	} else {
		o->format = a->null->count ? format_nul() : format_text();
	}
	return true;
}

/*
 * There is no status line with -q and in a drain, which are silent; with commands, which write to
 * the terminal themselves; and if somebody types commands of --control there.
 */
static bool
wants_status_line(const struct arguments *a, const struct options *o)
{
	bool typed = o->control && strcmp(o->control, "-") == 0 && isatty(STDIN_FILENO);

	return (!a->quiet->count || a->verbose->count) && o->timeout != 0 &&
	       !option_rules_command_given(a) && !typed;
}

/* After everything that it depends on. */
static bool
get_terminal(const struct arguments *a, struct options *o)
{
	struct terminal_settings *t = &o->terminal;
	const char *exact = a->format->count ? "format" : "null";

	if (a->format->count || a->null->count)
		t->layout = LAYOUT_EXACT;
	else
		t->layout = a->json->count ? LAYOUT_JSON : LAYOUT_LINES;
	t->labels = o->subscriptions.count > 1 || o->control || o->config;
	t->pretty = log_verbose();
	o->status_line = wants_status_line(a, o);
	if (t->layout != LAYOUT_EXACT || t->color != COLOR_ALWAYS)
		return true;
	arguments_error("--color always and --%s exclude each other: what programs read has no "
			"colours",
	    exact);
	return false;
}

static bool
get_command(const struct arg_str *arg, char **command)
{
	const char *s = arguments_last(arg);

	if (s && !*s) {
		arguments_error(
		    "invalid --%s \"\": accepted is a command for the shell", arg->hdr.longopts);
		return false;
	}
	*command = s ? xstrdup(s) : NULL;
	return true;
}

static bool
get_jobs(const struct arguments *a, struct options *o)
{
	const char *jobs = arguments_last(a->jobs);

	o->jobs = 1;
	if (!jobs || parse_integer(jobs, 1, JOBS_MAX, &o->jobs))
		return true;
	arguments_error(
	    "invalid --jobs \"%s\": accepted is a whole number from 1 to %d", jobs, JOBS_MAX);
	return false;
}

static bool
get_commands(const struct arguments *a, struct options *o)
{
	o->print = a->print->count > 0;
	return get_jobs(a, o) && get_command(a->notify_cmd, &o->notify_cmd) &&
	       get_command(a->batch_cmd, &o->batch_cmd) && get_command(a->idle_cmd, &o->idle_cmd) &&
	       get_command(a->listen_cmd, &o->listen_cmd) && get_command(a->lost_cmd, &o->lost_cmd);
}

static bool
get_text(const struct arg_str *arg, const char *accepted, char **text)
{
	const char *s = arguments_last(arg);

	if (s && (!*s || !utf8_valid(s, strlen(s)))) {
		arguments_error("invalid --%s \"%s\": accepted is %s, in UTF-8", arg->hdr.longopts,
		    s, accepted);
		return false;
	}
	*text = s ? xstrdup(s) : NULL;
	return true;
}

static bool
get_work(const struct arguments *a, struct options *o)
{
	static const char statement[] = "one SQL statement that returns rows";

	return get_text(a->catchup_sql, statement, &o->catchup_sql) &&
	       get_text(a->work_sql, statement, &o->work_sql) &&
	       get_text(a->exclusive, "a whole number of 64 bits or other text", &o->exclusive);
}

static bool
get_path(const struct arg_str *arg, const char **path)
{
	*path = arguments_last(arg);
	if (!*path || **path)
		return true;
	arguments_error("invalid --%s \"\": accepted is the path of a file", arg->hdr.longopts);
	return false;
}

#ifdef HAVE_SQLITE
/* The operands are channels then. */
static bool
get_channels(const struct arguments *a, struct options *o)
{
	const struct arg_str *const places[] = {a->listen, a->operands};
	char *error = NULL;

	o->channels =
	    xcalloc((size_t)(a->listen->count + a->operands->count) + 1, sizeof *o->channels);
	for (size_t p = 0; p < 2 && !error; p++)
		for (int i = 0; i < places[p]->count && !error; i++) {
			const char *word = places[p]->sval[i];

			if (p == 1 && (target_is_conninfo(word) || target_is_socket(word) ||
					  redact_suspected(word)))
				error =
				    xstrdup("a connection string stands beside --from-spool, "
					    "which makes no connection (for a channel of such a "
					    "name use -l)");
			else if (channel_check(word, &error))
				o->channels[o->channel_count++] = word;
		}
	if (!error)
		return true;
	arguments_error("%s", error);
	free(error);
	return false;
}

static bool
get_spool(const struct arguments *a, struct options *o)
{
	if (!get_path(a->spool, &o->spool) || !get_path(a->from_spool, &o->from_spool))
		return false;
	return !o->from_spool || get_channels(a, o);
}
#else
static bool
get_spool(const struct arguments *a, struct options *o)
{
	(void)a;
	(void)o;
	return true;
}
#endif

/* What fills in connection strings, now and at run time. */
static void
get_defaults(const struct arguments *a, struct options *o)
{
	o->defaults = (struct target_defaults){.host = arguments_last(a->host),
	    .port = arguments_last(a->port),
	    .user = arguments_last(a->username)};
}

/* Adds what the file wants to what the command line does. */
static bool
get_config(struct options *o)
{
	struct subscriptions file, *to = &o->subscriptions;
	struct string_map names = {0};
	char *error = NULL;

	if (!o->config)
		return true;
	if (!config_file_read(o->config, &o->defaults, &file, &error))
		goto failed;
	for (size_t i = 0; i < to->count; i++)
		(void)string_map_add(&names, to->list[i].target->label);
	for (size_t i = 0; i < file.count; i++) {
		if (string_map_find(&names, file.list[i].target->label)) {
			error = xasprintf("%s: the name \"%s\" is that of a connection of the "
					  "command line already",
			    o->config, file.list[i].target->label);
			break;
		}
		to->list = xrealloc(to->list, (to->count + 1) * sizeof *to->list);
		to->list[to->count++] = file.list[i];
		file.list[i] = (struct subscription){0};
	}
	subscriptions_free(&file);
	string_map_free(&names);
	if (!error)
		return true;
failed:
	arguments_error("%s", error);
	free(error);
	return false;
}

static bool
get_operands(const struct arguments *a, struct options *o)
{
	struct operands operands = {
	    .defaults = o->defaults,
	    .optional = o->control || o->config || o->check,
	    .fallback = o->check && !o->config,
	    .dbnames = a->dbname->sval,
	    .dbname_count = (size_t)a->dbname->count,
	    .listens = a->listen->sval,
	    .listen_count = (size_t)a->listen->count,
	    .words = a->operands->sval,
	    .word_count = (size_t)a->operands->count,
	};
	char *error = NULL;

	if (o->from_spool || operands_parse(&operands, &o->subscriptions, &error))
		return true;
	arguments_error("%s", error);
	free(error);
	return false;
}

static bool
has_patient(const struct options *o)
{
	if (!o->check || o->subscriptions.count > 0)
		return true;
	arguments_error("--check needs a connection, and \"%s\" has none", o->config);
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
				redact_overwrite((char *)(uintptr_t)places[p]->sval[i]);
}

static bool
get_all(const struct arguments *a, struct options *o)
{
	if (a->quiet->count || a->verbose->count)
		log_set_level(a->verbose->count ? LOG_VERBOSE : LOG_QUIET);
	get_defaults(a, o);
	o->control = arguments_last(a->control);
	o->config = arguments_last(a->config);
	o->check = a->check->count > 0;
	o->json = a->json->count > 0;
	o->quiet = a->quiet->count > 0 && a->verbose->count == 0;
	if (!option_rules_met(a) || !get_spool(a, o) || !get_times(a, o) || !get_numbers(a, o) ||
	    !get_commands(a, o) || !get_work(a, o) || !get_buffer(a, o) || !get_format(a, o) ||
	    !get_choices(a, o) || !get_path(a->status_file, &o->status_file) ||
	    !get_operands(a, o) || !get_config(o) || !has_patient(o) || !get_terminal(a, o))
		return false;
	if (o->heartbeat < 0)
		o->heartbeat = HEARTBEAT;
	o->stats = a->stats->count > 0;
	o->idle_restart = a->idle_restart->count > 0;
	o->never_prompt = a->no_password->count > 0;
	o->force_prompt = a->password->count > 0;
	return true;
}

bool
options_parse(int argc, char **argv, struct options *o, enum status *status)
{
	struct arguments a;
	bool ok = false;

	*o = (struct options){0};
	*status = STATUS_ERROR;
	switch (arguments_parse(&a, argc, argv)) {
	case ARGUMENTS_HELP:
		*status = help_print();
		break;
	case ARGUMENTS_VERSION:
		*status = help_print_version();
		break;
	case ARGUMENTS_ERROR:
		break;
	case ARGUMENTS_OK:
		ok = get_all(&a, o);
		hide_passwords(&a);
	}
	arguments_free(&a);
	if (!ok)
		options_free(o);
	return ok;
}

void
options_free(struct options *o)
{
	subscriptions_free(&o->subscriptions);
	format_free(o->format);
	free(o->notify_cmd);
	free(o->batch_cmd);
	free(o->idle_cmd);
	free(o->listen_cmd);
	free(o->lost_cmd);
	free(o->catchup_sql);
	free(o->work_sql);
	free(o->exclusive);
	free(o->channels);
	*o = (struct options){0};
}
