# Servers that answer what no real one would, and what stands between: nothing of it is a crash.

load helper

# end_odd: and another can be started.
end_odd() {
	kill "$odd"
	wait "$odd" 2>/dev/null || true
}

# start_odd [WORDS ANSWER]...: tests/oddserver; $here reaches it.
start_odd() {
	rm -f "$TMP/odd" # of one before
	"$top_builddir/tests/oddserver" "$TMP" "$@" >"$TMP/odd" 3>&- &
	odd=$!
	wait_for test -s "$TMP/odd"
	here="host=$TMP user=u dbname=d port=5432"
}

@test "honest, it is a server" {
	start_odd
	run_split "$PGWAIT" --check -q "$here" jobs
	[[ $status -eq 0 && $output == '' ]]
	run_split "$PGWAIT" -t 0 "$here" jobs
	[[ $status -eq 0 ]]
}

@test "LISTEN: a row without columns, a process id that is none" {
	for row in '' x '1|2' -1; do
		start_odd 'pg_backend_pid()' "$row"
		run_split "$PGWAIT" -t 0 "$here" jobs
		[[ $status -eq 0 ]]
		end_odd
	done
}

@test "LISTEN: a notification comes before the end of its answer, as up to PostgreSQL 14, and is told after it" {
	start_odd 'pg_backend_pid()' '!jobs'
	run_split "$PGWAIT" -j --events -n 1 "$here" jobs
	[[ $status -eq 0 && $(jq -r '.event // .payload' "$OUT" | xargs) == 'listening early' ]]
}

@test "the lock: a row without columns, a value that is neither true nor false" {
	for row in '' x; do
		start_odd pg_try_advisory_lock "$row"
		start_plain --exclusive key "$here" jobs
		wait_for grep -q '"key"' "$ERR"
		kill "$PID"
		end_pgwait
		[[ $status -eq 0 ]]
		end_odd
	done
}

@test "the lock: another server process answers than the one that has it" {
	start_odd pg_try_advisory_lock 't||99'
	start_plain --exclusive key "$here" jobs
	wait_for grep -q 'active, with the lock "key"' "$ERR"
	wait_for grep -q 'waiting: no session for the lock "key" .*: a pooler in transaction or statement mode' "$ERR"
}

@test "the channels of a server: a row without columns" {
	start_odd pg_listening_channels ''
	run_split "$PGWAIT" --control - "$here" jobs < <(wait_for grep -qs listening "$ERR"; echo channels; echo quit)
	[[ $status -eq 0 && $errors == *'ok: '* ]]
}

@test "--check: answers with other columns than were asked for" {
	start_odd rolname 4711
	run_split "$PGWAIT" --check "$here" jobs
	[[ $status -eq 0 && $output == *'get through'* && $errors == *'unexpected answer'* ]]
	end_odd
	start_odd rolname '4711|u|d|f|0|0|1|0|1|0|1|100|0.5' xact_start 17
	run_split "$PGWAIT" --check -j "$here" jobs
	[[ $status -eq 0 && $(jq -c '[.queue_usage == 0.5, .queue_holders[0].pid, .queue_holders[0].state]' "$OUT") == '[true,17,""]' ]]
}

@test "--check: numbers that JSON does not have" {
	for used in inf nan 1e308 -inf; do
		start_odd rolname "4711|u|d|f|0|0|1|0|1|0|1|100|$used"
		run_split "$PGWAIT" --check -j "$here" jobs
		[[ $status -eq 0 && $(jq -r '.queue_usage' "$OUT") == null ]]
		end_odd
	done
}

@test "more rows than were asked for end the connection, and are not collected" {
	for words in 'pg_backend_pid()' pg_try_advisory_lock pg_listening_channels; do
		start_odd "$words" '100000*1|a|b|c'
		mkfifo -m 600 "$TMP/commands"
		start_plain --control "$TMP/commands" --exclusive key --reconnect always "$here" jobs
		[[ $words != pg_listening* ]] || { wait_for grep -q '"key"' "$ERR"; echo channels >"$TMP/commands"; }
		wait_for grep -q -e 'the server answered with more rows than it was asked for' -e 'the connection was lost before the server answered' "$ERR"
		(($(awk '/^VmHWM/ { print $2 }' "/proc/$PID/status") < 100000)) # 100,000 rows are 20 MB and more on top
		kill -KILL "$PID"
		wait "$PID" || true
		rm "$TMP/commands"
		end_odd
	done
}
