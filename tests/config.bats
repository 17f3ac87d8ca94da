# --config, and SIGHUP.

load helper
load servers

setup() {
	config=$TMP/pgwait.conf
}

write() {
	printf '%s\n' "$@" >"$config"
}

# reload: SIGHUP, and until it was read again N times.
reload() {
	kill -HUP "$PID"
	wait_for read_again "$1"
}

read_again() {
	[[ $(grep -c "pgwait: read \"$config\" again" "$ERR") -ge $1 ]]
}

# start_control ARG...: with commands from a FIFO (say).
start_control() {
	mkfifo -m 600 "$TMP/commands"
	start_pgwait --config "$config" --control "$TMP/commands" "$@"
}

# say COMMAND: and until it is done.
say() {
	local before
	before=$(grep -c '^pgwait: ok: ' "$ERR") || true
	echo "$1" >"$TMP/commands"
	ok() { (($(grep -c '^pgwait: ok: ' "$ERR") > before)); }
	wait_for ok
}

# warned TEXT N: so many times.
warned() {
	[[ $(grep -cxF "pgwait: warning: $1" "$ERR") -eq $2 ]]
}

channels_of() {
	sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1'"
}

@test "connections and channels of a file, beside those of the command line" {
	write '# comment' '' "connect one 'application_name=one'" 'listen one jobs "two words"' 'connect two application_name=two' \
		'listen * audit'
	start_pgwait --config "$config" -f '%d %c' application_name=three jobs
	notify audit
	wait_for lines "$OUT" 2
	[[ $(sort "$OUT") == $'one audit\ntwo audit' ]]
	notify 'two words'
	wait_for grep -qx 'one two words' "$OUT"
	grep -q 'listening on jobs, two words, audit (one)' "$ERR"
}

@test "SIGHUP applies the difference: what stays misses nothing" {
	write 'connect one application_name=one' 'listen one jobs old'
	start_pgwait --config "$config" -f '%d %c %p'
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'")
	(for i in {1..300}; do echo "NOTIFY jobs, '$i';"; done | psql -qX) 3>&- &
	notifier=$!
	write 'connect one application_name=one' 'listen one jobs new' 'connect two application_name=two' 'listen two jobs'
	reload 1
	wait "$notifier"
	wait_for grep -q 'listening on jobs (two)' "$ERR"
	all() { [[ $(grep -c '^one jobs' "$OUT") -eq 300 ]]; }
	wait_for all
	diff <(sed -n 's/^one jobs //p' "$OUT") <(seq 300)
	[[ $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'") == "$backend" ]]
	notify old
	notify new
	wait_for grep -q '^one new' "$OUT"
	run -1 grep -q '^one old' "$OUT"
	write 'connect two application_name=two' 'listen two jobs'
	reload 2
	gone_one() { [[ $(channels_of one) -eq 0 ]]; }
	wait_for gone_one
	notify jobs last
	wait_for grep -q '^two jobs last' "$OUT"
	run -1 grep -q '^one jobs last' "$OUT"
}

@test "a connection under a new name stays open" {
	write 'connect one application_name=one' 'listen one jobs'
	start_pgwait --config "$config" -f '%d %p'
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'")
	write 'connect other application_name=one' 'listen other jobs'
	reload 1
	notify jobs x
	wait_for grep -qx 'other x' "$OUT"
	[[ $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'") == "$backend" ]]
}

@test "-v calls a connection by its new name" {
	write 'connect one application_name=one' 'listen one jobs'
	start_pgwait -v --config "$config"
	write 'connect other application_name=one' 'listen other jobs'
	reload 1
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'one'" >/dev/null
	wait_for grep -qx 'pgwait: debug: other: FATAL: terminating connection due to administrator command' "$ERR"
}

@test "names move around in a circle" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen one a' 'listen two b'
	start_pgwait --config "$config" -f '%d %c'
	write 'connect two application_name=one' 'connect one application_name=two' 'listen two a' 'listen one b'
	reload 1
	notify a
	notify b
	wait_for lines "$OUT" 2
	[[ $(sort "$OUT") == $'one b\ntwo a' ]]
	run -1 grep -q warning "$ERR"
}

@test "a connection keeps its name where a command took the new one, until that is free" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen one a' 'listen two b'
	start_control -f '%d %c'
	say 'connect three application_name=three'
	write 'connect two application_name=one' 'connect three application_name=two' 'listen two a' 'listen three b new'
	reload 1
	warned 'the connection "two" keeps its name: there is a connection "three" already' 1
	warned 'the connection "one" keeps its name: there is a connection "two" already' 1
	say status
	grep -q 'ok: status: one: listening on a; two: listening on b, new; three: listening' "$ERR"
	reload 2
	warned 'the connection "two" keeps its name: there is a connection "three" already' 2
	say 'disconnect three'
	reload 3
	notify a
	notify new
	wait_for lines "$OUT" 2
	[[ $(sort "$OUT") == $'three new\ntwo a' ]]
}

@test "what was refused is tried again at the next SIGHUP" {
	createdb -E LATIN1 -T template0 --locale C narrow
	write 'connect one dbname=narrow' 'listen one jobs'
	start_control -f '%d %p'
	say 'connect two application_name=two'
	write 'connect one dbname=narrow' 'listen one jobs 日本' "connect two 'dbname=narrow application_name=file'" \
		'connect three application_name=three' 'listen two jobs'
	for i in 1 2; do
		reload $i
		warned 'the connection "two" of the file is not opened: there is one of that name already' $i
		warned "channel \"日本\" cannot be a name in the server's encoding" $i
	done
	say 'disconnect two'
	reload 3
	wait_for grep -q 'listening on jobs (two)' "$ERR"
	notify jobs x -d narrow
	wait_for lines "$OUT" 2
	[[ $(sort "$OUT") == $'one x\ntwo x' ]]
}

@test "a channel that the server refused is tried again at the next SIGHUP" {
	start_standby config
	write "connect one 'port=$standby application_name=one'"
	start_pgwait --config "$config" -f '%d %p'
	write "connect one 'port=$standby application_name=one'" 'listen one jobs'
	reload 1
	refused() { [[ $(grep -c 'pgwait: warning: .*LISTEN' "$ERR") -eq $1 ]]; }
	wait_for refused 1
	reload 2
	wait_for refused 2
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -w promote >/dev/null
	reload 3
	listens() { notify jobs x -p "$standby" && lines "$OUT" 1; }
	wait_for listens
	[[ $(head -n 1 "$OUT") == 'one x' ]]
	refused 2
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
}

@test "what a command took away comes back once the file was read without it" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen * jobs' 'listen two more'
	start_control
	say 'disconnect one'
	say 'unlisten two jobs'
	reload 1
	say status
	grep -qx 'pgwait: ok: status: two: listening on more' "$ERR"
	write 'connect two application_name=two' 'listen two more'
	reload 2
	write 'connect one application_name=one' 'connect two application_name=two' 'listen * jobs' 'listen two more'
	reload 3
	say status
	grep -q 'pgwait: ok: status: two: listening on more, jobs; one: ' "$ERR"
}

@test "what the file no longer has stays where the command line wants it" {
	write 'connect one application_name=one' 'listen one jobs'
	start_pgwait --config "$config" -f '%d %p' application_name=line jobs
	: >"$config"
	reload 1
	notify jobs x
	wait_for lines "$OUT" 1
	[[ $(<"$OUT") == "postgres@$PGHOST:$PGPORT x" ]]
}

@test "a connection that the file no longer has stays for the channels that a command wants" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen * jobs both'
	start_control -f '%d %c'
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'")
	say 'listen one more both'
	: >"$config"
	reload 1
	say status
	grep -qx 'pgwait: ok: status: one: listening on both, more' "$ERR"
	say channels
	grep -qxE 'pgwait: ok: channels: one: (both more|more both)' "$ERR"
	write 'connect one application_name=one' 'listen one jobs'
	reload 2
	say status
	grep -qx 'pgwait: ok: status: one: listening on both, more, jobs' "$ERR"
	: >"$config"
	reload 3
	say status
	[[ $(grep -cx 'pgwait: ok: status: one: listening on both, more' "$ERR") -eq 2 ]]
	[[ $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'") == "$backend" ]]
	notify more
	wait_for grep -qx 'one more' "$OUT"
	run -1 grep -q warning "$ERR"
}

@test "the channels that a command wants go with the name to a connection with other parameters" {
	write 'connect one application_name=one' 'listen one jobs old'
	start_control -f '%d %c'
	say 'listen one more'
	write 'connect one application_name=another' 'listen one jobs'
	reload 1
	wait_for grep -q 'listening on jobs, more (one)' "$ERR"
	gone_one() { [[ $(channels_of one) -eq 0 ]]; }
	wait_for gone_one
	: >"$config"
	reload 2
	say status
	grep -qx 'pgwait: ok: status: one: listening on more' "$ERR"
}

@test "a faulty file changes nothing, and says where" {
	write 'connect one application_name=one' 'listen one jobs'
	start_pgwait --config "$config" -f '%d %p'
	write 'connect one application_name=one' 'lisen one jobs'
	kill -HUP "$PID"
	wait_for grep -q "pgwait: error: $config:2: unknown command \"lisen\"" "$ERR"
	rm "$config"
	kill -HUP "$PID"
	wait_for grep -q "pgwait: error: could not read \"$config\": No such file or directory" "$ERR"
	notify jobs x
	wait_for grep -qx 'one x' "$OUT"
}

@test "a faulty file at the start is a usage error" {
	write 'connect one application_name=one' 'quit'
	run_split "$PGWAIT" --config "$config"
	[[ $status -eq 1 && $errors == *"$config:2: "* ]]
	run_split "$PGWAIT" --config "$TMP/nowhere"
	[[ $status -eq 1 && $errors == *"could not read \"$TMP/nowhere\""* ]]
	write "connect postgres@$PGHOST:$PGPORT application_name=one"
	run_split "$PGWAIT" --config "$config" "host=$PGHOST" jobs
	[[ $status -eq 1 && $errors == *'that of a connection of the command line'* ]]
}

# other_files: makes what is there and no file to read twice, and one that is too large.
other_files() {
	mkfifo "$TMP/fifo"
	mkdir "$TMP/directory"
	truncate -s $((16 * 1024 * 1024 + 1)) "$TMP/large"
}

@test "a FIFO, a directory, a device or a huge file is a usage error at the start" {
	other_files
	for config in "$TMP/fifo" "$TMP/directory" /dev/zero /dev/null; do
		run_split timeout "$DEADLINE" "$PGWAIT" --config "$config"
		[[ $status -eq 1 && $errors == *"could not read \"$config\": it is not a regular file; accepted is "* ]]
	done
	run_split timeout "$DEADLINE" "$PGWAIT" --config "$TMP/large"
	[[ $status -eq 1 && $errors == *"could not read \"$TMP/large\": it is too large; accepted are 16 MiB at most"* ]]
	truncate -s -1 "$TMP/large"
	run_split "$PGWAIT" --config "$TMP/large"
	[[ $status -eq 1 && $errors == *"$TMP/large:1: a line has at most "* ]]
}

@test "a file that has become a FIFO, a directory, a device or a huge one changes nothing, and holds up nothing" {
	other_files
	write 'connect one application_name=one' 'listen one jobs'
	start_pgwait --config "$config" -f '%d %p'
	for other in "$TMP/fifo" "$TMP/directory" /dev/zero "$TMP/large"; do
		ln -sf "$other" "$TMP/link"
		mv -T "$TMP/link" "$config"
		kill -HUP "$PID"
		told() { [[ $(grep -c "error: could not read \"$config\": it is " "$ERR") -eq $1 ]]; }
		wait_for told $((++count))
		notify jobs "$other"
		wait_for grep -qx "one $other" "$OUT"
	done
}

@test "a connection of the file that is down at SIGHUP is tried again, and ends nothing" {
	: >"$config"
	start_pgwait --config "$config" -f '%d %p'
	port=$(free_port)
	write "connect one 'host=127.0.0.1 port=$port'" 'listen one jobs'
	reload 1
	wait_for grep -q 'warning: could not connect to "one".*trying again' "$ERR"
	write 'connect one application_name=one' 'listen one jobs'
	reload 2
	wait_for grep -q 'listening on jobs (one)' "$ERR"
	notify jobs x
	wait_for grep -qx 'one x' "$OUT"
}

@test "without --config SIGHUP ends it" {
	start_pgwait jobs
	kill -HUP "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}

# start_drain ARG...: in the background.
start_drain() {
	"$PGWAIT" -t 0 --config "$config" "$@" >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
}

@test "a drain does not wait for a connection that the file has no more" {
	start_silent
	write 'connect a application_name=a' 'listen a jobs' "connect b 'host=127.0.0.1 port=$port connect_timeout=1000'" 'listen b jobs'
	start_drain
	connected() { [[ $(channels_of a) -ge 1 ]]; }
	wait_for connected
	write 'connect a application_name=a' 'listen a jobs'
	kill -HUP "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	run -1 grep -e error -e warning "$ERR"
}

@test "a drain drains the connection that the file has meanwhile, and the others" {
	sql -c 'SELECT pg_advisory_lock(7)' -c 'SELECT pg_sleep(1000)' >/dev/null 2>&1 3>&- 4>&- &
	silent=$! # ended with the test
	held() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") -eq 1 ]]; }
	wait_for held
	write 'connect a dbname=postgres' 'listen a jobs'
	start_drain -f %p --catchup-sql "SELECT pg_advisory_xact_lock(7)::text || 'row of ' || current_database()"
	waits() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") -eq 1 ]]; }
	wait_for waits
	write 'connect a dbname=postgres' 'connect b dbname=template1' 'listen * jobs'
	kill -HUP "$PID"
	wait_for grep -qx 'row of template1' "$OUT"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	run -1 grep -e error -e warning "$ERR"
	[ "$(sort "$OUT")" = $'row of postgres\nrow of template1' ]
}

@test "--ready-fd: the connection that was waited for is removed" {
	write 'connect a dbname=postgres' "connect b 'host=127.0.0.1 port=$(free_port)'" 'listen * jobs'
	mkfifo "$TMP/ready"
	exec 9<>"$TMP/ready"
	"$PGWAIT" --config "$config" --ready-fd 9 --reconnect always >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	wait_for grep -q 'trying again' "$ERR"
	wait_for grep -q 'listening on jobs (a)' "$ERR"
	write 'connect a dbname=postgres' 'listen * jobs'
	kill -HUP "$PID"
	read -r -t "$DEADLINE" -u 9 _
}
