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
	run -1 grep -e warning -e again: "$ERR"
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

# gap_of NAME: it has listened again, and said since when something may be missing.
gap_of() {
	grep -q "pgwait: warning: listening again on .* ($1): what was sent since .* may be missing" "$ERR"
}

@test "names that are swapped: each connection connects anew, with a gap" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen one a' 'listen two b'
	start_pgwait --config "$config" -f '%d %c'
	write 'connect two application_name=one' 'connect one application_name=two' 'listen two a' 'listen one b'
	reload 1
	wait_for gap_of one
	wait_for gap_of two
	notify a
	notify b
	wait_for lines "$OUT" 2
	[[ $(sort "$OUT") == $'one b\ntwo a' ]]
}

@test "a name that a command has is not the file's, until it is free" {
	write 'connect one application_name=one' 'listen one a'
	start_control -f '%d %c'
	say 'connect two application_name=two'
	write 'connect one application_name=one' 'connect two application_name=file' 'listen one a' 'listen two b'
	for i in 1 2; do
		reload $i
		warned 'the connection "two" of the file is not opened: there is one of that name already, with other parameters' $i
		say status
		grep -q 'ok: status: one: listening on a; two: listening$' "$ERR"
	done
	say 'disconnect two'
	reload 3
	wait_for grep -q 'listening on b (two)' "$ERR"
}

@test "a connection that a command opened and the file names is of both" {
	: >"$config"
	start_control
	say 'connect one application_name=one'
	say 'listen one a'
	write 'connect one application_name=one' 'listen one b'
	reload 1
	say status
	grep -qx 'pgwait: ok: status: one: listening on a, b' "$ERR"
	: >"$config"
	reload 2
	say channels
	grep -qx 'pgwait: ok: channels: one: a' "$ERR"
	run -1 grep -q warning "$ERR"
}

@test "other parameters: the connection connects anew, and what it missed is a gap" {
	write 'connect main application_name=one' 'listen main jobs'
	start_pgwait --config "$config" -j --events
	listening() { (($(grep -c '"event":"listening"' "$OUT") == $1)); }
	for i in 1 2; do
		sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 300) i" >/dev/null
		write "connect main application_name=two$i" 'listen main jobs'
		reload $i
		wait_for listening $((i + 1))
		jq -se --argjson i "$i" 'map(select(.event == "listening")) | length == $i + 1 and
			(.[-1] | .since and .gap_seconds >= 0)' "$OUT" >/dev/null
		grep -q 'lost the connection to "main": the configuration file has other parameters for it' "$ERR"
		wait_for eval "[[ \$(channels_of two$i) -eq 1 && \$(sql -c \"SELECT count(*) FROM pg_stat_activity
			WHERE application_name LIKE 'two%' OR application_name = 'one'\") -eq 1 ]]"
	done
	# What is missing was committed within a gap.
	notify jobs last
	wait_for grep -q '"payload":"last"' "$OUT"
	jq -se 'map(select(.event == "lost")) | length == 2 and all(.retry_seconds == 0)' "$OUT" >/dev/null
}

# start_unread: its buffer is full, and nobody reads it; a connection that is to be closed still has something to write.
start_unread() {
	mkfifo "$OUT"
	exec {unread}<>"$OUT"
	start_pgwait --config "$config" --buffer 1KiB -f '%d %p'
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 500) i" >/dev/null
	wait_for grep -q 'standard output is too slow: the buffer' "$ERR"
}

# The reader goes on. NAME PARAMETERS: this connection listens then, and no other one.
read_all() {
	local reader
	cat <&"$unread" >/dev/null 3>&- &
	reader=$!
	wait_for gap_of "$1"
	wait_for eval "[[ \$(sql -c \"SELECT string_agg(application_name, ' ') FROM pg_stat_activity
		WHERE application_name IN ('one', 'two')\") == $2 ]]"
	kill "$reader"
}

@test "other parameters twice, before the connection could be closed: the last ones count" {
	write 'connect main application_name=one' 'listen main jobs'
	start_unread
	write 'connect main application_name=two' 'listen main jobs'
	reload 1
	write 'connect main application_name=one' 'listen main jobs'
	reload 2
	read_all main one
}

@test "other parameters, and another name before the connection could be closed: it keeps both" {
	write 'connect main application_name=one' 'listen main jobs'
	start_unread
	write 'connect main application_name=two' 'listen main jobs'
	reload 1
	write 'connect other application_name=two' 'listen other jobs'
	reload 2
	read_all other two
}

@test "other parameters for a connection that is down: it is tried with them at once" {
	write "connect main 'host=127.0.0.1 port=$(free_port)'" 'connect keep dbname=postgres' 'listen * jobs'
	start_plain --config "$config" --reconnect always
	wait_for grep -q 'could not connect to "main"' "$ERR"
	write 'connect main dbname=postgres application_name=x' 'connect keep dbname=postgres' 'listen * jobs'
	sed -i "s/main dbname=postgres application_name=x/main 'dbname=postgres application_name=x'/" "$config"
	wait_for grep -q 'trying again\|next one' "$ERR"
	reload 1
	wait_for grep -q 'listening on jobs (main)' "$ERR"
}

@test "a channel that the file got while the connection died is listened to once it is back" {
	write 'connect a application_name=a' 'listen a old'
	start_pgwait --config "$config" -f %c
	for i in 1 2; do
		stop "$PID"
		sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'a'" >/dev/null
		wait_for eval '[[ $(channels_of a) -eq 0 ]]'
		write 'connect a application_name=a' "listen a old new$i"
		kill -HUP "$PID"
		kill -CONT "$PID"
		wait_for read_again "$i"
		wait_for grep -q "listening again on old, new$i (a)" "$ERR"
		notify "new$i"
		wait_for grep -qx "new$i" "$OUT"
	done
	run -1 grep -e LISTEN -e refused "$ERR"
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
		warned 'the connection "two" of the file is not opened: there is one of that name already, with other parameters' $i
		warned '"one": LISTEN on "日本": "日本" does not exist in the server'"'s encoding" $i
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
	refused() { [[ $(grep -c 'pgwait: warning: "one": LISTEN on "jobs": cannot execute LISTEN during recovery' "$ERR") -eq $1 ]]; }
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

@test "what a command took away of what the file names comes back at SIGHUP" {
	write 'connect one application_name=one' 'connect two application_name=two' 'listen * jobs' 'listen two more'
	start_control
	say 'disconnect one'
	say 'unlisten two jobs'
	say status
	grep -qx 'pgwait: ok: status: two: listening on more' "$ERR"
	reload 1
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
	wait_for grep -q 'listening again on jobs, more (one)' "$ERR"
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
	wait_for grep -q "pgwait: error: $config:2: unknown command \"lisen\" (did you mean listen?); accepted are connect and listen" "$ERR"
	write 'connect one application_name=one' 'listen onee jobs'
	kill -HUP "$PID"
	wait_for grep -q "pgwait: error: $config:2: no line connects \"onee\" (did you mean one?); accepted is" "$ERR"
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

@test "SIGHUP while pgwait is ending: nothing new is begun, and the end goes on" {
	write 'connect one application_name=one' 'listen one jobs'
	mkfifo "$TMP/go"
	start_pgwait -v --config "$config" --notify-cmd "touch '$TMP/runs'; read -r _ <'$TMP/go'; echo done"
	notify jobs x
	wait_for test -e "$TMP/runs"
	kill "$PID"
	wait_for signals_taken "$PID"
	write 'connect one application_name=one' 'listen one jobs' 'connect two application_name=two' 'listen two jobs'
	kill -HUP "$PID"
	wait_for grep -qx "pgwait: \"$config\" is not read again: pgwait is ending" "$ERR"
	echo >"$TMP/go"
	end_pgwait
	[[ $status -eq 0 && $(<"$OUT") == "done" ]]
	run -1 grep 'two: ' "$ERR"
}
