# --check of connections that are not made: each cause has a code and advice of its own.

load helper
load servers

# The server has TLS, with a certificate for db.example by an authority of ours.
setup_file() {
	local keys=$BATS_FILE_TMPDIR name
	sign() { # NAME SUBJECT SERIAL
		openssl req -new -nodes -subj "/CN=$2" -out "$keys/$1.csr" -keyout "$keys/$1.key"
		openssl x509 -req -in "$keys/$1.csr" -CA "$keys/ca.crt" -CAkey "$keys/ca.key" -days 2 -set_serial "$3" -out "$keys/$1.crt"
	}
	{
		for name in ca other; do
			openssl req -new -x509 -days 2 -nodes -subj "/CN=$name" -out "$keys/$name.crt" -keyout "$keys/$name.key"
		done
		sign server db.example 1
		sign client postgres 2
	} 2>/dev/null
	echo garbage >"$keys/garbage"
	chmod 600 "$keys"/*.key "$keys/garbage"
	cp "$keys"/{ca.crt,server.crt,server.key} "$SANDBOX_DATA/"
	chown --reference="$SANDBOX_DATA" "$SANDBOX_DATA"/{ca.crt,server.crt,server.key}
	sql -c "ALTER SYSTEM SET ssl = on" -c "ALTER SYSTEM SET ssl_ca_file = 'ca.crt'" -c 'SELECT pg_reload_conf()' >/dev/null
	encrypted() { psql -qX 'host=127.0.0.1 sslmode=require' -c '' 2>/dev/null; }
	wait_for encrypted
}

setup() {
	keys=$BATS_FILE_TMPDIR
}

# finds CODE WORDS STATUS CONNINFO ARG...: --check of it has this one problem, whose advice has these words.
finds() {
	local code=$1 words=$2 expected=$3
	shift 3
	run_split "$PGWAIT" --check -j "$@"
	[[ $status -eq $expected && $(jq -r '[.problems[].code] | join(" ")' "$OUT") == "$code" ]] &&
		[[ $(jq -r '.problems[0].advice' "$OUT") == *"$words"* ]] || {
		echo "not $code, $words: $output"
		return 1
	}
}

@test "the client's certificate: unreadable, garbage, without its key, not accepted" {
	here="host=127.0.0.1 sslmode=require"
	finds client_certificate 'sslcert and sslkey' 2 "$here sslcert=$keys/garbage sslkey=$keys/client.key"
	finds client_certificate 'sslcert and sslkey' 2 "$here sslcert=$keys/client.crt sslkey=$keys/nosuch"
	finds client_certificate 'sslcert and sslkey' 2 "$here sslcert=$keys/client.crt sslkey=$keys/garbage"
	finds client_certificate 'sslcert and sslkey' 2 "$here sslcert=$keys/client.crt sslkey=$keys/other.key"
	cp "$keys/client.key" "$TMP/open.key"
	chmod 644 "$TMP/open.key"
	finds client_certificate 'nobody else' 2 "$here sslcert=$keys/client.crt sslkey=$TMP/open.key"
	finds client_certificate ssl_ca_file 2 "$here sslcert=$keys/other.crt sslkey=$keys/other.key"
	run_split "$PGWAIT" --check "$here sslcert=$keys/client.crt sslkey=$keys/client.key"
	[[ $status -eq 0 ]]
}

@test "the server's certificate: nothing to verify it with, another authority, another name" {
	finds root_certificate sslrootcert 2 "host=127.0.0.1 sslmode=verify-ca sslrootcert=$keys/nosuch"
	finds root_certificate sslrootcert 2 "host=127.0.0.1 sslmode=verify-ca sslrootcert=$keys/garbage"
	HOME=$TMP finds root_certificate root.crt 2 "host=127.0.0.1 sslmode=verify-full"
	finds server_certificate authority 2 "host=127.0.0.1 sslmode=verify-ca sslrootcert=$keys/other.crt"
	finds certificate_name hostaddr 2 "host=127.0.0.1 sslmode=verify-full sslrootcert=$keys/ca.crt"
	# The advice helps.
	run_split "$PGWAIT" --check "host=db.example hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=$keys/ca.crt"
	[[ $status -eq 0 ]]
}

@test "what is required and not there: channel binding, GSSAPI, TLS, another owner of the socket" {
	finds channel_binding scram-sha-256 2 "host=127.0.0.1 sslmode=require channel_binding=require"
	# libpq may have been built without GSSAPI.
	if psql -qX 'gssencmode=require' -c '' 2>&1 | grep -q 'GSSAPI.*impossible\|credential'; then
		finds gssapi kinit 2 "host=127.0.0.1 gssencmode=require"
	fi
	finds requirepeer requirepeer 2 "host=$PGHOST requirepeer=nosuch"
	start_pgbouncer session
	finds tls sslmode 2 "host=127.0.0.1 port=$bouncer sslmode=require"
}

@test "target_session_attrs that no host has" {
	finds target_session_attrs 'a standby has no notifications' 2 'host=127.0.0.1 target_session_attrs=standby'
	finds target_session_attrs 'a standby has no notifications' 2 'host=127.0.0.1 target_session_attrs=read-only'
	sql -c 'CREATE ROLE reader LOGIN' -c 'ALTER ROLE reader SET default_transaction_read_only = on'
	finds target_session_attrs default_transaction_read_only 2 'host=127.0.0.1 user=reader target_session_attrs=read-write'
	# Among several hosts, who is down says less.
	finds target_session_attrs 'a standby has no notifications' 2 \
		"host=127.0.0.1,127.0.0.1 port=$PGPORT,$(free_port) target_session_attrs=standby"
}

@test "parameters, names, and who is no PostgreSQL" {
	finds parameter PGOPTIONS 2 'options=-cnosuch=1'
	finds parameter PGOPTIONS 2 'options=-cwork_mem=x'
	finds host_name getent 2 'host=nosuch.invalid connect_timeout=60'
	needs_socat
	port=$(free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" 'SYSTEM:echo HTTP/1.1 400 Bad Request; cat >/dev/null' 3>&- 4>&- 2>/dev/null &
	silent=$!
	wait_for port_taken
	finds protocol 'host and port' 2 "host=127.0.0.1 port=$port sslmode=require gssencmode=disable"
	finds unreachable 'the server runs' 2 "host=127.0.0.1 port=$(free_port)"
}

@test "a user of the system without a name, as in some containers, has to give one" {
	unshare --user --map-user=424242 true 2>/dev/null || skip 'unshare --user cannot be used here'
	printf '#!/bin/sh\nexec unshare --user --map-user=424242 %q "$@"\n' "$PGWAIT" >"$TMP/pgwait"
	chmod +x "$TMP/pgwait"
	PGWAIT=$TMP/pgwait
	finds authentication role 2 -U nosuch
	run_split "$PGWAIT" --check -q
	[[ $status -eq 0 ]]
	unset PGUSER
	finds user 'PGUSER' 2
	[[ $(jq -r '.problems[0].text' "$OUT") == 'no user name is given, and local user '*424242* ]]
	# No retry can mend it.
	run_split "$PGWAIT" --reconnect always -m "$DEADLINE" jobs
	[[ $status -eq 2 && $errors == *'could not connect to'*'no user name is given'* && $(wc -l <"$ERR") -eq 1 ]]
	# It is not the end of those that have one.
	run_split "$PGWAIT" --check -j "host=$PGHOST" "host=$PGHOST user=postgres"
	[[ $status -eq 2 && $(jq -r .status "$OUT" | sort | tr '\n' ' ') == 'not_reached ok ' ]]
}

@test "the console of a pgbouncer: 3, and it is named" {
	start_pgbouncer session 'admin_users = postgres'
	finds console 'behind the pgbouncer' 3 -h 127.0.0.1 -p "$bouncer" -d pgbouncer
	[[ $(jq -r '[.status, .pooler, .sqlstate] | @json' "$OUT") == '["refused","console",null]' ]]
	run_split "$PGWAIT" --check -h 127.0.0.1 -p "$bouncer" -d pgbouncer
	[[ $status -eq 3 && $output == *': REFUSED'*'server    '*'/bouncer'*'PROBLEM   this is the console of a pgbouncer'* ]]
	# To listen there is refused, and not a connection that was lost.
	run_split "$PGWAIT" -h 127.0.0.1 -p "$bouncer" -d pgbouncer jobs
	[[ $status -eq 3 && $errors == *'could not listen on'*'invalid command'* ]]
}
