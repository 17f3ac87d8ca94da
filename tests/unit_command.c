/*
 * Tables of cases for the language of commands and of the configuration file. Speaks TAP.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/line_reader.h"
#include "base/util.h"
#include "postgres/channel.h"
#include "settings/command.h"
#include "settings/config_file.h"
#include "settings/operands.h"
#include "tap.h"

static void
describe(const struct command *c, struct buffer *b)
{
	buffer_addf(b, "%s", command_syntax(c->kind)->name);
	if (c->all)
		buffer_addf(b, " all");
	if (c->name)
		buffer_addf(b, " name=%s", c->name);
	if (c->conninfo)
		buffer_addf(b, " conninfo=%s", c->conninfo);
	for (size_t i = 0; i < c->channel_count; i++)
		buffer_addf(b, " channel=%s", c->channels[i]);
	if (c->payload)
		buffer_addf(b, " payload=%s", c->payload);
	if (c->kind == COMMAND_TIMEOUT)
		buffer_addf(b, " %lld", (long long)c->interval);
}

static void
test_commands(void)
{
	static const struct {
		const char *line, *command;
	} cases[] = {
	    {"", ""},
	    {"  # listen app jobs", ""},
	    {"connect app host=a", "connect name=app conninfo=host=a"},
	    {"connect 'my app' 'host=a password=x y'",
		"connect name=my app conninfo=host=a password=x y"},
	    {"connect app postgresql://h/d?sslmode=require&connect_timeout=5",
		"connect name=app conninfo=postgresql://h/d?sslmode=require&connect_timeout=5"},
	    {"connect app /run/postgresql", "connect name=app conninfo=/run/postgresql"},
	    {"disconnect app@db1:5433", "disconnect name=app@db1:5433"},
	    {"disconnect app@db1#2 # not a comment in it", "disconnect name=app@db1#2"},
	    {"disconnect a=b@db1", "disconnect name=a=b@db1"},
	    {"listen app jobs", "listen name=app channel=jobs"},
	    {"listen * a b a", "listen all channel=a channel=b channel=a"},
	    {"listen '*' '*' ' '", "listen all channel=* channel= "},
	    {"listen app host=a", "listen name=app channel=host=a"},
	    {"unlisten app jobs", "unlisten name=app channel=jobs"},
	    {"unlisten * jobs", "unlisten all channel=jobs"},
	    {"channels", "channels"},
	    {"channels app", "channels name=app"},
	    {"status", "status"},
	    {"garbage", "garbage"},
	    {"recover app", "recover name=app"},
	    {"timeout 0.5", "timeout 500000"},
	    {"timeout none", "timeout -1"},
	    {"drain", "drain"},
	    {"notify app jobs", "notify name=app channel=jobs"},
	    {"notify app jobs ''", "notify name=app channel=jobs payload="},
	    {"notify app jobs $'a\\n\\xff'", "notify name=app channel=jobs payload=a\n\xff"},
	    {"quit", "quit"},
	    {"help", "help"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *line = cases[i].line;
		struct buffer b = {0};
		struct command c;
		char *error = NULL;

		if (command_parse(line, strlen(line), false, &c, &error))
			describe(&c, &b);
		else
			buffer_addf(&b, "%s", error);
		check_buffer("command", &b, cases[i].command, line);
		command_free(&c);
		free(error);
	}
}

static void
test_commands_refused(void)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
	    {"conect app host=a", "unknown command \"conect\"|connect, disconnect|quit and help"},
	    {"Connect app host=a", "unknown command \"Connect\""},
	    {"''", "unknown command; accepted"},
	    {"connect", "0 arguments for connect|\"connect NAME CONNINFO\""},
	    {"connect app", "1 argument for connect|\"connect NAME CONNINFO\""},
	    {"connect app host=a user=b", "3 arguments for connect|quotes around"},
	    {"connect '' host=a", "invalid connection name \"\""},
	    {"connect * host=a", "invalid connection name \"*\""},
	    {"connect a$'\\n'b host=a", "invalid connection name|control characters"},
	    {"connect a$'\\302\\205'b host=a", "invalid connection name|control characters"},
	    {"connect $'\\xff' host=a", "invalid connection name \"\xff\"|UTF-8"},
	    {"connect app jobs", "invalid connection string for \"app\"|postgresql://|socket"},
	    {"disconnect", "0 arguments for disconnect|\"disconnect NAME\""},
	    {"disconnect a b", "2 arguments for disconnect"},
	    {"disconnect *", "invalid connection name \"*\"|one connection"},
	    {"disconnect ''", "invalid connection name \"\""},
	    {"listen", "0 arguments for listen|\"listen NAME|* CHANNEL...\""},
	    {"listen app", "1 argument for listen"},
	    {"listen '' jobs", "invalid connection name \"\"|or * for all"},
	    {"listen app jobs ''", "invalid channel name \"\"|empty"},
	    {"listen app $'\\xff'", "invalid channel name \"\xff\"|UTF-8"},
	    {"unlisten app", "1 argument for unlisten"},
	    {"channels a b", "2 arguments for channels|\"channels [NAME]\""},
	    {"channels *", "invalid connection name \"*\""},
	    {"status now", "1 argument for status; accepted is \"status\""},
	    {"recover *", "invalid connection name \"*\""},
	    {"timeout", "0 arguments for timeout|SECS|none"},
	    {"timeout 0", "invalid interval \"0\"|0.01 or more, or none"},
	    {"timeout 5s", "invalid interval \"5s\""},
	    {"timeout -1", "invalid interval \"-1\""},
	    {"notify app", "1 argument for notify|\"notify NAME CHANNEL [PAYLOAD]\""},
	    {"notify * jobs", "invalid connection name \"*\""},
	    {"notify app '' x", "invalid channel name \"\""},
	    {"notify app a b c", "4 arguments for notify"},
	    {"listen app 'jobs", "single quote|at character 12"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *line = cases[i].line;
		struct command c;
		char *error = NULL;
		bool ok = command_parse(line, strlen(line), false, &c, &error);

		check_error("command refused", ok ? NULL : error, cases[i].error, line);
		check(ok || (!c.name && !c.channels), "nothing is left", line);
		command_free(&c);
	}
}

static void
test_channel_names(void)
{
	static const struct {
		const char *name, *error; /* NULL: fine */
	} cases[] = {
	    {"a", NULL},
	    {"123456789_123456789_123456789_123456789_123456789_123456789_123", NULL},
	    {"postgresql://a=b", NULL},
	    {"", "invalid channel name \"\": it is empty"},
	    {"123456789_123456789_123456789_123456789_123456789_123456789_1234",
		"_1234\": it has 64"},
	    {"\xff", "invalid channel name \"\xff\": it is not UTF-8"},
	    /* not shown: a password may be in it */
	    {"password=hunter2\xff", "invalid channel name: it is not UTF-8"},
	    {"x://hunter2_789_123456789_123456789_123456789_123456789_123456789",
		"invalid channel name: it has 65 bytes"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *error = NULL;

		if (channel_check(cases[i].name, &error))
			check(!cases[i].error, "channel name", cases[i].name);
		else
			check_error("channel name", error, cases[i].error ? cases[i].error : "-",
			    cases[i].name);
	}
}

/* None of these may show the password (fact F21). */
static void
test_secrets(void)
{
	static const char *const lines[] = {
	    "connect postgresql://app:hunter2@db1/x app",
	    "connect app:hunter2@db1/x",
	    "connect app postgresql://app:hunter2@db1/x y",
	    "connect app host=db1 password=hunter2",
	    "connect app 'host=db1 password=hunter2",
	    "connect app \"host=db1 password=hunter2\\",
	    "connect app $'host=db1 password=hunter2\\q'",
	    "connect app app:hunter2@db1/x",
	    "connect app hunter2",
	    "conect app password=hunter2",
	    "postgresql://app:hunter2@db1/x",
	    "password=hunter2",
	    "password = hunter2",
	    "'connect app password=hunter2'",
	    "'password hunter2'",
	    "hunter2",
	    "disconnect app password=hunter2",
	    "listen app postgresql://app:hunter2@db1/which_is_a_name_of_more_than_63_bytes",
	};

	for (int in_config = 0; in_config < 2; in_config++) {
		for (size_t i = 0; i < COUNT(lines); i++) {
			struct command c;
			char *error = NULL;
			bool ok = command_parse(lines[i], strlen(lines[i]), in_config, &c, &error);

			check(
			    !ok && !strstr(error, "hunter2"), "no password in the error", lines[i]);
			if (!ok)
				printf("# %s\n", error);
			command_free(&c);
			free(error);
		}
	}
}

static void
test_syntax(void)
{
	for (int kind = COMMAND_NONE + 1; kind < COMMAND_KINDS; kind++) {
		const struct command_syntax *s = command_syntax((enum command_kind)kind);

		check(*s->name && *s->summary, "a command has a name and a summary", s->name);
		check(s->in_config == (kind == COMMAND_CONNECT || kind == COMMAND_LISTEN),
		    "connect and listen can stand in a configuration file", s->name);
	}
}

static bool
parse_config(const char *text, size_t length, struct subscriptions *to, char **error)
{
	struct config_file file = {.name = "pgwait.conf", .text = text, .length = length};
	struct target_defaults defaults = {.user = "u", .dbname = "d"};

	return config_file_parse(&file, &defaults, to, error);
}

static void
test_config_file(void)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
	    {"", ""},
	    {"# nothing\n\n", ""},
	    {"connect app host=a\nlisten app jobs audit\n", "app(jobs,audit)"},
	    {"\xef\xbb\xbf"
	     "connect app host=a\r\nlisten app jobs\r\n",
		"app(jobs)"},
	    {"listen app jobs\nconnect app host=a", "app(jobs)"},
	    {"listen * jobs\nconnect a host=a\nconnect b host=b\nlisten b x\n", "a(jobs)b(jobs,x)"},
	    {"connect a host=a\nlisten a x x\nlisten * x y\n", "a(x,y)"},
	    {"connect a host=a\n", "a()"},
	    {"connect a@b#2 'host=a dbname=x'\n", "a@b#2()"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = cases[i].text;
		struct subscriptions s;
		struct buffer b = {0};
		char *error = NULL;

		if (!parse_config(text, strlen(text), &s, &error))
			buffer_addf(&b, "%s", error);
		for (size_t j = 0; j < s.count; j++) {
			buffer_addf(&b, "%s(", s.list[j].target->label);
			for (size_t k = 0; k < s.list[j].count; k++)
				buffer_addf(&b, "%s%s", k ? "," : "", s.list[j].channels[k]);
			buffer_addf(&b, ")");
		}
		check_buffer("configuration", &b, cases[i].wanted, text);
		subscriptions_free(&s);
		free(error);
	}
}

static void
test_config_file_refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
	    {"connect a host=a\n\nlisten a 'x\n", "pgwait.conf:3: single quote"},
	    {"# x\nconect a host=a",
		"pgwait.conf:2: unknown command|accepted are connect and listen"},
	    {"status\n", "pgwait.conf:1: \"status\"|configuration file|connect and listen"},
	    {"connect a host=a\nconnect a host=b", "pgwait.conf:2: |\"a\"|line 1"},
	    {"connect a host=a\nconnect a host=a", "pgwait.conf:2: |\"a\"|line 1"},
	    {"connect a host=a\nconnect b 'user=u host=a'",
		"pgwait.conf:2: |\"b\" is the same connection as \"a\" of line 1"},
	    {"listen a x\nconnect b host=b", "pgwait.conf:1: no line connects \"a\""},
	    {"\nlisten * x", "pgwait.conf:2: no line connects anything"},
	    {"connect a 'host=a port=x'", "pgwait.conf:1: invalid port"},
	    {"connect a 'host=a hunter2'", "pgwait.conf:1: invalid connection string \"host=...\""},
	    {"connect a host=a\nlisten a \xff", "pgwait.conf:2: invalid channel name"},
	};
	struct subscriptions s;
	char *error = NULL;
	char *big = xcalloc(1, LINE_LONGEST + 3);

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = cases[i].text;
		bool ok = parse_config(text, strlen(text), &s, &error);

		check_error("configuration refused", ok ? NULL : error, cases[i].error, text);
		check(s.count == 0, "nothing is left", text);
		subscriptions_free(&s);
	}
	memset(big, ' ', LINE_LONGEST + 2);
	big[0] = '\n';
	check(!parse_config(big, LINE_LONGEST + 2, &s, &error), "configuration refused", "long");
	check_error("configuration refused", error, "pgwait.conf:2: |65536 bytes", "a long line");
	check(!parse_config("#\n\0", 3, &s, &error), "configuration refused", "NUL");
	check_error("configuration refused", error, "pgwait.conf:2: NUL", "a NUL byte");
	free(big);
}

int
main(void)
{
	test_channel_names();
	test_commands();
	test_commands_refused();
	test_secrets();
	test_syntax();
	test_config_file();
	test_config_file_refused();
	return check_end();
}
