# Poolers: LISTEN succeeds through all of them, and notifications come through some.

load helper
load servers

@test "transaction pooling is found out: 3, with advice" {
	start_pgbouncer transaction
	run_split "$PGWAIT" -p "$bouncer" -h 127.0.0.1 jobs
	[[ $status -eq 3 && $output == '' ]]
	[[ $errors == *'error: could not listen on "postgres@127.0.0.1:'*'a pooler in transaction or statement mode is in between'* ]]
	[[ $errors == *'hint: connect to the server itself, or to a pooler in session mode' ]]
	[[ $(wc -l <"$ERR") -eq 2 ]]
}

@test "in a drain, too" {
	start_pgbouncer transaction
	run_split "$PGWAIT" -t 0 -p "$bouncer" -h 127.0.0.1 jobs
	[[ $status -eq 3 && $errors == *'pooler'* ]]
}

@test "session pooling works, and nothing is said" {
	start_pgbouncer session
	start_pgwait -f '%c %p' -p "$bouncer" -h 127.0.0.1 jobs
	for i in 1 2 3; do notify jobs "$i"; done
	wait_for lines "$OUT" 3
	# The private channel of the proof never shows.
	[[ $(<"$OUT") == $'jobs 1\njobs 2\njobs 3' ]]
	[[ $(<"$ERR") == "pgwait: listening on jobs (postgres@127.0.0.1:$bouncer)" ]]
	# And it is gone on the server.
	backend=$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^UNLISTEN pgwait_'")
	[[ $backend -eq 1 ]]
	run_split "$PGWAIT" -t 0 -p "$bouncer" -h 127.0.0.1 jobs
	[[ $status -eq 0 && $output == '' && $errors == '' ]]
}

@test "where the proof has no second connection it says that it does not know" {
	start_pgbouncer session 'default_pool_size = 1' 'query_wait_timeout = 2'
	start_pgwait -f %p -p "$bouncer" -h 127.0.0.1 jobs
	grep -q 'warning: "postgres@127.0.0.1:.*" is reached through a pooler, and whether notifications get through it could not be tested' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
}

@test "a pooler that comes in between later is retried" {
	start_pgbouncer session
	start_pgwait --heartbeat 0.5 -f %p "host=127.0.0.1 port=$bouncer" jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	wait_for grep -q 'listening again on jobs' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
}

# A host that turns every connection away, and counts them in $TMP/turned.
start_refuser() {
	port=$(free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "SYSTEM:echo x >>$TMP/turned" 3>&- 4>&- >/dev/null 2>&1 &
	silent=$!
	wait_for port_taken
	wait_for test -s "$TMP/turned"
	: >"$TMP/turned"
}

@test "the proof goes to the host that was reached, not to the first of several" {
	start_refuser
	start_pgbouncer session
	run_split "$PGWAIT" -t 0 "host=127.0.0.1,127.0.0.1 port=$port,$bouncer" jobs
	[[ $status -eq 0 && $errors == '' ]]
	[[ $(wc -l <"$TMP/turned") -eq 1 ]]
}

@test "a full buffer does not make a pooler in session mode one in transaction mode" {
	start_pgbouncer session 'default_pool_size = 2'
	# The pool has a session for the one that listens, and none for the one that tests it, until this one ends.
	psql -qX -h 127.0.0.1 -p "$bouncer" -c 'SELECT pg_sleep(1000)' >/dev/null 2>&1 3>&- &
	taken=$!
	state() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ '$1'") -eq 1 ]]; }
	wait_for state '^SELECT pg_sleep'
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	"$PGWAIT" -f %p --buffer 64KiB application_name=direct "host=127.0.0.1 port=$bouncer" jobs >"$TMP/pipe" 2>"$ERR" 3>&- 8>&- &
	PID=$!
	wait_for state '^LISTEN pgwait_'
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 1000)) FROM generate_series(1, 3000) i" >/dev/null
	wait_for grep -q 'the buffer of 64 KiB is full' "$ERR"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'" >/dev/null
	wait_for state '^SELECT pg_catalog.pg_notify'
	rest 6 # longer than the notification may take
	run -1 grep pooler "$ERR"
	cat <&8 >"$OUT" 3>&- &
	wait_for grep -q "listening on jobs (postgres@127.0.0.1:$bouncer)" "$ERR"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}
