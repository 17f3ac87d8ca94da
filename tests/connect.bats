# Reaching servers, failing to, and losing them.

load helper
load servers

@test "nobody listens there: 2, one line" {
	run_split "$PGWAIT" "host=127.0.0.1 port=1" jobs
	[[ $status -eq 2 && $output == '' && $(wc -l <"$ERR") -eq 1 ]]
	[[ $errors == 'pgwait: error: could not connect to "postgres@127.0.0.1:1": '*'Connection refused'* ]]
}

@test "no such database: 2, with its SQLSTATE" {
	run_split "$PGWAIT" -d nowhere jobs
	[[ $status -eq 2 ]]
	[[ $errors == *'database "nowhere" does not exist (SQLSTATE 3D000)' ]]
}

@test "no such host: 2" {
	run_split "$PGWAIT" "host=no-such-host.invalid" jobs
	[[ $status -eq 2 && $errors == *'could not translate host name "no-such-host.invalid" to address'* ]]
}

@test "a host name, and addresses" {
	for host in localhost 127.0.0.1; do
		run_split "$PGWAIT" -t 0 "host=$host" jobs
		[[ $status -eq 0 ]]
	done
	run_split "$PGWAIT" -t 0 "host=name.invalid hostaddr=127.0.0.1" jobs
	[[ $status -eq 0 ]]
}

@test "several hosts: the dead ones are passed over" {
	run_split "$PGWAIT" -v -t 0 "host=127.0.0.1,no-such-host.invalid,localhost port=1,1,$PGPORT" jobs
	[[ $status -eq 0 && $errors == *'ready -> listening'* ]]
}

@test "target_session_attrs: one that no host has, and prefer-standby where there is none" {
	run_split "$PGWAIT" -t 0 "target_session_attrs=standby" jobs
	[[ $status -eq 2 ]]
	for want in read-write primary any prefer-standby; do
		run_split "$PGWAIT" -t 0 "target_session_attrs=$want" jobs
		[[ $status -eq 0 ]]
	done
}

# bad TEXT ARG...: a usage error at once with this text, and no attempt to connect.
bad() {
	run_split "$PGWAIT" --reconnect always -m 5 "${@:2}" jobs
	[[ $status -eq 1 && -z $output && $(grep -c '^pgwait: [a-gi-z]' "$ERR") -eq 1 && $errors == *"error: $1"* ]] || {
		echo "${*@Q}: status $status, $errors"
		return 1
	}
}

@test "a bad parameter is a usage error at once, also one that libpq looks at only when it connects" {
	local keyword accepted
	while read -r keyword accepted; do
		run_split "$PGWAIT" -t 0 "host=$PGHOST $keyword=x" jobs
		[[ $errors != *'knows no'* ]] || continue # this libpq
		bad "invalid $keyword \"x\"; accepted are $accepted" "host=$PGHOST $keyword=x"
		bad "invalid $keyword \"x\"; accepted are $accepted" "postgresql://127.0.0.1:1/?$keyword=x"
		printf '[bad]\nhost=127.0.0.1\n%s=x\n' "$keyword" >"$TMP/services"
		PGSERVICEFILE=$TMP/services bad "invalid $keyword \"x\"; accepted are $accepted" service=bad
	done <<'END'
sslmode disable, allow, prefer
channel_binding disable, prefer and require
gssencmode disable, prefer and require
target_session_attrs any, read-write, read-only, primary, standby and prefer-standby
load_balance_hosts disable and random
require_auth lists of password
sslcertmode disable, allow and require
sslnegotiation postgres and direct
ssl_min_protocol_version TLSv1,
ssl_max_protocol_version TLSv1,
min_protocol_version 3.0, 3.2 and latest
max_protocol_version 3.0, 3.2 and latest
connect_timeout whole seconds
keepalives 0 and 1
keepalives_idle whole seconds up to 32767
keepalives_interval whole seconds up to 32767
keepalives_count whole numbers up to 127
tcp_user_timeout whole milliseconds
hostaddr IP addresses
END
	bad 'invalid keepalives_idle "5s"' 'keepalives_idle=5s'
	bad 'invalid keepalives_interval "32768"' keepalives_interval=32768
	bad 'invalid keepalives_count "128"' keepalives_count=128
	bad 'invalid keepalives "99999999999"' 'keepalives=99999999999'
	bad 'invalid hostaddr "999.0.0.1"' 'host=a,b hostaddr=127.0.0.1,999.0.0.1'
	PGHOSTADDR=localhost bad 'invalid hostaddr "localhost"'
	PGSSLMODE=on bad 'invalid sslmode "on"'
	bad 'invalid connection parameters: invalid SSL protocol version range' \
		'ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2'
	# libpq would use them in part, and warn by itself.
	bad 'invalid sslpassword: it has 1024 bytes; accepted are up to 1023' "sslpassword=$(printf 'x%.0s' {1..1024})"
	libpq_before 18 || bad 'invalid sslkeylogfile "/nowhere/keys": No such file or directory' 'sslkeylogfile=/nowhere/keys'
	libpq_before 18 || for keyword in scram_client_key scram_server_key; do
		bad "invalid $keyword; accepted are 32 bytes in base64" "host=$PGHOST $keyword=c2VjcmV0"
		bad "invalid $keyword; accepted are 32 bytes in base64" "host=$PGHOST $keyword=secret!"
		[[ $errors != *c2VjcmV0* && $errors != *secret!* ]]
	done
	# The path of a socket has an end.
	local long
	long=/$(printf 'x%.0s' {1..120})
	bad "invalid host \"$long\": with the name of the socket's file it has" "host=$long"
	bad "invalid host \"$long\"" "$long"
	bad "invalid host \"$long\"" -h "$long"
	# In a file and by a command as well.
	echo 'connect main "keepalives=x"' >"$TMP/config"
	run_split "$PGWAIT" --config "$TMP/config" jobs
	[[ $status -eq 1 && $errors == *'config:1: invalid keepalives "x"'* ]]
	run_split "$PGWAIT" --control - jobs <<<$'connect main keepalives=x\nquit'
	[[ $status -eq 0 && $errors == *'invalid keepalives "x"'* ]]
}

@test "whole numbers of parameters as libpq reads them, and addresses that may come" {
	unset PGHOST
	# 0 is the system's default, which the system refuses if it is told so. (A blank behind the 1 of keepalives, libpq up to 16 refuses.)
	run_split "$PGWAIT" -t 0 "hostaddr=127.0.0.1 keepalives=' +1' keepalives_idle=' 0 ' keepalives_count=-1 connect_timeout=-1" jobs
	[[ $status -eq 0 ]]
	run_split "$PGWAIT" -t 0 "hostaddr=127.0.0.1, host=x,$PGHOST port=$PGPORT" jobs
	[[ $status -eq 0 ]]
	run_split "$PGWAIT" -t 0 'hostaddr=fe80::1%nosuch0' jobs
	[[ $status -eq 2 ]]
}

@test "-v tells what the server warns of while it lets pgwait in" {
	sql -c 'CREATE ROLE gone; CREATE ROLE warned LOGIN; ALTER ROLE warned SET role = gone' -c 'DROP ROLE gone'
	run_split "$PGWAIT" -v -t 0 user=warned jobs
	[[ $status -eq 0 && $errors == *'debug: '*': WARNING: role "gone" does not exist'* ]]
	run_split "$PGWAIT" -t 0 user=warned jobs
	[[ $status -eq 0 && ! $errors ]]
}

@test "load_balance_hosts: hosts in a random order, another one for each attempt to connect" {
	! libpq_before 16 || skip 'this libpq does not know load_balance_hosts'
	declare -A first=()
	for ((i = 0; i < 40; i++)); do
		run_split "$PGWAIT" -t 0 'host=/none1,/none2 load_balance_hosts=random' jobs
		[[ $status -eq 2 && $errors == *none1*none1* && $errors == *none2* ]]
		# The label before has them in their own order.
		[[ ${errors#*on socket} =~ /none[12] ]]
		first[${BASH_REMATCH[0]}]=1
	done
	((${#first[@]} == 2)) # in one of 2^39 runs a right program fails here
	run_split "$PGWAIT" -t 0 'host=/none1,/none2 load_balance_hosts=disable' jobs
	[[ ${errors#*on socket} =~ /none[12] && ${BASH_REMATCH[0]} == /none1 ]]
	run_split "$PGWAIT" -t 0 "host=/none1,$PGHOST load_balance_hosts=random" jobs
	[[ $status -eq 0 ]]
}

@test "load_balance_hosts: the addresses of a host in a random order, too" {
	! libpq_before 16 || skip 'this libpq does not know load_balance_hosts'
	needs_faults
	declare -A first=()
	for ((i = 0; i < 40; i++)); do
		with_faults run_split "$PGWAIT" -t 0 'host=two.example port=1 load_balance_hosts=random' jobs
		[[ $status -eq 2 && $errors == *'"127.0.0.1"'* && $errors == *'"127.0.0.2"'* ]]
		[[ $errors =~ 127\.0\.0\.[12] ]]
		first[${BASH_REMATCH[0]}]=1
	done
	((${#first[@]} == 2)) # in one of 2^39 runs a right program fails here
	with_faults run_split "$PGWAIT" -t 0 'host=two.example port=1' jobs
	[[ $errors =~ 127\.0\.0\.[12] && ${BASH_REMATCH[0]} == 127.0.0.1 ]]
}

@test "a service file in the connection string, and a service in a URI" {
	printf '[here]\nhost=%s\nport=%s\n' "$PGHOST" "$PGPORT" >"$TMP/services"
	PGSERVICEFILE=$TMP/services run_split "$PGWAIT" -v -t 0 'postgresql:///?service=here' jobs
	[[ $status -eq 0 && $errors == *'here'*'ready -> listening'* ]]
	if libpq_before 19; then
		run_split "$PGWAIT" "service=here servicefile=$TMP/services" jobs
		[[ $status -eq 1 && $errors == *'knows no "servicefile", which came with libpq 19'* ]]
		return
	fi
	for operand in "service=here servicefile=$TMP/services" "postgresql:///?service=here&servicefile=$TMP/services"; do
		unset PGSERVICEFILE
		PGHOST=/nowhere run_split "$PGWAIT" -v -t 0 "$operand" jobs
		[[ $status -eq 0 && $errors == *'ready -> listening'* ]]
	done
	bad "invalid connection parameters: service file \"$TMP/none\" not found" "service=here servicefile=$TMP/none"
	bad 'invalid connection parameters: definition of service "none" not found' "service=none servicefile=$TMP/services"
}

@test "a server that never answers: connect_timeout, while others already listen" {
	start_silent
	start_plain "host=127.0.0.1 port=$port connect_timeout=1000 sslmode=disable gssencmode=disable" \
		"host=$PGHOST" -v -n 1 jobs
	wait_for grep -q 'ready -> listening' "$ERR"
	notify jobs x
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
	run_split "$PGWAIT" "host=127.0.0.1 port=$port connect_timeout=1 sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 && $errors == *"server at \"127.0.0.1\", port $port: no answer in 1 s"* ]]
}

@test "a server that shuts down is told with its reason, what came before is written" {
	start_pgwait --reconnect never -n 9 -f %p jobs
	notify jobs before
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	end_pgwait
	[[ $status -eq 2 && $(<"$OUT") == before ]]
	grep -q 'terminating connection due to administrator command (SQLSTATE 57P01)' "$ERR"
}

@test "a backend that is killed" {
	start_pgwait --reconnect never application_name=victim jobs
	pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")
	# The whole server restarts after this: the tests that follow wait for it.
	kill -KILL "$pid"
	end_pgwait
	[[ $status -eq 2 ]]
	grep -q 'error: lost the connection to' "$ERR"
	wait_for pg_isready -q
}

@test "TLS: a burst comes whole" {
	start_tls
	start_pgwait -n 20000 -f %p "host=127.0.0.1 sslmode=require" jobs
	sql -c "SELECT count(pg_notify('jobs', lpad(i::text, 200, '0'))) FROM generate_series(1, 20000) i" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$OUT" <(seq -f %0200.0f 20000)
	# And one at a time, which comes in a record of its own.
	start_pgwait -n 3 -f %p "host=127.0.0.1 sslmode=require" jobs
	for i in 1 2 3; do
		notify jobs $i
		wait_for lines "$OUT" $i
	done
}

# A server of PostgreSQL's makes records of 8 KiB at most, which libpq always has room for. Here they have 16 KiB, the
# last one as well, and none of them begins with a message.
@test "TLS: what libpq has no room for is not left in the library" {
	local between
	needs_socat
	[[ $(socat -V) == *'WITH_OPENSSL 1'* ]] || skip 'this socat has no TLS'
	openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -out "$TMP/server.crt" -keyout "$TMP/server.key" 2>/dev/null
	port=$(free_port)
	setsid socat -b 65536 "OPENSSL-LISTEN:$port,bind=127.0.0.1,fork,cert=$TMP/server.crt,key=$TMP/server.key,verify=0" \
		"UNIX-CONNECT:$PGHOST/.s.PGSQL.$PGPORT" 3>&- 4>&- >/dev/null 2>&1 &
	between=$!
	wait_for port_taken
	# Before TLS begins, the client asks whether it may.
	printf '#!/bin/sh\nhead -c 8 >/dev/null\nprintf S\nexec socat - TCP:127.0.0.1:%s\n' "$port" >"$TMP/agree"
	chmod +x "$TMP/agree"
	port=$(free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "EXEC:$TMP/agree" 3>&- 4>&- >/dev/null 2>&1 &
	wait_for port_taken
	start_pgwait -f %p --heartbeat 0 "host=127.0.0.1 port=$port user=postgres sslmode=require gssencmode=disable" jobs
	kill -STOP -- "-$between"
	# A message has 15 bytes beside the payload: 64 KiB in all.
	numbers() { echo "SELECT $1 FROM (SELECT lpad(i::text, CASE i WHEN 1 THEN 341 WHEN 256 THEN 141 ELSE 241 END, '0') AS payload FROM generate_series(1, 256) i) p"; }
	sql -c "$(numbers "count(pg_notify('jobs', payload))")" >/dev/null
	wait_for server_done
	kill -CONT -- "-$between"
	wait_for lines "$OUT" 256
	sql -c "$(numbers payload)" | cmp - "$OUT"
}
