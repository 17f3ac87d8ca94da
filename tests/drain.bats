# --timeout 0: write what is pending, and end.

load helper

@test "nothing pending: status 0, not a word" {
	run_split "$PGWAIT" -t 0 jobs
	[[ $status -eq 0 && $output == '' && $errors == '' ]]
}

@test "what is committed between LISTEN and the barrier is written" {
	# The listener's own LISTEN waits behind this transaction's NOTIFY for its turn in the queue, so
	# something always comes while many connections drain one after the other.
	for i in {1..200}; do echo "SELECT pg_notify('jobs', '$i');"; done >"$TMP/burst"
	(while :; do sql -f "$TMP/burst" >/dev/null; done) 3>&- &
	PID=$!
	connections=()
	for i in {1..40}; do connections+=("application_name=drain$i"); done
	some_come() {
		run_split timeout "$DEADLINE" "$PGWAIT" -t 0 "${connections[@]}" jobs
		[[ $status -eq 0 && $errors == '' ]] || return 2
		[[ -n $output ]]
	}
	wait_for some_come
}

@test "what was sent before the barrier is written" {
	# A catch-up holds the drain up between LISTEN and its last round trip.
	sql -c 'SELECT pg_advisory_lock(7)' -c 'SELECT pg_sleep(1000)' >/dev/null 2>&1 3>&- 4>&- &
	holder=$!
	locks() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = $1") -eq 1 ]]; }
	wait_for locks true
	start_plain -t 0 -f %p --catchup-sql "SELECT 'row' FROM pg_advisory_xact_lock(7)" jobs
	wait_for locks false
	# The server's process cannot send now, and gets the query of the round trip later.
	silent=$(sql -c "SELECT pid FROM pg_stat_activity WHERE query ~ '^LISTEN' AND pid <> pg_backend_pid()")
	kill -STOP "$silent"
	notify jobs before
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
	asks() { gone "$PID" || ss -xnp | awk -v pid="pid=$silent," 'index($0, pid) { n += $3 } END { exit !n }'; }
	wait_for asks
	kill -CONT "$silent"
	silent=
	end_pgwait
	wait "$holder" || true
	[[ $status -eq 0 && ! -s $ERR ]]
	[ "$(cat "$OUT")" = $'row\nbefore' ]
}

@test "-n is the most, and 124 where fewer came" {
	run_split "$PGWAIT" -t 0 -n 1 jobs
	[[ $status -eq 124 ]]
	(while :; do notify jobs x; done) 3>&- &
	PID=$!
	one() {
		run_split "$PGWAIT" -t 0 -n 1 application_name={1..40} jobs
		[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
	}
	wait_for one
}

@test "a dead connection: reported, status 2, the others are drained" {
	run_split "$PGWAIT" -t 0 "host=127.0.0.1 port=1" "host=$PGHOST" jobs
	[[ $status -eq 2 ]]
	[[ $errors == 'pgwait: error: could not connect to "postgres@127.0.0.1:1"'* ]]
	[[ $(wc -l <"$ERR") -eq 1 ]]
	run_split "$PGWAIT" -t 0 -f '%d %p' --catchup-sql "SELECT 'row'" "host=127.0.0.1 port=1" "host=$PGHOST" jobs
	[[ $status -eq 2 && $output == "postgres@$PGHOST:$PGPORT row" ]]
}

@test "a connection of which the role is refused does not cut the others short" {
	run_split "$PGWAIT" -t 0 -v "dbname=nowhere" "host=$PGHOST" jobs
	[[ $status -eq 2 ]]
	[[ $errors == *"postgres@$PGHOST:$PGPORT: ready -> listening"* ]]
}

@test "a server that never answers costs connect_timeout" {
	start_silent
	run_split timeout "$DEADLINE" "$PGWAIT" -t 0 "host=127.0.0.1 port=$port connect_timeout=2 sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 && ($errors == *' within 2 s'* || $errors == *'no answer in 2 s'*) ]]
}

@test "10 s where no connect_timeout is set" {
	start_silent
	unset PGCONNECT_TIMEOUT
	run_split timeout "$DEADLINE" "$PGWAIT" -t 0 "host=127.0.0.1 port=$port sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 && ($errors == *' within 10 s'* || $errors == *'no answer in 10 s'*) ]]
}

@test "--idle-cmd is accepted and never runs" {
	run_split "$PGWAIT" -t 0 --idle-cmd "touch $TMP/ran" jobs
	[[ $status -eq 0 && ! -e $TMP/ran ]]
}

@test "200 connections" {
	run_split timeout "$DEADLINE" "$PGWAIT" -t 0 application_name=d{1..200} jobs
	[[ $status -eq 0 && $errors == '' ]]
}

@test "--ready-fd" {
	"$PGWAIT" -t 0 --ready-fd 9 jobs 9>"$TMP/ready"
	[[ $(wc -l <"$TMP/ready") -eq 1 ]]
}

@test "--exit-idle beside --timeout 0 is a usage error: it would do nothing" {
	run_split "$PGWAIT" -t 0 -e 5 jobs
	[[ $status -eq 1 && -z $output && $errors == *'--exit-idle and --timeout 0 exclude each other: a drain ends by itself'* ]]
}

@test "a catch-up has no time limit, also after the buffer was full" {
	sql -c 'CREATE TABLE work (payload text)'
	for buffer in 64KiB 64MiB; do
		sql -c "INSERT INTO work SELECT repeat('x', 22000) FROM generate_series(1, 8)"
		run_split env PGCONNECT_TIMEOUT=2 "$PGWAIT" -t 0 --buffer "$buffer" --notify-cmd 'sleep 0.5' \
			--catchup-sql 'DELETE FROM work RETURNING payload' jobs
		[[ $status -eq 0 && $(sql -c 'SELECT count(*) FROM work') -eq 0 ]]
	done
	sql -c 'DROP TABLE work'
}
