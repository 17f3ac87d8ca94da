# --batch-wait: a batch waits for more notifications. 1000 seconds stand for a time that no test waits for.

load helper

# The command of a batch: it appends the payloads to $TMP/got, and their number and its start to $TMP/runs.
take="cat >>'$TMP/got'; echo \$PGWAIT_COUNT \$PGWAIT_TIME >>'$TMP/runs'"

# start_batches SECS ARG...
start_batches() {
	start_pgwait -f %p --batch-wait "$1" --batch-cmd "$take" "${@:2}"
}

# runs N: so many commands have ended.
runs() {
	[[ -e $TMP/runs && $(wc -l <"$TMP/runs") -eq $1 ]]
}

# got N: the payloads are 1 to N, in order.
got() {
	[[ -e $TMP/got ]] && cmp -s "$TMP/got" <(seq "$1")
}

# Each is a transaction of its own, over a connection of its own.
one_by_one() {
	local i
	for ((i = $1; i <= $2; i++)); do notify jobs "$i"; done
}

# refused ERROR ARG...
refused() {
	run_split "$PGWAIT" "${@:2}" jobs
	[[ $status -eq 1 && $errors == "pgwait: error: $1"* ]] || {
		echo "$errors"
		return 1
	}
}

@test "what it needs, and its values" {
	refused '--batch-wait needs --batch-cmd: ' --batch-wait 1
	refused '--batch-wait needs --batch-cmd: ' --batch-wait 1 --notify-cmd true
	for value in 0 -1 x 1s '' 0.001; do
		refused "invalid --batch-wait \"$value\": accepted are decimal seconds from 0.01 to 1000000000" --batch-cmd true --batch-wait="$value"
	done
	refused '--check takes no --batch-wait' --check --batch-wait 1
	run_split "$PGWAIT" -t 0 --batch-cmd true --batch-wait 0.5 jobs
	[[ $status -eq 0 && -z $errors ]]
}

@test "a burst is one run, and SIGTERM does not wait" {
	start_batches 1000 jobs
	one_by_one 1 5
	wait_for all_read
	[[ ! -e $TMP/runs ]]
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	runs 1
	got 5
}

# later FROM TO: in milliseconds.
later() {
	local from to
	from=$(date -d "$1" +%s%3N)
	to=$(date -d "$2" +%s%3N)
	echo $((to - from))
}

@test "a batch runs SECS after its first notification, whatever comes in between" {
	start_pgwait -f '%T %p' --batch-wait 1.5 --batch-cmd "$take" jobs
	one_by_one 1 3
	wait_for runs 1
	read -r first _ <"$TMP/got"
	read -r count at <"$TMP/runs"
	waited=$(later "$first" "$at")
	echo "$waited ms for $count"
	((waited >= 1480))
	one_by_one 4 4 # the next one waits again
	wait_for runs 2
	first=$(awk '$2 == 4 { print $1 }' "$TMP/got")
	read -r _ at < <(tail -n 1 "$TMP/runs")
	(($(later "$first" "$at") >= 1480))
}

@test "a steady stream: at most one run every SECS, and nothing is lost" {
	start_batches 0.5 -n 40 jobs
	for i in {1..40}; do
		echo "NOTIFY jobs, '$i';"
		rest 0.05
	done | psql -qAtX -o /dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	got 40
	cat "$TMP/runs"
	[[ $(wc -l <"$TMP/runs") -ge 2 && $(awk '{ n += $1 } END { print n }' "$TMP/runs") -eq 40 ]]
	# The last one did not wait.
	mapfile -t times < <(awk '{ print $2 }' "$TMP/runs")
	for ((i = 1; i < ${#times[@]} - 1; i++)); do
		(($(later "${times[i - 1]}" "${times[i]}") >= 480))
	done
}

@test "what comes while the command runs waits meanwhile" {
	start_pgwait -f %p --batch-wait 0.5 --batch-cmd "$take; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	one_by_one 1 1
	wait_for runs 1
	one_by_one 2 3
	wait_for all_read
	runs 1
	touch "$TMP/go"
	wait_for runs 2
	got 3
	[[ $(tail -n 1 "$TMP/runs") == '2 '* ]]
}

@test "-n and -e do not wait; a drain, of which there is nothing more, does not either" {
	start_batches 1000 -n 3 jobs
	one_by_one 1 3
	end_pgwait
	[[ $status -eq 0 ]]
	runs 1
	got 3

	rm "$TMP"/{got,runs}
	start_batches 1000 -e 1 jobs
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 20) i" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	runs 1
	got 20

	rm "$TMP"/{got,runs}
	run_split "$PGWAIT" -t 0 -f %p --batch-wait 1000 --batch-cmd "$take" --catchup-sql 'SELECT generate_series(1, 5)' jobs
	[[ $status -eq 0 && -z $errors ]]
	runs 1
	got 5
}

@test "the rows of a run do not wait for what cannot come before its commit" {
	sql -c 'DROP TABLE IF EXISTS jobs' -c 'CREATE TABLE jobs AS SELECT generate_series(1, 10)::text AS payload'
	start_batches 1000 --catchup-sql 'DELETE FROM jobs RETURNING payload' jobs
	left() { [[ $(sql -c 'SELECT count(*) FROM jobs') -eq $1 ]]; }
	wait_for left 0
	runs 1
	got 10
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]

	rm "$TMP"/{got,runs}
	start_batches 1000 --work-sql 'DELETE FROM jobs RETURNING payload' jobs
	sql -c "INSERT INTO jobs SELECT generate_series(1, 10); NOTIFY jobs"
	wait_for left 0
	runs 1
	got 10
}

@test "--control: drain and quit do not wait" {
	mkfifo "$TMP/commands"
	exec 7<>"$TMP/commands"
	start_batches 1000 --control "$TMP/commands" jobs 7>&-
	one_by_one 1 3
	wait_for all_read
	[[ ! -e $TMP/runs ]]
	echo drain >&7
	wait_for grep -q 'ok: drain' "$ERR"
	runs 1
	got 3
	one_by_one 4 4
	wait_for all_read
	runs 1
	echo quit >&7
	end_pgwait
	[[ $status -eq 0 ]]
	runs 2
	got 4
	exec 7>&-
}

@test "--exclusive: the lock is not kept for a batch when the last connection is removed" {
	start_silent
	mkfifo "$TMP/commands"
	exec 7<>"$TMP/commands"
	"$PGWAIT" -v --control "$TMP/commands" --exclusive batches -f %p --batch-wait 1000 --batch-cmd "$take" "dbname=$PGDATABASE" jobs >"$OUT" 2>"$ERR" 3>&- 7>&- &
	PID=$!
	wait_for grep -q 'active, with the lock' "$ERR"
	"$PGWAIT" --exclusive batches -f %p jobs >"$TMP/second.out" 2>"$TMP/second.err" 3>&- 7>&- &
	wait_for grep -q 'waiting: another process' "$TMP/second.err"
	# What the first says to the second about what is delivered, of which there is nothing: it does not make the batch run.
	"$PGWAIT" -f %p "$(sed -n 's/.*signs of life are on the channel //p' "$ERR")" >"$TMP/signs" 2>"$TMP/signs.err" 3>&- 7>&- &
	wait_for grep -q listening "$TMP/signs.err"
	seen=$(wc -l <"$TMP/signs")
	one_by_one 1 3
	wait_for lines "$TMP/signs" $((seen + 1))
	[[ ! -e $TMP/runs ]]
	printf '%s\n' "disconnect $(sed -n 's/.*listening on jobs (\(.*\))$/\1/p' "$ERR")" \
		"connect slow 'host=127.0.0.1 port=$port connect_timeout=1000'" >"$TMP/lines"
	cat "$TMP/lines" >&7
	wait_for grep -q 'active, with the lock' "$TMP/second.err"
	runs 1
	got 3
	exec 7>&-
}

@test "a full batch does not wait" {
	start_batches 1000 -n 5000 --buffer 4KiB jobs
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 3000) i" >/dev/null
	many() { [[ -e $TMP/got ]] && lines "$TMP/got" 2000; }
	wait_for many
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(3001, 5000) i" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	got 5000
}

@test "a spool: a batch of what is committed waits, and a drain does not" {
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
	start_batches 1000 --spool "$TMP/spool" jobs
	one_by_one 1 3
	rows() { [[ $(sqlite3 "$TMP/spool" 'SELECT count(*) FROM record') -eq $1 ]]; }
	wait_for rows 3
	[[ ! -e $TMP/runs ]]
	kill "$PID"
	end_pgwait
	runs 1
	got 3

	rm "$TMP"/{got,runs}
	run_split "$PGWAIT" --from-spool "$TMP/spool" -f %p --batch-wait 1000 --batch-cmd "$take"
	[[ $status -eq 0 && -z $errors ]]
	runs 1
	got 3
	rows 0
}
