# --stats: a summary on stderr at the end.

load helper
load screen

setup() {
	:
}

has() { # REGEX
	grep -qE -- "$1" "$ERR" || {
		echo "no $1"
		return 1
	}
}

@test "notifications and bytes by channel and connection, the most first" {
	sql -c 'CREATE DATABASE other'
	start_pgwait --stats -n 7 -d postgres -d other jobs audit
	for i in 1 2 3 4; do notify audit "12345"; done
	notify jobs é
	notify jobs '' -d other
	notify jobs xyz -d other
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 7 ]]
	has '^pgwait: 7 notifications, 25 bytes of payload in [0-9.]+ s: [0-9.]+/s, at most [1-7] within a second$'
	has '^pgwait: 0 gaps, 0\.0 s in all; 0 lost and not back; 0 discarded$'
	[[ $(sed -n '/channel (connection)/,$p' "$ERR" | sed -E '1d; s/^pgwait: +//; s/@.*//; s/ +/ /g') == \
		$'4 20 audit (postgres\n2 3 jobs (other\n1 2 jobs (postgres' ]]
}

@test "every ending has it once: drain, time, signals, the reader, an error" {
	ended_with() { # STATUS
		[[ $status -eq $1 ]]
		[[ $(grep -c '^pgwait: [0-9]* notifications*, ' "$ERR") -eq 1 ]]
	}
	run_split "$PGWAIT" --stats -t 0 jobs
	ended_with 0
	for seconds in 0.1 1 10 "$DEADLINE"; do # until it was enough to connect
		run_split "$PGWAIT" --stats -q -m "$seconds" jobs
		[[ $status -ne 0 ]] || break
	done
	ended_with 0
	[[ $(wc -l <"$ERR") -eq 2 ]]
	run_split "$PGWAIT" --stats -d nowhere jobs
	ended_with 2
	for signal in TERM HUP; do
		start_pgwait --stats jobs
		kill -"$signal" "$PID"
		end_pgwait
		ended_with 0
	done
	status=0
	"$PGWAIT" --stats --ready-fd 9 jobs 9>"$TMP/ready" 2>"$ERR" | true || status=$?
	ended_with 0
}

@test "gaps, and a connection that is away" {
	start_pgwait --stats jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	wait_for grep -q 'listening again' "$ERR"
	kill "$PID"
	end_pgwait
	has '^pgwait: 1 gap, [0-9.]+ s in all; 0 lost and not back; 0 discarded$'
	start_pgwait --stats --reconnect never jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	end_pgwait
	has '^pgwait: 0 gaps, 0.0 s in all; 1 lost and not back; 0 discarded$'
}

@test "what was discarded" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	"$PGWAIT" --stats --buffer 1 --overflow drop --ready-fd 9 jobs >"$TMP/pipe" 2>"$ERR" 9>"$TMP/ready" 3>&- 8>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 4000)) FROM generate_series(1, 100) i" >/dev/null
	wait_for grep -q 'too slow' "$ERR"
	wait_for all_read
	kill "$PID"
	exec 9<"$TMP/pipe" 8>&- # it has no other writer than pgwait
	cat <&9 >"$OUT" 3>&- &
	reader=$!
	exec 9<&-
	end_pgwait
	wait "$reader"
	count=$(sed -nE 's/.*; ([0-9]+) discarded$/\1/p' "$ERR")
	((count > 0 && count + $(wc -l <"$OUT") == 100))
	has "^pgwait: warning: $count notifications? (was|were) discarded"
}

@test "many channels: the first 50, and the others together" {
	mapfile -t channels < <(seq -f 'c%.0f' 60)
	start_pgwait --stats -n 120 "${channels[@]}"
	sql -c "SELECT pg_notify('c' || i, j::text) FROM generate_series(1, 60) i, generate_series(1, 2) j" >/dev/null
	end_pgwait
	[[ $status -eq 0 && $(sed -n '/channel (connection)/,$p' "$ERR" | wc -l) -eq 52 ]]
	has '^pgwait: +20 +20  others$'
	[[ $(sed -n '/channel (connection)/,$p' "$ERR" | awk '{ n += $2 } END { print n }') -eq 120 ]]
}

@test "hooks count too, and names are escaped" {
	start_pgwait --stats -n 1 --notify-cmd true $'a\tb\\'
	notify $'a\tb\\' x
	end_pgwait
	has '^pgwait: +1 +1  a\\tb\\\\ \('
}

@test "a chart where stderr is a terminal, and only there" {
	type -P tmux >/dev/null || skip "tmux is not installed"
	start_pgwait --stats -n 1 jobs
	notify jobs x
	end_pgwait
	run -1 grep -q '#' "$ERR"
	: >"$ERR"
	export TERM=screen
	start_screen 100 "'$PGWAIT' --stats -n 5 jobs"
	wait_for shows 'listening on jobs'
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 5) i" >/dev/null
	wait_for shows 'from [0-9:]+ on, a column is [0-9.]+ s$'
	shows '^pgwait: +[0-9.]+/s \| *#$'
	run -1 shows '^connections'
	start_screen 100 "'$PGWAIT' --stats jobs"
	wait_for shows '^connections: 1 good'
	t send-keys C-c
	wait_for shows '^pgwait: 0 gaps'
	shows '^pgwait: 0 notifications'
	run -1 shows '^connections'
}
