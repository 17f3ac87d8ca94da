# --work-sql: a table is a work queue.

load helper

setup() {
	sql -c 'DROP TABLE IF EXISTS jobs' -c 'CREATE TABLE jobs (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text)'
	rm -f "$TMP/handled"
}

# The statement, of so many rows at a time.
take() {
	echo "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT $1) RETURNING payload"
}

# add FROM TO: rows with the payloads FROM to TO, and one signal.
add() {
	sql -c "INSERT INTO jobs (payload) SELECT n FROM generate_series($1, $2) n; NOTIFY jobs, 'signal'"
}

left() {
	[[ $(sql -c 'SELECT count(*) FROM jobs') == "$1" ]]
}

handled() {
	[[ -e $TMP/handled ]] && lines "$TMP/handled" "$1"
}

# So many sessions of pgwait's are in a transaction that has the statement behind it or before it.
at_work() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'pgwait'
		AND xact_start IS NOT NULL AND query ~ 'jobs'") == "$1" ]]
}

handle="echo \"\$PGWAIT_PAYLOAD\" >>'$TMP/handled'"

# The status says so, now or soon.
status_line() {
	says() { kill -USR1 "$PID" && grep -q "$1" "$ERR"; }
	wait_for says "$1"
}

@test "the rows are what is delivered; a notification is the signal alone" {
	add 1 3
	start_pgwait --work-sql "$(take 10)" jobs
	wait_for lines "$OUT" 3
	wait_for left 0
	add 4 5
	wait_for lines "$OUT" 5
	wait_for left 0
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	diff "$OUT" <(printf 'jobs\t%d\t0\n' 1 2 3 4 5)
	[[ $(wc -l <"$ERR") -eq 1 ]]
}

@test "two columns are channel and payload" {
	start_pgwait -f '%c|%e|%i' --work-sql "DELETE FROM jobs RETURNING nullif(payload, '2') || 'x', payload" jobs
	add 1 2
	wait_for lines "$OUT" 2
	diff <(sort "$OUT") <(printf '1x|1|0\njobs|2|0\n')
}

@test "a run that had rows is followed by another, until there are none; of one session" {
	add 1 95
	start_pgwait -j --events --work-sql "$(take 10)" jobs
	wait_for left 0
	add 96 100
	all() { [[ $(grep -c '"payload"' "$OUT") == 100 && $(tail -n 1 "$OUT") == *'"worked"'* ]]; }
	wait_for all
	[[ $(jq -r 'select(.event == "worked").rows' "$OUT" | paste -sd' ') == '10 10 10 10 10 10 10 10 10 5 5' ]]
	[[ $(jq -r 'select(.payload).payload' "$OUT" | paste -sd' ') == "$(seq 100 | paste -sd' ')" ]]
	# The one that listens, and the one that works; it is not made anew.
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'") == 2 ]]
	session=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait' AND query = 'COMMIT'")
	add 101 101
	wait_for left 0
	session_is() { [[ $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait' AND query = 'COMMIT'") == "$session" ]]; }
	wait_for session_is
}

@test "many signals while it runs make one more run" {
	add 1 1
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'" --work-sql "$(take 10)" jobs
	wait_for at_work 1
	for _ in {1..5}; do sql -c 'NOTIFY jobs'; done
	status_line 'work running (0 rows in 0 runs, 5 signals)'
	echo >"$TMP/go"
	wait_for left 0
	idle() { kill -USR1 "$PID" && tail -n 1 "$ERR" | grep -q 'work idle (1 rows in 2 runs, 5 signals)'; }
	wait_for idle
}

@test "an idle event finds what a lost signal has left behind" {
	start_pgwait -t 0.1 --work-sql "$(take 10)" jobs
	sql -c "INSERT INTO jobs (payload) VALUES ('silent')"
	wait_for lines "$OUT" 1
	[[ $(<"$OUT") == $'jobs\tsilent\t0' ]]
}

# --- At least once

@test "a command that fails: all of its run comes again, after pauses; the others go on" {
	add 1 2
	start_pgwait --notify-cmd "$handle; [ -e '$TMP/good' ] || [ \$PGWAIT_PAYLOAD != 2 ]" --work-sql "$(take 1)" jobs
	wait_for grep -q 'warning: could not work on ".*": not every row could be delivered; trying again in' "$ERR"
	left 1
	# A signal does not end the pause: the pauses grow, so a few end by themselves however long this takes, not 8.
	failures() { grep -c 'ended with status' "$ERR"; }
	before=$(failures)
	for _ in {1..20}; do sql -c 'NOTIFY jobs'; done
	status_line 'work failed (1 rows in 1 runs, '
	(($(failures) < before + 8))
	touch "$TMP/good"
	wait_for left 0
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && $(sort -u "$TMP/handled" | paste -sd' ') == '1 2' ]]
}

@test "kill -9 of pgwait: the row is still there, and comes again" {
	add 1 3
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'; $handle" --work-sql "$(take 2)" jobs
	wait_for at_work 1
	left 3
	kill -KILL "$PID"
	end_pgwait
	wait_for at_work 0
	left 3
	start_pgwait --notify-cmd "$handle" --work-sql "$(take 2)" jobs
	wait_for left 0
	wait_for handled 3
	[[ $(sort -u "$TMP/handled" | paste -sd' ') == '1 2 3' ]]
}

@test "kill -9 of the command, and of a command that leaves: the row comes again" {
	add 1 1
	start_pgwait --notify-cmd "[ -e '$TMP/once' ] || { touch '$TMP/once'; kill -9 \$\$; }; $handle" --work-sql "$(take 1)" jobs
	wait_for grep -q 'ended by signal 9' "$ERR"
	wait_for left 0
	[[ $(<"$TMP/handled") == 1 ]]
}

@test "the working session is killed: rolled back, and again over a new one" {
	add 1 1
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'; $handle" --work-sql "$(take 1)" jobs
	wait_for at_work 1
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait' AND xact_start IS NOT NULL" >/dev/null
	wait_for grep -q 'could not work on .*terminating connection due to administrator command' "$ERR"
	left 1
	exec 7<>"$TMP/go"
	printf '\n\n\n' >&7
	wait_for left 0
	# While it is idle nobody misses it.
	lines_before=$(wc -l <"$ERR")
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait' AND query = 'COMMIT'" >/dev/null
	add 2 2
	wait_for left 0
	wait_for grep -qx 2 "$TMP/handled"
	[[ $(wc -l <"$ERR") -eq $lines_before ]]
}

# The server process of the working session, while that waits for the next run.
idle_worker() {
	worker=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait' AND query = 'COMMIT' AND state = 'idle'")
	[[ $worker ]]
}

@test "the working session does not answer any more: the next run connects anew, which is no failure" {
	start_pgwait --reconnect never --notify-cmd "$handle" --work-sql "$(take 1)" jobs
	add 1 1
	wait_for handled 1
	wait_for idle_worker
	stop "$worker"
	add 2 2
	wait_for handled 2
	wait_for left 0
	kill -CONT "$worker"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 ]]
}

@test "the server's limits of a transaction that waits do not end one that waits for a command" {
	limits='-c idle_in_transaction_session_timeout=100'
	server_before 17 || limits+=' -c transaction_timeout=150'
	for option in --work-sql --catchup-sql; do
		rm -f "$TMP/handled"
		sql -c "INSERT INTO jobs (payload) VALUES ('x')"
		PGOPTIONS=$limits start_pgwait --notify-cmd "sleep 0.5; $handle" "$option" "$(take 1)" jobs
		wait_for left 0
		kill "$PID"
		end_pgwait
		[[ $status -eq 0 && $(wc -l <"$TMP/handled") -eq 1 && $(wc -l <"$ERR") -le 2 ]]
		run -1 grep warning "$ERR"
	done
}

@test "the server notices soon that the host of the working session has vanished, and gives its rows to others" {
	parameters="current_setting('tcp_keepalives_idle') || ' ' || current_setting('tcp_keepalives_interval') || ' ' ||
		current_setting('tcp_keepalives_count') || ' ' || current_setting('tcp_user_timeout')"
	sql -c "INSERT INTO jobs (payload) VALUES ('x')"
	PGHOST=127.0.0.1 run_split "$PGWAIT" -t 0 -f %p --work-sql "DELETE FROM jobs RETURNING $parameters" jobs
	[[ $status -eq 0 && $output == '30 5 3 45000' ]]
	# What is shorter stays.
	sql -c "INSERT INTO jobs (payload) VALUES ('x')"
	PGOPTIONS='-c tcp_keepalives_idle=7 -c tcp_user_timeout=60000' PGHOST=127.0.0.1 run_split "$PGWAIT" -t 0 -f %p \
		--work-sql "DELETE FROM jobs RETURNING $parameters" jobs
	[[ $status -eq 0 && $output == '7 5 3 45000' ]]
}

@test "of two processes each takes what the other one has not" {
	start_pgwait --jobs 2 --notify-cmd "$handle" --work-sql "$(take 1)" jobs
	first=$PID
	start_pgwait --jobs 2 --notify-cmd "$handle" --work-sql "$(take 1)" jobs
	add 1 60
	wait_for left 0
	wait_for handled 60
	diff <(sort -n "$TMP/handled") <(seq 60)
	kill "$first" "$PID"
	wait_for gone "$first"
	end_pgwait
}

@test "a poisoned row: the command records it itself, and ends with 0" {
	sql -c 'DROP TABLE IF EXISTS failed' -c 'CREATE TABLE failed (payload text)'
	add 1 3
	run_split "$PGWAIT" -t 0 --work-sql "$(take 1)" jobs \
		--notify-cmd "[ \$PGWAIT_PAYLOAD != 2 ] || echo \"INSERT INTO failed VALUES (:'p')\" | psql -qX -v p=\"\$PGWAIT_PAYLOAD\"; $handle"
	[[ $status -eq 0 && -z $errors && $(sql -c 'SELECT * FROM failed') == 2 ]]
	left 0
	diff "$TMP/handled" <(seq 3)
}

@test "SIGTERM while a command runs: it is waited for, and committed; nothing else is begun" {
	add 1 2
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'; $handle" --work-sql "$(take 1)" jobs
	wait_for at_work 1
	received() { [[ $(sql -c "SELECT state FROM pg_stat_activity WHERE application_name = 'pgwait' AND xact_start IS NOT NULL") == 'idle in transaction' ]]; }
	wait_for received
	kill "$PID"
	wait_for signals_taken "$PID"
	echo >"$TMP/go"
	end_pgwait
	[[ $status -eq 0 && $(<"$TMP/handled") == 1 ]]
	left 1
}

# --- Statements whose rows do not go away

@test "a statement that changes no table does not spin, which is said once" {
	add 1 2
	sql -c "CREATE OR REPLACE FUNCTION taken() RETURNS SETOF text LANGUAGE sql AS 'DELETE FROM jobs RETURNING payload'"
	for statement in 'SELECT payload FROM jobs' 'SELECT payload FROM jobs FOR UPDATE' 'TABLE jobs'; do
		[[ $statement != TABLE* ]] || statement='SELECT id, payload FROM jobs'
		start_pgwait --work-sql "$statement" jobs
		wait_for lines "$OUT" 4
		status_line 'work idle ('
		(($(wc -l <"$OUT") < 40))
		[[ $(grep -c 'warning: the statement of --work-sql returned 2 rows and changed no table' "$ERR") -eq 1 ]]
		# A signal is followed at once.
		n=$(wc -l <"$OUT")
		sql -c 'NOTIFY jobs'
		wait_for lines "$OUT" $((n + 2))
		kill "$PID"
		end_pgwait
	done
	run_split "$PGWAIT" -t 0 --work-sql 'SELECT payload FROM jobs' jobs
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 2 && $(grep -c 'changed no table .*it is not run again$' "$ERR") -eq 1 ]]
	# One that does so inside is as good as DELETE.
	start_pgwait --work-sql 'SELECT * FROM taken()' jobs
	wait_for left 0
	kill "$PID"
	end_pgwait
	run -1 grep 'changed no table' "$ERR"
}

# --- The end, and other options

@test "-t 0: until nothing is left" {
	add 1 25
	run_split "$PGWAIT" -t 0 --notify-cmd "$handle" --jobs 4 --work-sql "$(take 10)" jobs
	[[ $status -eq 0 && -z $errors && $(wc -l <"$TMP/handled") -eq 25 ]]
	left 0
	add 1 3
	run_split "$PGWAIT" -t 0 --notify-cmd false --work-sql "$(take 1)" jobs
	[[ $status -eq 1 && $errors == *'error: could not work on "'*'not every row could be delivered'* ]]
	left 3
}

@test "-n counts rows that are committed, and never cuts a run" {
	add 1 20
	run_split "$PGWAIT" -q -n 5 --work-sql "$(take 1)" jobs
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 5 ]]
	left 15
	run_split "$PGWAIT" -q -n 5 --work-sql "$(take 4)" jobs
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 8 ]]
	left 7
	run_split "$PGWAIT" -t 0 -n 8 --work-sql "$(take 4)" jobs
	[[ $status -eq 124 && $(wc -l <"$OUT") -eq 7 ]]
}

@test "--stats and status count rows and signals" {
	start_pgwait --stats --control "$TMP/control" -j --events --work-sql "$(take 10)" jobs
	add 1 3
	add 4 4
	wait_for left 0
	worked() { [[ $(jq -r 'select(.event == "worked").rows' "$OUT" | awk '{ n += $1 } END { print n + 0 }') == 4 ]]; }
	wait_for worked
	echo status >"$TMP/control"
	wait_for grep -q '"command":"status"' "$OUT"
	[[ $(jq -c 'select(.command == "status").connections[].work | [.state, .rows, .signals]' "$OUT") == '["idle",4,2]' ]]
	kill "$PID"
	end_pgwait
	grep -q '2 signals for --work-sql$' "$ERR"
	grep -q '4 notifications, ' "$ERR"
}

@test "--spool: committed there, and then in the table" {
	add 1 12
	run_split "$PGWAIT" -t 0 --spool "$TMP/spool" --work-sql "$(take 5)" jobs
	[[ $status -eq 0 && -z $errors && $(sqlite3 "$TMP/spool" 'SELECT count(*) FROM record') == 12 ]]
	left 0
}

@test "--exclusive: only the active one works; what it had begun is rolled back with the lock, and the other one takes it" {
	mkfifo "$TMP/go"
	start_pgwait --exclusive queue --notify-cmd "read -r _ <'$TMP/go'; echo first >>'$TMP/handled'" --work-sql "$(take 5)" jobs
	first=$PID
	wait_for grep -q 'active, with the lock' "$ERR"
	cp "$ERR" "$TMP/first"
	ERR=$TMP/second start_pgwait -t 0.2 --exclusive queue --notify-cmd "echo second >>'$TMP/handled'" --work-sql "$(take 5)" jobs
	wait_for grep -q 'waiting: another process' "$TMP/second"
	add 1 2
	wait_for at_work 1
	# Another one that is there to be taken, of which both are told.
	add 3 3
	wait_for grep -q 'listening on jobs' "$TMP/second"
	both_told() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait' AND wait_event = 'ClientRead'") -ge 4 ]] && [[ $(sql -c 'SELECT pg_notification_queue_usage() = 0') == t ]]; }
	wait_for both_told
	kill -USR1 "$PID"
	wait_for grep -q 'ok: status' "$TMP/second"
	[[ ! -e $TMP/handled ]]
	left 3
	# It would get the lock again at once.
	stop "$first"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
	wait_for grep -q 'active, with the lock' "$TMP/second"
	kill -CONT "$first"
	wait_for left 0
	wait_for handled 3
	[[ $(sort -u "$TMP/handled") == second ]]
	grep -q 'the run of --work-sql on .* was rolled back: its rows, 2 so far, stay in the table' "$ERR"
	kill "$first" "$PID"
	wait_for gone "$first"
}

@test "the listening connection is lost: rolled back, and again once it listens" {
	add 1 1
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'; $handle" --work-sql "$(take 5)" jobs
	wait_for at_work 1
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN'" >/dev/null
	wait_for grep -q 'the run of --work-sql on .* was rolled back: its rows, 1 so far, stay in the table' "$ERR"
	exec 7<>"$TMP/go"
	printf '\n\n\n' >&7
	wait_for left 0
	grep -q 'listening again' "$ERR"
}

@test "a statement that is none: status 3 at the start" {
	run_split "$PGWAIT" -q --work-sql 'DELETE FROM nothing RETURNING 1' jobs
	[[ $status -eq 3 && $errors == *'error: could not work on "'*'relation "nothing" does not exist'* ]]
	run_split "$PGWAIT" -q --work-sql 'DELETE FROM jobs' jobs
	[[ $status -eq 3 && $errors == *'the statement returns no rows'* ]]
}

@test "usage: what is no statement, and --catchup-sql beside it" {
	run_split "$PGWAIT" --work-sql '' jobs
	[[ $status -eq 1 && $errors == *'invalid --work-sql "": accepted is one SQL statement that returns rows, in UTF-8'* ]]
	run_split "$PGWAIT" --work-sql 'SELECT 1' --catchup-sql 'SELECT 1' jobs
	[[ $status -eq 1 && $errors == 'pgwait: error: --catchup-sql and --work-sql exclude each other: '* ]]
	run_split "$PGWAIT" --work-sql 'SELECT 1' --from-spool "$TMP/spool"
	[[ $status -eq 1 && $errors == *'--from-spool and --work-sql exclude each other'* ]]
	run_split "$PGWAIT" --check --work-sql 'SELECT 1' jobs
	[[ $status -eq 1 && $errors == *'--check takes no --work-sql'* ]]
}

# --- The example

@test "the example of a unit: kill -9 of pgwait, of the server and of a command, a job that may pass, and one that never does" {
	sql -c 'DROP TABLE IF EXISTS failed_jobs' -c 'CREATE TABLE failed_jobs (payload text, status int)'
	unit=$top_srcdir/examples/pgwait-work.service
	line=$(sed -n 's|^ExecStart=/usr/local/bin/pgwait ||p' "$unit")
	line=${line//\/usr\/local\/bin\/try-job/$top_srcdir/examples/try-job}
	eval "arguments=($line)"
	mkdir "$TMP/bin"
	cat >"$TMP/bin/mail-job" <<-END
		#!/bin/sh
		read -r n
		touch $TMP/started.\$n
		case \$n in
			bad) exit 1 ;;
			once) [ -e $TMP/once ] || { touch $TMP/once; exit 75; } ;;
			kill) [ -e $TMP/kill ] || { touch $TMP/kill; kill -9 \$\$; } ;;
			slow) until [ -e $TMP/go ]; do sleep 0.02; done ;;
		esac
		echo "\$n" >>$TMP/handled
	END
	chmod +x "$TMP/bin/mail-job"
	PATH=$TMP/bin:$PATH
	sql -c "INSERT INTO jobs (payload) VALUES ('good'), ('bad'), ('once')"
	start_pgwait "${arguments[@]}"
	wait_for left 0
	[[ $(sql -c 'SELECT DISTINCT * FROM failed_jobs') == 'bad|1' ]]
	# It may be recorded more than once, with what comes again. A command that is killed has a status, and is recorded, too.
	sql -c "INSERT INTO jobs (payload) VALUES ('kill')" -c 'NOTIFY jobs'
	wait_for left 0
	[[ $(sql -c "SELECT status FROM failed_jobs WHERE payload = 'kill'") == 137 ]]
	sql -c "INSERT INTO jobs (payload) VALUES ('slow')" -c 'NOTIFY jobs'
	wait_for test -e "$TMP/started.slow"
	kill -KILL "$PID"
	end_pgwait
	rm "$TMP/started.slow"
	start_pgwait "${arguments[@]}"
	wait_for test -e "$TMP/started.slow"
	kill -KILL "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait' AND xact_start IS NOT NULL")"
	wait_for grep -q 'lost the connection' "$ERR"
	touch "$TMP/go"
	wait_for left 0
	[[ $(sort -u "$TMP/handled" | paste -sd' ') == 'good once slow' ]]
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}
