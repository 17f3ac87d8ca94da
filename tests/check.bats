# --check: whether notifications get through, and what is wrong.

load helper
load servers

clean_up() {
	end_proxy
	[[ ! -e $TMP/psql ]] || exec 7>&-
	pg status >/dev/null || pg start
}

# check ARG...: --check -j; one value of the only report is then `get FILTER`.
check() {
	run_split "$PGWAIT" --check -j "$@"
}

get() {
	jq -r "$1" "$OUT"
}

# problems: the codes of the reports, one a line.
problems() {
	get '.problems[].code'
}

@test "healthy: 0, and a section for people" {
	run_split "$PGWAIT" --check
	[[ $status -eq 0 && $errors == '' ]]
	[[ $(head -n 1 "$OUT") == "postgres@$PGHOST:$PGPORT: notifications get through" ]]
	grep -qx "  reached   $PGHOST, port $PGPORT, a local socket" "$OUT"
	grep -qE '^  server    PostgreSQL [0-9.]+.*, primary$' "$OUT"
	grep -qx '  role      postgres, in database postgres' "$OUT"
	grep -qx '  encoding  UTF8' "$OUT"
	grep -qx '  pooler    none' "$OUT"
	grep -qE '^  delivery  20 of 20, median [0-9]+\.[0-9]{2} ms$' "$OUT"
	grep -qE '^  queue     0\.[0-9] % used$' "$OUT"
	[[ $(wc -l <"$OUT") -eq 8 ]]
	run_split "$PGWAIT" --check -q
	[[ $status -eq 0 && $output == '' && $errors == '' ]]
	run_split "$PGWAIT" --check -v
	[[ $status -eq 0 && $errors == *': connecting again -> sending'* ]]
}

@test "healthy: one JSON object, always with the same keys" {
	check jobs "it's"
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
	get '[.status, .sqlstate, .host, .port, .security, .role, .database, .standby, .pooler, .server_encoding] | @json' >"$TMP/got"
	[[ $(<"$TMP/got") == "[\"ok\",null,\"$PGHOST\",$PGPORT,null,\"postgres\",\"postgres\",false,\"none\",\"UTF8\"]" ]]
	[[ $(get '[.channels, .sent, .delivered, .problems, .queue_holders] | @json') == '[["jobs","it'"'"'s"],20,20,[],[]]' ]]
	[[ $(get '.delivery_ms > 0 and .queue_usage < 0.01 and (.time | test("^20.*Z$"))') == true ]]
	keys=$(get 'keys_unsorted | @json')
	[[ $(get .hint) == null ]]
	check -p 1
	[[ $(get 'keys_unsorted | @json') == "$keys" ]]
}

@test "a channel that SQL takes for another one: a hint, which is no problem" {
	run_split "$PGWAIT" --check plain 'Jobs "quoted"' upper-CASE Two Three
	[[ $status -eq 0 && $errors == '' && $(head -n 1 "$OUT") == *': notifications get through' ]]
	grep -qxF '  hint      pgwait listens on "Two", but NOTIFY Two goes to "two": write NOTIFY "Two", or let pgwait listen on two' "$OUT"
	[[ $(grep -c '^  hint ' "$OUT") -eq 1 ]]
	check '"a"b"'
	[[ $status -eq 0 && $(problems) == '' ]]
	[[ $(get .hint) == 'pgwait listens on "a"b" with its quotes, which SQL takes for no part of the name: NOTIFY """a""b""" reaches it; for a"b leave the quotes out' ]]
	check "'jobs'"
	[[ $(get .hint) == *"NOTIFY \"'jobs'\" reaches it; for jobs leave the quotes out" ]]
	# NOTIFY does the same, and whoever listens on both knows it.
	start_pgwait -f '%c' -n 2 Two two
	sql -c 'NOTIFY Two' -c 'NOTIFY "Two"'
	end_pgwait
	[[ $(<"$OUT") == $'two\nTwo' ]]
	check Two two
	[[ $(get .hint) == null ]]
	for channel in jobs 1Two Two-three '""' 'ÄÖ' "''"; do
		check "$channel"
		[[ $(get .hint) == null ]] || { get .hint && return 1; }
	done
	check -l 'x=A' -l 'postgresql://U:secret@h/d' -l '"postgresql://u:secret@h/d"' jobs
	[[ $(get .hint) == null ]]
}

@test "nothing is left behind, and other listeners see nothing" {
	start_pgwait -f %c -n 1 jobs
	mv "$OUT" "$TMP/listener"
	check jobs
	[[ $status -eq 0 ]]
	alone() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'") -eq 1 ]]; }
	wait_for alone
	[[ ! -s $TMP/listener ]]
	notify jobs
	end_pgwait
	[[ $(<"$TMP/listener") == jobs ]]
}

@test "a wrong password: 2, with advice; none is shown" {
	sql -c "CREATE ROLE app LOGIN PASSWORD 'se cret'"
	sed -i '1i host all app 127.0.0.1/32 scram-sha-256' "$SANDBOX_DATA/pg_hba.conf"
	sql -c 'SELECT pg_reload_conf()' >/dev/null
	needed() { ! psql -wqX -h 127.0.0.1 -U app -c '' 2>/dev/null; }
	wait_for needed
	check -h 127.0.0.1 "user=app password='wr0ng'"
	[[ $status -eq 2 && $output$errors != *wr0ng* ]]
	[[ $(get .status) == not_reached && $(get .sqlstate) == 28P01 && $(problems) == password ]]
	check -h 127.0.0.1 -w -U app
	[[ $status -eq 2 && $(get .sqlstate) == null && $(problems) == password ]]
	check -h 127.0.0.1 "user=app password='se cret'"
	[[ $status -eq 0 && $output$errors != *'se cret'* ]]
}

@test "no such database, no such role, one that may not connect" {
	check -d nosuch
	[[ $status -eq 2 && $(get .sqlstate) == 3D000 && $(problems) == database ]]
	check -U nosuch
	[[ $status -eq 2 && $(get .sqlstate) == 28000 && $(problems) == authentication ]]
	sql -c 'CREATE ROLE barred LOGIN' -c 'CREATE DATABASE closed' -c 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC'
	check -U barred -d closed
	[[ $status -eq 2 && $(get .sqlstate) == 42501 && $(problems) == privilege ]]
}

@test "several: who is down delays nobody, and the worst counts" {
	start_silent
	run_split "$PGWAIT" --check -j "host=127.0.0.1 port=$port connect_timeout=1 sslmode=disable gssencmode=disable" \
		"host=127.0.0.1 port=$(free_port)" "host=$PGHOST"
	[[ $status -eq 2 ]]
	[[ $(get .status | sort | tr '\n' ' ') == 'not_reached not_reached ok ' ]]
	# The silent one came last.
	[[ $(tail -n 1 "$OUT" | jq -r '.problems[0] | .code + ": " + .text') == 'unreachable: '*'no answer in 1 s' ]]
	run_split "$PGWAIT" --check -q "host=127.0.0.1 port=$(free_port)" "host=$PGHOST"
	[[ $status -eq 2 && $output == *'NOT REACHED'* && $output != *'get through'* ]]
}

@test "transaction pooling: 3; not reached comes before it" {
	start_pgbouncer transaction
	check -h 127.0.0.1 -p "$bouncer"
	[[ $status -eq 3 && $(get .status) == not_delivered && $(get .pooler) == transaction_or_statement ]]
	[[ $(get '[.sent, .delivered, .delivery_ms] | @json') == '[1,0,null]' && $(problems) == pooler ]]
	# The pooler's own refusal is not taken for a server that is down.
	check -h 127.0.0.1 -p "$bouncer" -d nosuch
	[[ $status -eq 2 && $(problems) =~ ^(rejected|database)$ ]]
	# It does not leave a session of the pooler behind that listens for nobody.
	idle() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^LISTEN pgwait_'") -eq 0 ]]; }
	wait_for idle
	run_split "$PGWAIT" --check "host=127.0.0.1 port=$bouncer" "host=127.0.0.1 port=$(free_port)"
	[[ $status -eq 2 && $output == *'NOT DELIVERED'* && $output == *'NOT REACHED'* ]]
	[[ $output == *'  pooler    in transaction or statement mode'* ]]
}

@test "session pooling: 0" {
	start_pgbouncer session
	check -h 127.0.0.1 -p "$bouncer" jobs
	[[ $status -eq 0 && $(get .pooler) == session && $(get .delivered) == 20 && $(problems) == '' ]]
}

@test "a pooler that has no second connection: 3" {
	start_pgbouncer session 'default_pool_size = 1' 'query_wait_timeout = 2'
	check -h 127.0.0.1 -p "$bouncer"
	[[ $status -eq 3 && $(get .status) == not_delivered && $(get .pooler) == null && $(problems) == second_connection ]]
}

@test "a pooler that lets the second connection wait: 3" {
	start_pgbouncer session 'default_pool_size = 1'
	check -h 127.0.0.1 -p "$bouncer"
	[[ $status -eq 3 && $(problems) == second_connection && $(get '[.sent, .delivered] | @json') == '[1,0]' ]]
}

@test "a server that takes the connection and then hangs: 2, after 5 s" {
	start_pgbouncer session 'admin_users = postgres'
	psql -qX -h 127.0.0.1 -p "$bouncer" -d pgbouncer -c 'PAUSE'
	PGCONNECT_TIMEOUT=5 check -h 127.0.0.1 -p "$bouncer"
	[[ $status -eq 2 && $(get .status) == not_reached && $(problems) == unreachable ]]
}

@test "a standby: 3, with advice" {
	start_standby checked
	check -p "$standby"
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
	[[ $status -eq 3 && $(get .status) == refused && $(get .sqlstate) == 25006 ]]
	[[ $(get .standby) == true && $(problems) == standby ]]
	[[ $(get '.problems[0].advice') == *target_session_attrs=primary* ]]
}

@test "a channel that the server's encoding does not have: 3, though notifications get through" {
	sql -c "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
	check -d latin 通知
	[[ $status -eq 3 && $(get .status) == refused && $(problems) == channel && $(get .delivered) -eq 20 ]]
	[[ $(get '.problems[0].text') == *'"通知"'*LATIN1* && $(get .server_encoding) == LATIN1 ]]
	check -d latin müller
	[[ $status -eq 0 ]]
}

@test "settings that would hurt: a problem each, and 0" {
	sql -c 'CREATE ROLE hurt LOGIN CONNECTION LIMIT 3' -c "ALTER ROLE hurt SET idle_session_timeout = '20s'" \
		-c "ALTER ROLE hurt SET statement_timeout = '900ms'"
	check -U hurt
	[[ $status -eq 0 && $(get .status) == ok && $(problems) == $'idle_session_timeout\nstatement_timeout' ]]
	# The heartbeat is sooner.
	check -U hurt --heartbeat 10
	[[ $(problems) == statement_timeout ]]
	check -U hurt --heartbeat 0
	[[ $(get '.problems[0].text') == *20\ s*never* ]]
	run_split "$PGWAIT" --check -U hurt
	[[ $status -eq 0 && $(head -n 1 "$OUT") == *': notifications get through, but see below' ]]
	[[ $(grep -A 1 PROBLEM "$OUT" | head -n 2) == '  PROBLEM   idle_session_timeout ends a session that was idle for 20 s'*$'\n    to do   let pgwait'* ]]
}

@test "limits of connections" {
	sql -c 'CREATE ROLE one LOGIN CONNECTION LIMIT 1' -c 'CREATE ROLE nobody LOGIN CONNECTION LIMIT 0'
	check -U one
	[[ $status -eq 3 && $(get .sqlstate) == 53300 && $(problems) == $'second_connection\nrole_limit' ]]
	check -U nobody
	[[ $status -eq 2 && $(get .sqlstate) == 53300 && $(problems) == connections ]]
}

# reserve N: reserved_connections is N, in the database "sixteen"; where the server has no such setting, it seems to be.
reserve() {
	sql -c 'CREATE DATABASE sixteen'
	if ! server_before 16; then
		sql -c "ALTER SYSTEM SET reserved_connections = $1"
		pg restart
		return
	fi
	sql -d sixteen -c 'SET allow_system_table_mods = on' -c 'CREATE ROLE reserved' \
		-c "UPDATE pg_authid SET rolname = 'pg_use_reserved_connections' WHERE rolname = 'reserved'" \
		-c "CREATE OR REPLACE VIEW pg_catalog.pg_settings AS SELECT * FROM pg_catalog.pg_show_all_settings()
			UNION ALL SELECT 'reserved_connections', '$1', unit, category, short_desc, extra_desc, context, vartype, source,
				min_val, max_val, enumvals, boot_val, reset_val, sourcefile, sourceline, pending_restart
			FROM pg_catalog.pg_show_all_settings() WHERE name = 'max_connections'"
}

@test "connections that others have reserved are not there for this role" {
	reserve $(($(sql -c 'SHOW max_connections') - $(sql -c 'SHOW superuser_reserved_connections') - 20))
	sql -c 'CREATE ROLE ordinary LOGIN' -c 'CREATE ROLE preferred LOGIN IN ROLE pg_use_reserved_connections'
	connections=()
	for i in {1..17}; do connections+=("application_name=taken$i"); done
	start_pgwait "${connections[@]}" jobs
	check -d sixteen -U ordinary
	[[ $status -eq 0 && $(problems) == max_connections && $(get '.problems[0].text') == *'of the 20 connections'* ]]
	check -d sixteen -U preferred
	[[ $status -eq 0 && $(problems) == '' ]]
	check -d sixteen
	[[ $status -eq 0 && $(problems) == '' ]]
}

# fill: over 1 % of the queue of 8 GB.
fill() {
	sql -o /dev/null -c "SELECT pg_notify('filling', repeat('x', 7900) || i) FROM generate_series(1, 14000) i"
}

queue_empty() {
	[[ $(sql -c 'SELECT pg_notification_queue_usage() < 0.001') == t ]]
}

@test "a transaction that holds up the queue is named, and how to end it" {
	mkfifo "$TMP/psql"
	PGAPPNAME=$'for\tgotten' psql -qAtX <"$TMP/psql" >"$TMP/began" 3>&- &
	exec 7>"$TMP/psql"
	# From PostgreSQL 19 on it holds up only what it listens to.
	echo 'LISTEN filling; BEGIN; SELECT 1;' >&7
	wait_for lines "$TMP/began" 1
	fill
	check
	[[ $status -eq 0 && $(problems) == queue && $(get '.queue_usage > 0.01 and .queue_usage < 0.1') == true ]]
	[[ $(get '.queue_holders[0] | [.role, .database, .state] | @json') == '["postgres","postgres","idle in transaction"]' ]]
	[[ $(get '.queue_holders[0].since') == 20*Z ]]
	advice=$(get '.problems[0].advice')
	[[ $advice =~ 'SELECT pg_terminate_backend('[0-9]+')' ]]
	command=${BASH_REMATCH[0]}
	# Control characters of others reach no terminal.
	run_split "$PGWAIT" --check
	[[ $status -eq 0 && $output == *"role postgres, database postgres) idle in transaction since 20"* ]]
	[[ $(tr -d '[:print:]\n' <"$OUT" | wc -c) -eq 0 ]]
	# Who may not see it is told so.
	sql -c 'CREATE ROLE stranger LOGIN'
	check -U stranger
	[[ $(get '.queue_holders | length') -eq 0 && $(problems) == queue ]]
	[[ $(get '.problems[0].advice') == *pg_read_all_stats* ]]
	# The advice helps.
	sql -o /dev/null -c "$command"
	notify filling
	wait_for queue_empty
	check
	[[ $status -eq 0 && $(problems) == '' ]]
}

@test "a listener whose client does not read is named" {
	"$PGWAIT" filling >/dev/null 2>"$TMP/sleeper.err" 3>&- &
	sleeper=$!
	wait_for grep -q 'listening on' "$TMP/sleeper.err"
	stop "$sleeper"
	fill
	check
	[[ $status -eq 0 && $(problems) == queue ]]
	[[ $(get '.queue_holders[0] | [.application, .state] | @json') == '["pgwait","does not read what it is sent"]' ]]
	kill -KILL "$sleeper"
	wait_for queue_empty
}

@test "names with control characters, quotes and other encodings" {
	name=$'o\'\e[31mdd\\' shown="o'\\x1b[31mdd\\\\"
	if server_before 19; then # which refuses a line feed
		name+=$'\n' shown+='\n'
	fi
	sql -c "CREATE DATABASE \"$name\""
	run_split "$PGWAIT" --check -d "$name"
	[[ $status -eq 0 && $output == *"in database $shown"* ]]
	[[ $(tr -d '[:print:]\n' <"$OUT" | wc -c) -eq 0 ]]
	check -d "$name"
	[[ $status -eq 0 && $(get '.database | @json') == "$(jq -n --arg name "$name" '$name | @json' -r)" ]]
	sql -c "CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
	PGCLIENTENCODING=UTF8 sql -d latin1 -c 'CREATE ROLE "anaïs" LOGIN'
	check -d latin1 -U "$(printf 'ana\xefs')"
	[[ $status -eq 0 && $(get .role) == anaïs ]]
}

@test "TLS" {
	start_tls
	check 'host=127.0.0.1 sslmode=require'
	[[ $status -eq 0 && $(get .security) == TLSv1* && $(get .delivered) -eq 20 ]]
	sql -c 'ALTER SYSTEM RESET ssl' -c 'SELECT pg_reload_conf()' >/dev/null
}

@test "without channels: groups, services, a configuration file" {
	printf '[here]\nhost=%s\nport=%s\ndbname=template1\n' "$PGHOST" "$PGPORT" >"$TMP/services"
	PGSERVICEFILE=$TMP/services run_split "$PGWAIT" --check -j service=here "$PGHOST/.s.PGSQL.$PGPORT"
	[[ $status -eq 0 && $(get .connection | sort) == $'here\n'"postgres@$PGHOST:$PGPORT" ]]
	check dbname=postgres jobs dbname=template1
	[[ $status -eq 0 && $(jq -sr 'sort_by(.database) | map(.channels) | @json' "$OUT") == '[["jobs"],[]]' ]]
	echo "connect main host=$PGHOST" >"$TMP/file"
	check --config "$TMP/file"
	[[ $status -eq 0 && $(get .connection) == main ]]
	: >"$TMP/none"
	check --config "$TMP/none"
	[[ $status -eq 1 && $output == '' && $errors == *"--check needs a connection, and \"$TMP/none\" has none"* ]]
}

@test "what has no meaning with it is an error" {
	for option in '-n 1' '-t 0' '-m 1' '-e 1' '-0' '--events' '--print' '--notify-cmd x' '--control -' '--ready-fd 1' \
		'--reconnect lost' '--overflow drop' '-f x'; do
		run_split "$PGWAIT" --check $option jobs
		[[ $status -eq 1 && $output == '' && $errors == *'error: --check takes no --'[a-z]* ]]
	done
	run_split "$PGWAIT" --check -n 1
	[[ $errors == *'--check takes no --count:'* ]]
	run_split "$PGWAIT" --check ''
	[[ $status -eq 1 && $output == '' ]]
}

@test "^C: death by SIGINT; what was found so far is there" {
	start_silent
	start_plain --check "host=127.0.0.1 port=$port sslmode=disable gssencmode=disable" "host=$PGHOST"
	wait_for grep -q 'notifications get through' "$OUT"
	kill -INT "$PID"
	end_pgwait
	[[ $status -eq 130 ]]
	[[ $(wc -l <"$OUT") -eq 8 ]]
}

@test "standard output that takes nothing: 1" {
	status=0
	"$PGWAIT" --check >/dev/full 2>"$ERR" || status=$?
	[[ $status -eq 1 && $(<"$ERR") == 'pgwait: error: could not write to standard output: No space left on device' ]]
}

@test "a reader that does not read: SIGTERM ends it, and when it reads it gets everything" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	dd if=/dev/zero of="$TMP/pipe" oflag=nonblock bs=4096 2>/dev/null || true
	over() {
		rm -f "$ERR"
		"$PGWAIT" -v --check >"$TMP/pipe" 2>"$ERR" 8>&- 3>&- &
		PID=$!
		wait_for grep -qs -- '-> over' "$ERR"
	}
	over
	kill "$PID"
	end_pgwait
	[[ $status -eq 143 ]]
	over
	tr -d '\0' <"$TMP/pipe" >"$OUT" 8>&- 3>&- &
	reader=$!
	exec 8>&-
	end_pgwait
	wait "$reader"
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 8 ]]
}

@test "many at once" {
	connections=()
	for i in {1..40}; do connections+=("application_name=check$i"); done
	check "${connections[@]}"
	[[ $status -eq 0 && $(jq -s 'map(select(.status == "ok" and .delivered == 20)) | length' "$OUT") -eq 40 ]]
}
