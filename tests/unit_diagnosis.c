/* From findings of --check to problems. */
#include "config.h"

#include "diagnosis.h"

#include "tap.h"

/* The codes of the problems, in their order. */
static void
check_codes(const char *what, const struct findings *f, const char *expected)
{
	struct problems p = diagnose(f);
	struct buffer codes = {0};
	bool advised = true;

	for (size_t i = 0; i < p.count; i++) {
		buffer_addf(&codes, "%s%s", i ? " " : "", p.list[i].code);
		advised &= *p.list[i].text && *p.list[i].advice;
	}
	check(advised, "each has a text and advice", what);
	check_buffer(what, &codes, expected, expected);
	problems_free(&p);
}

static void
test_verdicts(void)
{
	static const struct {
		enum verdict verdict;
		const char *sqlstate, *code;
	} cases[] = {
	    {VERDICT_UNREACHED, "", "unreachable"},
	    {VERDICT_UNREACHED, "XX000", "rejected"},
	    {VERDICT_UNREACHED, "28P01", "password"},
	    {VERDICT_UNREACHED, "28000", "authentication"},
	    {VERDICT_UNREACHED, "3D000", "database"},
	    {VERDICT_UNREACHED, "55000", "database"},
	    {VERDICT_UNREACHED, "42501", "privilege"},
	    {VERDICT_UNREACHED, "53300", "connections"},
	    {VERDICT_UNREACHED, "57P03", "starting"},
	    {VERDICT_REFUSED, "25006", "standby"},
	    {VERDICT_REFUSED, "22P05", "channel"},
	    {VERDICT_REFUSED, "42601", "refused"},
	    {VERDICT_UNDELIVERED, "", "undelivered"},
	    {VERDICT_UNDELIVERED, "54000", "queue_full"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char reason[] = "why";
		struct findings f = {.verdict = cases[i].verdict, .reason = reason, .queue = -1};

		strcpy(f.sqlstate, cases[i].sqlstate);
		check_codes(cases[i].sqlstate, &f, cases[i].code);
	}
}

static void
test_causes(void)
{
	char reason[] = "why";
	struct findings f = {
	    .verdict = VERDICT_UNREACHED, .reason = reason, .wants_password = true};

	check_codes("no password", &f, "password");
	f = (struct findings){.verdict = VERDICT_UNDELIVERED, .reason = reason, .second = true};
	check_codes("no second connection", &f, "second_connection");
	f = (struct findings){
	    .verdict = VERDICT_UNDELIVERED, .reason = reason, .pooler = POOLER_OTHER};
	check_codes("pooler", &f, "pooler");
}

static void
test_settings(void)
{
	const struct findings sound = {.asked = true, .queue = 0, .heartbeat = 30 * SECOND};
	struct findings f = sound;

	check_codes("sound", &f, "");
	f.idle_session_timeout = 31 * SECOND;
	check_codes("a heartbeat that is sooner", &f, "");
	f.idle_session_timeout = 30 * SECOND;
	check_codes("a heartbeat that is not", &f, "idle_session_timeout");
	f.idle_session_timeout = 3600 * SECOND;
	f.heartbeat = 0;
	check_codes("no heartbeat", &f, "idle_session_timeout");
	f = sound;
	f.statement_timeout = SECOND;
	check_codes("one second", &f, "");
	f.statement_timeout = SECOND - 1;
	check_codes("less than one", &f, "statement_timeout");
	f.asked = false;
	check_codes("nothing was asked", &f, "");
}

static void
test_limits(void)
{
	struct findings f = {
	    .asked = true, .of_role = {8, 10}, .of_database = {0, 0}, .of_server = {89, 100}};

	check_codes("room", &f, "");
	f.of_role.used = 9;
	f.of_database = (struct sessions){1, 1};
	f.of_server.used = 90;
	check_codes("no room", &f, "role_limit database_limit max_connections");
}

static void
test_queue(void)
{
	char role[] = "r", database[] = "d", application[] = "", state[] = "active";
	struct findings f = {.asked = true, .queue = QUEUE_WARNING / 2};
	struct problems p;

	check_codes("little is used", &f, "");
	f.queue = QUEUE_WARNING;
	check_codes("nobody can be seen", &f, "queue");
	f.holder_count = 1;
	f.holders[0] = (struct holder){17, role, database, application, state, 0};
	p = diagnose(&f);
	check_error("holder", xstrdup(p.list[0].text),
	    "1.0 % full|pid 17 (role r, database d) active since 1970-01-01T00:00:00", "named");
	check_error("holder", xstrdup(p.list[0].advice), "pg_terminate_backend(17)", "to end it");
	problems_free(&p);
}

int
main(void)
{
	test_verdicts();
	test_causes();
	test_settings();
	test_limits();
	test_queue();
	return check_end();
}
