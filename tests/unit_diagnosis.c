/* From findings of --check to problems. */
#include "config.h"

#include "check/diagnosis.h"

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
	    {VERDICT_UNREACHED, "42704", "parameter"},
	    {VERDICT_UNREACHED, "22023", "parameter"},
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
	struct findings f = {.verdict = VERDICT_UNDELIVERED, .reason = reason, .second = true};
	check_codes("no second connection", &f, "second_connection");
	f = (struct findings){
	    .verdict = VERDICT_UNDELIVERED, .reason = reason, .pooler = POOLER_OTHER};
	check_codes("pooler", &f, "pooler");
	f = (struct findings){
	    .verdict = VERDICT_REFUSED, .reason = reason, .pooler = POOLER_CONSOLE};
	check_codes("a pooler's console", &f, "console");
}

/* What libpq says, in one version or another, where nothing has an SQLSTATE. */
static void
test_reasons(void)
{
	static const struct {
		const char *reason, *code;
	} cases[] = {
	    {"fe_sendauth: no password supplied", "password"},
	    {"a password is needed, and there is no terminal to ask for it", "password"},
	    {"could not open certificate file \"c\": Permission denied", "client_certificate"},
	    {"could not read certificate file \"c\": no start line", "client_certificate"},
	    {"certificate present, but not private key file \"k\"", "client_certificate"},
	    {"private key file \"k\" has group or world access", "client_certificate"},
	    {"private key file \"k\" must be owned by the current user or root",
		"client_certificate"},
	    {"could not load private key file \"k\": key values mismatch", "client_certificate"},
	    {"could not stat private key file \"k\": Permission denied", "client_certificate"},
	    {"SSL error: tlsv1 alert unknown ca", "client_certificate"},
	    {"SSL error: sslv3 alert bad certificate", "client_certificate"},
	    {"SSL error: ssl/tls alert certificate expired", "client_certificate"},
	    {"SSL error: tlsv13 alert certificate required", "client_certificate"},
	    {"root certificate file \"r\" does not exist; Either provide the file, use the "
	     "system's trusted roots with sslrootcert=system, or change sslmode to disable server "
	     "certificate verification",
		"root_certificate"},
	    {"could not get home directory to locate root certificate file", "root_certificate"},
	    {"could not read root certificate file \"r\": no certificate or crl found",
		"root_certificate"},
	    {"could not load system root certificate paths: x", "root_certificate"},
	    {"SSL error: certificate verify failed", "server_certificate"},
	    {"SSL error: certificate verify failed (self-signed certificate)",
		"server_certificate"},
	    {"server certificate for \"a\" does not match host name \"b\"", "certificate_name"},
	    {"server certificate for \"a\" (and 2 other names) does not match host name \"b\"",
		"certificate_name"},
	    {"could not get server's host name from server certificate", "certificate_name"},
	    {"host name must be specified for a verified SSL connection", "certificate_name"},
	    {"channel binding required, but SSL not in use", "channel_binding"},
	    {"Channel binding required, but server authenticated client without channel binding",
		"channel_binding"},
	    {"channel binding is required, but server did not offer an authentication method that "
	     "supports channel binding",
		"channel_binding"},
	    {"GSSAPI encryption required but was impossible (possibly no credential cache, no "
	     "server support, or using a local socket)",
		"gssapi"},
	    {"server doesn't support GSSAPI encryption, but it was required", "gssapi"},
	    {"could not initiate GSSAPI security context: x", "gssapi"},
	    {"received invalid response to GSSAPI negotiation: H", "protocol"},
	    {"received invalid response to SSL negotiation: H", "protocol"},
	    {"expected authentication request from server, but received H", "protocol"},
	    {"server does not support SSL, but SSL was required", "tls"},
	    {"SSL error: unsupported protocol", "tls"},
	    {"SSL error: wrong version number", "tls"},
	    {"weak sslmode \"allow\" may not be used with sslrootcert=system (use verify-full)",
		"tls"},
	    {"requirepeer specifies \"a\", but actual peer user name is \"b\"", "requirepeer"},
	    {"local user with ID 17 does not exist", "requirepeer"},
	    {"no user name is given, and local user with ID 17 does not exist", "user"},
	    {"setsockopt(TCP_USER_TIMEOUT) failed: Invalid argument", "parameter"},
	    {"authentication method requirement \"md5\" failed: server did not complete "
	     "authentication",
		"require_auth"},
	    {"none of the server's SASL authentication mechanisms are supported", "authentication"},
	    {"authentication method 7 not supported", "authentication"},
	    {"server is not in hot standby mode", "target_session_attrs"},
	    {"session is not read-only", "target_session_attrs"},
	    {"server is in hot standby mode", "target_session_attrs"},
	    {"session is read-only", "target_session_attrs"},
	    {"invalid integer value \"x\" for connection option \"keepalives\"", "parameter"},
	    {"Unix-domain socket path \"/x\" is too long (maximum 107 bytes)", "parameter"},
	    {"Permission denied; Is the server running locally and accepting connections on that "
	     "socket?",
		"permission"},
	    {"could not translate host name \"nosuch\" to address: Name or service not known",
		"host_name"},
	    {"connection to server at \"a\", port 5432: the name was not resolved in 10 s",
		"host_name"},
	    {"Connection refused", "unreachable"},
	    {"connection to server at \"a\", port 5432: no answer in 10 s", "unreachable"},
	    {"server closed the connection unexpectedly", "unreachable"},
	    /* Of several hosts. */
	    {"could not translate host name \"a\" to address: x; session is read-only",
		"target_session_attrs"},
	    {"Connection refused; could not translate host name \"a\" to address: x", "host_name"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct findings f = {.verdict = VERDICT_UNREACHED, .queue = -1};

		f.reason = xstrdup(cases[i].reason);
		check_codes(cases[i].reason, &f, cases[i].code);
		free(f.reason);
	}
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
	test_reasons();
	test_settings();
	test_limits();
	test_queue();
	return check_end();
}
