/*
 * Where to connect: a connection string with all that libpq adds to it, its hosts, and its label.
 *
 * Reads the environment, the service file and the password file's name as libpq does, but touches
 * no network and resolves no name. No function here lets a password out (fact F21).
 */
#ifndef PGWAIT_TARGET_H
#define PGWAIT_TARGET_H

#include "base/util.h"
#include "postgres/conninfo.h"

/* What -h, -p, -U and the first plain -d say: they fill in what a connection string leaves out. */
struct target_defaults {
	const char *host, *port, *user, *dbname;
};

/* One of the hosts of a connection string. Empty strings where nothing was said. */
struct target_host {
	char *host, *hostaddr, *port;
};

struct target {
	char *label;
	char *identity; /* equal for targets that come to the same parameters */
	/*
	 * For PQconnectStartParams(); without host, hostaddr, port, password, passfile, what is the same for all, and
	 * what libpq adds by itself.
	 */
	struct conninfo params;
	struct target_host *hosts;
	size_t host_count;
	int64_t attempt_timeout; /* microseconds for each attempt, 0: none; -1: nothing said */
	char *password;          /* given in the string or the environment, or typed; or NULL */
	char *passfile;          /* where another one is looked for; or NULL */
	char *user;
	char *
	    trouble; /* why no connection to it can be tried, by this user of the system; or NULL */
	bool
	    load_balance; /* load_balance_hosts=random: hosts and their addresses in random order */
	bool prefer_standby; /* first pass over the hosts: standbys only; second: any */
};

/* True for a connection string (libpq's rule), or the absolute path of a socket. */
MUST_CHECK bool target_is_conninfo(const char *s);
MUST_CHECK bool target_is_socket(const char *s);

/* Port numbers separated by commas; an empty one stands for the default. */
MUST_CHECK bool target_is_port_list(const char *s);

/*
 * `s` is what target_is_conninfo() or target_is_socket() accepts, or NULL for the default
 * connection. NULL if it is invalid; then *error, which the caller frees, is the message.
 */
MUST_CHECK struct target *target_parse(
    const char *s, const struct target_defaults *defaults, char **error);
void target_free(struct target *t);

/* Another label, for one that was given a name. */
void target_rename(struct target *t, const char *label);

#endif
