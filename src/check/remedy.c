#include "config.h"

#include "check/remedy.h"

#include <stddef.h>
#include <string.h>

struct state {
	const char *sqlstate;
	struct remedy remedy;
};

/* The remedy for this SQLSTATE; else the last of the list, which has no SQLSTATE. */
static const struct remedy *
find_state(const struct state *s, const char *sqlstate)
{
	while (s->sqlstate && strcmp(s->sqlstate, sqlstate) != 0)
		s++;
	return &s->remedy;
}

#define WORDS_MAX 7

struct cause {
	const char *words[WORDS_MAX + 1]; /* the cause applies if one of them is in the reason */
	struct remedy remedy;
};

/*
 * If there are several hosts, the reason has an error of each, and the first cause in the list counts: the error of a host
 * that answered says more than that of a host that did not.
 */
static const struct cause causes[] = {
    {{"no password supplied", "a password is needed"},
	{"password",
	    "give the password in the connection string, PGPASSWORD or the password file, or run "
	    "pgwait at a terminal"}},
    {{"no user name is given"},
	{"user", "give a user name: -U, PGUSER, or \"user\" in the connection string"}},
    {{"could not open certificate file", "could not read certificate file", "private key file",
	 "private SSL key", "SSL engine"},
	{"client_certificate",
	    "let sslcert and sslkey name a certificate and its key (~/.postgresql/postgresql.crt "
	    "and .key if they are not set), which this user can read, and the key nobody else"}},
    {{"alert unknown ca", "alert bad certificate", "alert certificate",
	 "alert unsupported certificate"},
	{"client_certificate",
	    "the server takes no such certificate: sslcert has to name one that the authority in "
	    "its ssl_ca_file has signed, and that is valid today"}},
    {{"root certificate"},
	{"root_certificate",
	    "let sslrootcert name the certificate of the authority that signed the server's "
	    "(~/.postgresql/root.crt if it is not set), or verify none: sslmode=require"}},
    {{"certificate verify failed"},
	{"server_certificate",
	    "the server's certificate has to be valid today, and signed by the authority whose "
	    "certificate sslrootcert names"}},
    {{"does not match host name", "host name from server certificate",
	 "host name must be specified"},
	{"certificate_name",
	    "connect by a name that the server's certificate has (with hostaddr=ADDRESS if it "
	    "leads elsewhere), or verify the authority alone: sslmode=verify-ca"}},
    {{"hannel binding"},
	{"channel_binding",
	    "channel binding needs TLS, and a password by scram-sha-256 in the server's "
	    "pg_hba.conf; without them take channel_binding=prefer"}},
    {{"negotiation", "expected authentication request", "invalid authentication request",
	 "lost synchronization", "unsupported protocol version"},
	{"protocol", "what answers there speaks no PostgreSQL: check host and port"}},
    {{"GSSAPI"},
	{"gssapi",
	    "get a ticket of Kerberos (kinit), and see that the server has GSSAPI; if it need not "
	    "encrypt, take gssencmode=prefer"}},
    {{"SSL error", "does not support SSL", "SSL connection", "SSL context", "SSL protocol",
	 "SSL certificate", "sslmode"},
	{"tls", "server and client have to agree on TLS: see ssl and the versions in the server's "
		"configuration, and sslmode and ssl_min_protocol_version here"}},
    {{"requirepeer", "peer credentials", "local user with ID", "local user ID"},
	{"requirepeer", "find out who listens at that socket; if it is the right server, correct "
			"requirepeer"}},
    {{"method requirement"},
	{"require_auth",
	    "let the server ask for a method that require_auth names, or name the one it asks "
	    "for"}},
    {{"SASL", "SCRAM", "authentication method"},
	{"authentication",
	    "client and server have to agree on a method: see the server's pg_hba.conf, and the "
	    "version of libpq here"}},
    {{"is not in hot standby mode", "session is not read-only"},
	{"target_session_attrs",
	    "a standby has no notifications: take target_session_attrs=primary or read-write, or "
	    "leave it out"}},
    {{"is in hot standby mode", "session is read-only"},
	{"target_session_attrs", "add the primary to the hosts, or let its transactions write "
				 "(default_transaction_read_only)"}},
    {{"invalid integer value", "invalid connection option", "invalid port number", "is too long",
	 "setsockopt"},
	{"parameter",
	    "correct this parameter where it comes from: the connection string, the service or "
	    "the environment"}},
    {{"Permission denied"},
	{"permission",
	    "let this user open the socket: see unix_socket_permissions and its directory; for an "
	    "address, see the firewall"}},
    {{"could not translate host name", "name was not resolved"},
	{"host_name",
	    "correct the host's name, or let this machine resolve it (getent hosts NAME)"}},
    {{""}, {"unreachable",
	       "check that the server runs, that host and port are right, and what is in between"}},
};

static const struct remedy *
find_cause(const char *reason)
{
	for (const struct cause *c = causes;; c++)
		for (size_t i = 0; c->words[i]; i++)
			if (strstr(reason, c->words[i]))
				return &c->remedy; /* the last cause has "", which is in every reason */
}

const struct remedy *
remedy_unreached(const char *sqlstate, const char *reason)
{
	static const struct state list[] = {
	    {"28P01",
		{"password",
		    "check the password, and where it comes from: connection string, PGPASSWORD, "
		    "password file"}},
	    {"28000", {"authentication",
			  "check the role, whether it may log in, and the server's pg_hba.conf"}},
	    {"3D000", {"database", "correct the name of the database, or create it"}},
	    {"55000", {"database", "let the database accept connections, or take another one"}},
	    {"42501", {"privilege", "let the role connect: GRANT CONNECT ON DATABASE ... TO ..."}},
	    {"53300",
		{"connections",
		    "end sessions that nobody needs, or raise the limit: max_connections, or that "
		    "of the role or the database"}},
	    {"57P03", {"starting", "wait until the server has started, or see its log"}},
	    {"42704", {"parameter",
			  "correct what the session is to be set to: \"options\" of the connection "
			  "string, PGOPTIONS, or ALTER ROLE ... SET"}},
	    {"22023", {"parameter",
			  "correct what the session is to be set to: \"options\" of the connection "
			  "string, PGOPTIONS, or ALTER ROLE ... SET"}},
	    {NULL, {"rejected", "the server or a pooler says why; its log may say more"}},
	};

	return *sqlstate ? find_state(list, sqlstate) : find_cause(reason);
}

const struct remedy *
remedy_refused(const char *sqlstate)
{
	static const struct state list[] = {
	    {"25006",
		{"standby",
		    "a standby has no notifications: connect to its primary (among several hosts, "
		    "target_session_attrs=primary finds it)"}},
	    {"22P05", {"channel", "take a name that exists in the encoding of the database"}},
	    {NULL, {"refused", "see the server's log, and its documentation of LISTEN"}},
	};

	return find_state(list, sqlstate);
}

const struct remedy *
remedy_undelivered(const char *sqlstate)
{
	static const struct state list[] = {
	    {"54000", {"queue_full", "end the transaction that keeps the queue full"}},
	    {NULL, {"undelivered", "see the server's load and its log, and check again"}},
	};

	return find_state(list, sqlstate);
}
