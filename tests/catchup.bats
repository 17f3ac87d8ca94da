# --catchup-sql: work that must not be lost.

load helper

setup() {
	sql -c 'DROP TABLE IF EXISTS work' \
		-c 'CREATE TABLE work (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel text, payload text)'
	work='DELETE FROM work RETURNING payload'
}

# add N: rows with the payloads "row 1" to "row N".
add() {
	sql -c "INSERT INTO work (channel, payload) SELECT 'ch' || n, 'row ' || n FROM generate_series(1, $1) n"
}

left() {
	sql -c 'SELECT count(*) FROM work'
}

none_left() {
	[[ $(left) == 0 ]]
}

# Sessions that are in a transaction with the statement.
catching() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL
		AND query ~ 'work'") == "$1" ]]
}

@test "a drain hands the rows over, and they are gone" {
	add 3
	run_split "$PGWAIT" -t 0 --catchup-sql "$work" jobs
	[[ $status -eq 0 && -z $errors ]]
	[ "$output" = $'jobs\trow 1\t0\njobs\trow 2\t0\njobs\trow 3\t0' ]
	[ "$(left)" = 0 ]
}

@test "an empty table: nothing, status 0; with -n 124" {
	run_split "$PGWAIT" -t 0 --catchup-sql "$work" jobs
	[[ $status -eq 0 && -z $errors && -z $output ]]
	run_split "$PGWAIT" -t 0 -n 1 --catchup-sql "$work" jobs
	[[ $status -eq 124 && -z $errors && -z $output ]]
}

@test "two columns are channel and payload; NULL is the first channel, and an empty payload" {
	sql -c "INSERT INTO work (channel, payload) VALUES ('a', 'x'), (NULL, 'y'), ('b', NULL), (NULL, NULL)"
	run_split "$PGWAIT" -t 0 -f '%c|%e|%l|%i' --catchup-sql 'DELETE FROM work RETURNING channel, payload' one two
	[[ $status -eq 0 ]]
	[ "$output" = $'a|x|1|0\none|y|1|0\nb||0|0\none||0|0' ]
}

@test "the stream: listening, rows, caught_up with their number" {
	add 2
	run_split "$PGWAIT" -t 0 -j --events --catchup-sql "$work" jobs
	[[ $status -eq 0 ]]
	[ "$(jq -r '.event // .payload' <<<"$output" | paste -sd' ' | tr ' ' ,)" = listening,row,1,row,2,caught_up ]
	[ "$(jq -r 'select(.event == "caught_up") | "\(.rows) \(.connection)"' <<<"$output")" = "2 $(jq -r 'select(.event == "listening").connection' <<<"$output")" ]
}

@test "statements that are none: status 3, and nothing happens" {
	add 3
	while IFS='|' read -r statement message; do
		run_split "$PGWAIT" -q --catchup-sql "$statement" jobs
		echo "$statement: $errors"
		[[ $status -eq 3 && -z $output && $errors == *'pgwait: error: could not catch up on "'*"$message"* ]]
	done <<-'END'
		DELETE FROM nothing RETURNING 1|relation "nothing" does not exist, at character 13 (SQLSTATE 42P01)
		DELETE FROM work|the statement returns no rows
		COMMIT|the statement ends its transaction itself
		ROLLBACK|the statement ends its transaction itself
		COMMIT AND CHAIN|the statement ends its transaction itself
		SELECT 1, 2, 3|the statement returns other than one column
		SELECT FROM work|the statement returns other than one column
		SELECT 1; SELECT 2|cannot insert multiple commands
		COPY work TO STDOUT|the statement is a COPY
		COPY work FROM STDIN|the statement is a COPY
		-- nothing|the statement is empty
		SELECT $1::text|(SQLSTATE 08P01)
		SELECT 1 / 0|division by zero (SQLSTATE 22012)
	END
	[ "$(left)" = 3 ]
}

@test "a procedure that commits is refused by the server" {
	sql -c "CREATE OR REPLACE PROCEDURE commits(INOUT p text) LANGUAGE plpgsql AS 'BEGIN DELETE FROM work; COMMIT; END'"
	add 1
	run_split "$PGWAIT" -q --catchup-sql "CALL commits('')" jobs
	[[ $status -eq 3 && $errors == *'(SQLSTATE 2D000)' ]]
	[ "$(left)" = 1 ]
}

@test "an empty statement, and one that is not UTF-8, are usage errors" {
	for bad in '' $'SELECT \xff'; do
		run_split "$PGWAIT" --catchup-sql "$bad" jobs
		[[ $status -eq 1 && -z $output && $errors == *'invalid --catchup-sql "'*'accepted is one SQL statement'* ]]
	done
}

@test "it commits after delivery: a reader that stops reading keeps the rows in the table" {
	add 20000
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	"$PGWAIT" -q --buffer 64KiB --catchup-sql "$work" jobs >"$TMP/pipe" 2>"$ERR" 3>&- 7>&- &
	PID=$!
	wait_for catching 1
	wait_for paused
	[ "$(left)" = 20000 ]
	kill -KILL "$PID"
	end_pgwait
	exec 7>&-
	wait_for catching 0
	[ "$(left)" = 20000 ]
}

# What it has in memory is bounded by the buffer: it does not read the rest. That is more than an answer to
# anything but the statement.
paused() {
	(($(ss -xnp 2>/dev/null | awk -v pid="pid=$PID," 'index($0, pid) { n += $3 } END { print n + 0 }') > 32768))
}

@test "rows are never dropped" {
	add 5000
	run_split bash -c '"$0" -q -t 0 --buffer 16KiB --overflow drop -f %p --catchup-sql "$1" jobs | { read -r first; echo "$first"; cat; }' "$PGWAIT" "$work"
	[[ $status -eq 0 && -z $errors ]]
	[ "$(wc -l <"$OUT")" -eq 5000 ]
	[ "$(sort -u "$OUT" | wc -l)" -eq 5000 ]
}

@test "rows are never dropped, beside a flood of notifications that are" {
	sql -c "INSERT INTO work (payload) SELECT 'row ' || rpad(n::text, 100, 'x') FROM generate_series(1, 2000) n"
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	"$PGWAIT" --buffer 64KiB --overflow drop -f %p --catchup-sql "$work" jobs >"$TMP/pipe" 2>"$ERR" 3>&- 7>&- &
	PID=$!
	# More of them than the pipe takes wait in the buffer.
	wait_for paused
	sql -c "SELECT count(pg_notify('jobs', rpad(n::text, 100, 'x'))) FROM generate_series(1, 5000) n" >/dev/null
	wait_for grep -q 'the oldest notifications are discarded' "$ERR"
	cat <&7 >"$OUT" 3>&- 7<&- &
	reader=$!
	wait_for none_left
	kill -TERM "$PID"
	end_pgwait
	exec 7>&-
	[ "$status" -eq 0 ]
	discarded=$(sed -nE 's/^pgwait: warning: ([0-9]+) notifications were discarded: .*/\1/p' "$ERR")
	wait_for lines "$OUT" $((7000 - discarded))
	kill "$reader"
	((discarded > 0))
	sed -nE 's/^row ([0-9]+)x*$/\1/p' "$OUT" | cmp - <(seq 2000)
	grep -vc '^row ' "$OUT" | grep -qx $((5000 - discarded))
}

@test "a buffer that rows fill is no overflow" {
	add 5000
	run_split bash -c '"$0" -q -t 0 --buffer 16KiB --overflow exit -f %p --catchup-sql "$1" jobs | cat' "$PGWAIT" "$work"
	[[ $status -eq 0 && -z $errors ]]
	[ "$(wc -l <"$OUT")" -eq 5000 ]
}

@test "a buffer of a few bytes: the rows come one after another" {
	for size in 1 2 3 4; do
		add 20
		run_split timeout "$DEADLINE" "$PGWAIT" -t 0 --buffer "$size" --catchup-sql "$work" jobs
		[[ $status -eq 0 && -z $errors ]]
		lines "$OUT" 20
		none_left
	done
}

@test "the reader leaves: rolled back, status 1" {
	add 100000
	run_split bash -c '"$0" -q -t 0 --catchup-sql "$1" jobs | head -n 1; echo "${PIPESTATUS[0]}"' "$PGWAIT" "$work"
	echo "$output, $errors"
	[[ $output == *$'\n1' ]]
	wait_for catching 0
	[ "$(left)" = 100000 ]
}

@test "-n does not cut it" {
	add 5
	run_split "$PGWAIT" -q -n 2 --catchup-sql "$work" jobs
	[[ $status -eq 0 ]]
	[ "$(wc -l <"$OUT")" -eq 5 ]
	[ "$(left)" = 0 ]
}

@test "-n counts rows and notifications" {
	add 2
	start_pgwait -n 3 -f %p --catchup-sql "$work" jobs
	wait_for lines "$OUT" 2
	notify jobs third
	end_pgwait
	[ "$status" -eq 0 ]
	[ "$(tail -n 1 "$OUT")" = third ]
}

@test "what arrives meanwhile comes too" {
	add 1
	sql -c 'BEGIN; LOCK TABLE work; SELECT pg_sleep(3600)' >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for catching 1
	start_pgwait -f %p --catchup-sql "$work" jobs
	wait_for catching 2
	notify jobs meanwhile
	wait_for lines "$OUT" 1
	[ "$(cat "$OUT")" = meanwhile ]
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
	wait_for lines "$OUT" 2
	[ "$(tail -n 1 "$OUT")" = 'row 1' ]
	wait_for none_left
}

@test "-n is exact among what arrives while the rows are under way" {
	add 1
	sql -c 'BEGIN; LOCK TABLE work; SELECT pg_sleep(3600)' >/dev/null 2>&1 3>&- &
	wait_for catching 1
	start_pgwait -n 3 -f %p --catchup-sql "$work" jobs
	wait_for catching 2
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 10) i" >/dev/null
	wait_for lines "$OUT" 3
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
	end_pgwait
	[[ $status -eq 0 && $(<"$OUT") == $'1\n2\n3\nrow 1' ]]
}

@test "commands acknowledge: all succeed" {
	add 3
	run_split "$PGWAIT" -t 0 --notify-cmd 'cat; echo' --catchup-sql "$work" jobs
	[[ $status -eq 0 && -z $errors && $output == $'row 1\nrow 2\nrow 3' ]]
	[ "$(left)" = 0 ]
	add 3
	run_split "$PGWAIT" -t 0 -f %p --batch-cmd cat --catchup-sql "$work" jobs
	[[ $status -eq 0 && -z $errors && $output == $'row 1\nrow 2\nrow 3' ]]
	[ "$(left)" = 0 ]
}

@test "a command that fails keeps the rows: status 1 in a drain" {
	add 3
	for hook in --notify-cmd --batch-cmd; do
		for n in 1 2 3; do
			run_split "$PGWAIT" -t 0 "$hook" "! grep -q 'row $n'" --catchup-sql "$work" jobs
			[[ $status -eq 1 && $errors == *'command ended with status 1'*'error: could not catch up on'*'not every row could be delivered'* ]]
			[ "$(left)" = 3 ]
		done
	done
}

@test "another command that fails does not matter" {
	add 1
	run_split "$PGWAIT" -t 0 --listen-cmd false --notify-cmd true --catchup-sql "$work" jobs
	[[ $status -eq 0 && $errors == *'listen command ended with status 1'* ]]
	[ "$(left)" = 0 ]
	# While the statement runs, too.
	add 1
	sql -c 'BEGIN; LOCK TABLE work; SELECT pg_sleep(3600)' >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for catching 1
	start_pgwait -t 0.05 --idle-cmd "touch '$TMP/idle'; exit 3" --notify-cmd true --catchup-sql "$work" jobs
	wait_for catching 2
	rm -f "$TMP/idle"
	wait_for test -e "$TMP/idle"
	rm "$TMP/idle"
	wait_for test -e "$TMP/idle" # the one before has ended by then
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
	wait_for none_left
	kill -TERM "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
	run -1 grep 'could not catch up' "$ERR"
}

@test "a resident one tries again until the command succeeds" {
	add 2
	start_pgwait --notify-cmd "test -e '$TMP/good'" --catchup-sql "$work" jobs
	wait_for grep -q 'warning: could not catch up on.*not every row could be delivered; trying again' "$ERR"
	[ "$(left)" = 2 ]
	touch "$TMP/good"
	wait_for none_left
	wait_for grep -q 'pgwait: caught up with 2 rows' "$ERR"
	kill -TERM "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
}

@test "it ends while a command still fails: status 1" {
	add 1
	start_pgwait --notify-cmd false --catchup-sql "$work" jobs
	wait_for grep -q 'warning: could not catch up on' "$ERR"
	kill -TERM "$PID"
	end_pgwait
	[ "$status" -eq 1 ]
	[ "$(left)" = 1 ]
}

@test "SIGTERM while commands run: what was received is brought to its end" {
	add 2
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'; cat >>'$TMP/handled'" --catchup-sql "$work" jobs
	wait_for catching 1
	wait_for all_received
	exec 7<>"$TMP/go"
	kill -TERM "$PID"
	printf '\n\n' >&7
	end_pgwait
	exec 7>&-
	[ "$status" -eq 0 ]
	[ "$(cat "$TMP/handled")" = 'row 1row 2' ]
	[ "$(left)" = 0 ]
}

all_received() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query ~ 'work'") == 1 ]]
}

@test "SIGTERM before the rows came: rolled back" {
	add 2
	sql -c 'BEGIN; LOCK TABLE work; SELECT pg_sleep(3600)' >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for catching 1
	start_pgwait --catchup-sql "$work" jobs
	wait_for catching 2
	kill -TERM "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
	wait_for catching 0
	[ "$(left)" = 2 ]
}

@test "the listening session is lost: rolled back, and once more after it is back" {
	add 2
	mkfifo "$TMP/go"
	start_pgwait --notify-cmd "read -r _ <'$TMP/go'" --catchup-sql "$work" jobs
	wait_for all_received
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'LISTEN' AND pid <> pg_backend_pid()"
	wait_for grep -q 'warning: the catch-up on .* was rolled back: its rows, 2 so far, stay in the table' "$ERR"
	[ "$(left)" = 2 ]
	exec 7<>"$TMP/go"
	echo >&7
	echo >&7
	wait_for grep -q 'listening again' "$ERR"
	wait_for all_received
	echo >&7
	echo >&7
	wait_for none_left
	exec 7>&-
}

@test "after a reconnect a statement that fails is a warning, and tried again" {
	sql -c "INSERT INTO work (channel, payload) VALUES ('ch1', 'row 0')"
	start_pgwait -f %p --catchup-sql "$work" jobs
	wait_for lines "$OUT" 1
	wait_for none_left # the first one is over
	sql -c 'ALTER TABLE work RENAME TO away'
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'LISTEN' AND pid <> pg_backend_pid()"
	wait_for grep -q 'warning: could not catch up on .*relation "work" does not exist, at character 13 (SQLSTATE 42P01); trying again in' "$ERR"
	# A row is there before the statement works again: a catch-up that finds none is the last one.
	sql -c "INSERT INTO away (channel, payload) VALUES ('ch1', 'row 1')" -c 'ALTER TABLE away RENAME TO work'
	wait_for lines "$OUT" 2
	wait_for none_left
}

@test "what is added while it is away comes when it is back" {
	start_pgwait -f %p --catchup-sql "$work" jobs
	for n in 1 2 3; do
		add 1
		sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'LISTEN' AND pid <> pg_backend_pid()"
		wait_for lines "$OUT" "$n"
		wait_for none_left
		wait_for listens "$n"
	done
}

listens() {
	[[ $(grep -c 'listening again' "$ERR") -ge $1 ]]
}

@test "a conflict is tried again, in a drain too" {
	add 1
	sql -c "CREATE OR REPLACE FUNCTION conflicts() RETURNS text LANGUAGE plpgsql AS \$\$
		BEGIN
			IF nextval('tries') < 2 THEN RAISE SQLSTATE '40001' USING MESSAGE = 'conflict'; END IF;
			RETURN 'through';
		END \$\$" -c 'DROP SEQUENCE IF EXISTS tries' -c 'CREATE SEQUENCE tries'
	run_split "$PGWAIT" -t 0 -f %p --catchup-sql 'SELECT conflicts()' jobs
	[[ $status -eq 0 && $output == through && $errors == *'warning: could not catch up on'*'conflict (SQLSTATE 40001); trying again in'* ]]
}

@test "a commit that fails keeps the rows" {
	sql -c 'DROP TABLE IF EXISTS child' -c 'CREATE TABLE child (id int REFERENCES work DEFERRABLE INITIALLY DEFERRED)'
	add 1
	sql -c 'INSERT INTO child SELECT id FROM work'
	run_split "$PGWAIT" -q -t 0 --catchup-sql "$work" jobs
	sql -c 'DROP TABLE child'
	[[ $status -eq 3 && $errors == *'foreign key constraint'*'(SQLSTATE 23503)' ]]
	[ "$(left)" = 1 ]
}

@test "each connection has its own" {
	sql -c 'DROP DATABASE IF EXISTS other WITH (FORCE)' -c 'CREATE DATABASE other'
	sql -d other -c "CREATE TABLE work (payload text)" -c "INSERT INTO work VALUES ('theirs')"
	add 1
	run_split "$PGWAIT" -t 0 -f '%d %p' --catchup-sql "$work" dbname=postgres dbname=other jobs
	[[ $status -eq 0 ]]
	[ "$(sort <<<"$output" | sed 's/@[^ ]*//')" = $'other theirs\npostgres row 1' ]
	[ "$(left)$(sql -d other -c 'SELECT count(*) FROM work')" = 00 ]
}

@test "one that fails in a drain: the others are drained" {
	sql -c 'DROP DATABASE IF EXISTS other WITH (FORCE)' -c 'CREATE DATABASE other'
	add 1
	run_split "$PGWAIT" -t 0 -f %p --catchup-sql "$work" dbname=other dbname=postgres jobs
	[[ $status -eq 3 && $output == 'row 1' && $errors == *'"other@'*'relation "work" does not exist'* ]]
	[ "$(left)" = 0 ]
}

@test "a session for it that cannot be had: tried again" {
	sql -c 'DROP ROLE IF EXISTS lonely' -c 'CREATE ROLE lonely LOGIN CONNECTION LIMIT 1' -c 'GRANT ALL ON work TO lonely'
	add 1
	start_pgwait -f %p -U lonely --catchup-sql "$work" jobs
	wait_for grep -q 'warning: could not catch up on .*too many connections for role "lonely" (SQLSTATE 53300)' "$ERR"
	sql -c 'ALTER ROLE lonely CONNECTION LIMIT 2'
	wait_for none_left
	run_split "$PGWAIT" -t 0 -U lonely --reconnect never --catchup-sql "$work" jobs
	sql -c 'ALTER ROLE lonely CONNECTION LIMIT 1'
	kill -TERM "$PID"
	end_pgwait
	add 1
	run_split "$PGWAIT" -t 0 -U lonely --catchup-sql "$work" jobs
	[[ $status -eq 2 && $errors == *'error: could not catch up on'* ]]
	sql -c 'DROP OWNED BY lonely' -c 'DROP ROLE lonely'
}

@test "channels that are added at run time are caught up too" {
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start_plain -f '%c %p' --control "$TMP/control" --catchup-sql "$work" "dbname=postgres" jobs 8>&-
	wait_for grep -q 'listening on jobs' "$ERR"
	add 1
	echo 'listen * audit' >&8
	wait_for lines "$OUT" 1
	wait_for none_left
	add 1
	echo "connect again dbname=postgres" >&8
	echo "listen again mail" >&8
	wait_for lines "$OUT" 2
	[ "$(tail -n 1 "$OUT")" = 'mail row 1' ]
	exec 8>&-
}

@test "text in other encodings goes both ways" {
	sql -c 'DROP DATABASE IF EXISTS latin WITH (FORCE)' \
		-c "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
	sql -d latin -c 'SET client_encoding = UTF8' -c 'CREATE TABLE "wörk" (payload text)' -c "INSERT INTO \"wörk\" VALUES ('grün')"
	run_split "$PGWAIT" -t 0 -d latin --catchup-sql 'DELETE FROM "wörk" RETURNING payload' größe
	[[ $status -eq 0 && $output == $'größe\tgrün\t0' ]]
	run_split "$PGWAIT" -q -t 0 -d latin --catchup-sql "SELECT '漢'" jobs
	[[ $status -eq 3 && $errors == *"characters that do not exist in the server's encoding"* ]]
}

@test "a row of a megabyte" {
	run_split "$PGWAIT" -t 0 -f %l --buffer 64KiB --catchup-sql "SELECT repeat('x', 1000000) FROM generate_series(1, 3)" jobs
	[[ $status -eq 0 && $output == $'1000000\n1000000\n1000000' ]]
}

@test "more rows than the buffer holds, to a reader that is fast enough: all of them" {
	for count in 20 200 2000 20000; do
		run_split timeout "$DEADLINE" "$PGWAIT" -t 0 --buffer 16KiB -f %p \
			--catchup-sql "SELECT repeat('x', 100) || n FROM generate_series(1, $count) n" jobs
		[[ $status -eq 0 && -z $errors ]]
		[ "$(sort -u "$OUT" | wc -l)" -eq "$count" ]
	done
}

@test "memory stays within the buffer, however many rows there are" {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "sanitizers need memory of their own"
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	"$PGWAIT" -q --buffer 1MiB --catchup-sql "SELECT repeat('x', 1000) FROM generate_series(1, 200000)" jobs >"$TMP/pipe" 2>"$ERR" 3>&- 7>&- &
	PID=$!
	wait_for paused
	before=$(awk '/VmHWM/ { print $2 }' "/proc/$PID/status")
	timeout 60 head -c 150000000 <&7 >/dev/null
	after=$(awk '/VmHWM/ { print $2 }' "/proc/$PID/status")
	exec 7>&-
	((after - before < 4096))
}

@test "killed at random moments, 20 times: no row is lost" {
	run "$top_srcdir/bench/kill-catchup" "$PGWAIT" 20
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "-m ends the commands that a drain's catch-up waits for" {
	add 2
	run_split timeout "$DEADLINE" "$PGWAIT" -t 0 -m 4 --notify-cmd 'sleep 1000' --catchup-sql "$work" jobs
	[[ $status -eq 1 && $errors == *'was rolled back: its rows, 2 so far, stay in the table'* ]]
	[ "$(left)" = 2 ]
}

@test "the server's reason to end the session of a catch-up" {
	add 1
	start_pgwait --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done" --catchup-sql "$work" jobs
	delivering() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") -eq 1 ]]; }
	wait_for delivering
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'" >/dev/null
	wait_for grep -q 'warning: could not catch up on .*: terminating connection due to administrator command (SQLSTATE 57P01); trying again in' "$ERR"
	touch "$TMP/go"
	wait_for none_left
}

@test "-n is looked at when the rows are committed, not when that failed" {
	add 2
	start_plain -n 2 --notify-cmd "[ -e '$TMP/tried' ] || { touch '$TMP/tried'; exit 1; }" --catchup-sql "$work" jobs
	end_pgwait
	[[ $status -eq 0 ]]
	grep -q 'warning: could not catch up on .*: not every row could be delivered; trying again in' "$ERR"
	none_left
}

@test "a commit that is not answered: it is not known what became of the rows" {
	add 2
	sql -c "ALTER SYSTEM SET synchronous_standby_names = 'none'" -c 'SELECT pg_reload_conf()' >/dev/null
	start_pgwait --catchup-sql "$work" jobs
	commits() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") -eq 1 ]]; }
	wait_for commits
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID"
	end_pgwait
	sql -c 'ALTER SYSTEM RESET synchronous_standby_names' -c 'SELECT pg_reload_conf()' >/dev/null
	[[ $status -eq 1 ]]
	grep -q 'warning: the commit of the catch-up on .* was not answered: whether its rows, 2, stay in the table is not known' "$ERR"
}

@test "a drain whose reader left before the first row: 1" {
	add 1
	mkfifo "$TMP/left"
	exec 8<>"$TMP/left" 9>"$TMP/left" 8>&-
	"$PGWAIT" -t 0 --catchup-sql "$work" jobs 2>"$ERR" 3>&- >&9 9>&- || status=$?
	exec 9>&-
	[[ $status -eq 1 ]]
	grep -q "error: standard output ended before the catch-up was over" "$ERR"
	[ "$(left)" = 1 ]
}

@test "a connection that was drained in time waits for another one's catch-up without a limit" {
	sql -c 'SELECT pg_advisory_lock(7)' -c 'SELECT pg_sleep(1000)' >/dev/null 2>&1 3>&- 4>&- &
	holder=$!
	held() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") -eq 1 ]]; }
	wait_for held
	start_plain -t 0 -f %p --catchup-sql "SELECT pg_advisory_xact_lock(7)::text || 'row of ' || current_database()" \
		'dbname=postgres' 'dbname=template1 connect_timeout=8' jobs
	wait_for grep -qx 'row of template1' "$OUT"
	start=$SECONDS
	late() { ((SECONDS - start > 9)); }
	wait_for late
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
	end_pgwait
	[[ $status -eq 0 && ! -s $ERR ]]
	[ "$(sort "$OUT")" = $'row of postgres\nrow of template1' ]
}
