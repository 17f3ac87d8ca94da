# A reader of standard error that does not read, or not yet: nothing else waits for it.

load helper

# Standard error of what is started next is a pipe that is full already; 8 is its other end.
fill() {
	mkfifo "$TMP/err"
	exec 8<>"$TMP/err"
	dd if=/dev/zero of="$TMP/err" oflag=nonblock bs=4096 2>/dev/null || true
}

# From here on it is read, into $TMP/seen.
read_on() {
	stdbuf -o0 tr -d '\0' <"$TMP/err" >"$TMP/seen" 3>&- 8>&- &
	reader=$!
	exec 8>&-
}

teardown() {
	exec 8>&-
	tmux -S "$TMP/tmux" kill-server 2>/dev/null || true
	for pid in ${PID-} ${reader-}; do { kill -KILL "$pid" && wait "$pid"; } 2>/dev/null || true; done
}

@test "notifications, commands, heartbeats and signals go on" {
	fill
	start_pgwait -v --heartbeat 0.1 --print -f %p --notify-cmd "echo \$PGWAIT_PAYLOAD >>'$TMP/ran'" jobs
	for i in 1 2 3; do
		notify jobs "$i"
		wait_for lines "$OUT" "$i"
	done
	beats() { sql -c "SELECT state_change FROM pg_stat_activity WHERE application_name = 'pgwait'"; }
	before=$(beats)
	beat() { [[ $(beats) != "$before" ]]; }
	wait_for beat
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && $(tr '\n' ' ' <"$TMP/ran") == '1 2 3 ' ]]
}

# ask COMMAND N: N times, each of which has its answer on standard error; returns when all are carried out.
ask() {
	for ((i = 0; i < $2; i++)); do echo "$1"; done >"$TMP/control"
	echo "listen * done-$((++asked))" >"$TMP/control"
	wait_for carried_out "done-$asked"
}

carried_out() {
	[[ $(sql -c "SELECT query FROM pg_stat_activity WHERE application_name = 'pgwait'") == *"$1"* ]]
}

@test "what it did not take comes later, in order, each line whole" {
	fill
	start_pgwait -q --control "$TMP/control" jobs
	ask 'listen * more' 10
	ask 'unlisten * more' 5
	read_on
	wait_for lines "$TMP/seen" 17
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	diff "$TMP/seen" <(for i in {1..11}; do echo 'pgwait: ok: listen'; done
		for i in {1..5}; do echo 'pgwait: ok: unlisten'; done
		echo 'pgwait: ok: listen')
}

@test "what is beyond the limit is counted where it is missing; errors have room nevertheless" {
	fill
	start_pgwait -q --control "$TMP/control" jobs
	ask "listen *$(printf ' channel-with-a-long-name-so-that-an-answer-is-long-%02d' {1..60})" 1
	ask status 100 # 3 KB each
	ask nonsense 1
	read_on
	wait_for grep -q nonsense "$TMP/seen"
	kept=$(grep -c 'ok: status' "$TMP/seen")
	((kept > 40 && kept < 100))
	# The answers to the first two, and the one before the last, which is no error.
	[[ $(grep -v 'ok: status' "$TMP/seen" | sed -n 3p) == "pgwait: warning: $((100 - kept + 1)) lines are missing here: standard error did not take them" ]]
	[[ $(grep -v 'ok: status' "$TMP/seen" | sed -n 4p) == 'pgwait: error: '*nonsense* ]]
	# And the very last.
	wait_for grep -qx 'pgwait: warning: 1 line is missing here: standard error did not take it' "$TMP/seen"
	# From here on all is well.
	ask 'unlisten * done-1' 1
	wait_for grep -qx 'pgwait: ok: unlisten' "$TMP/seen"
	[[ $(grep -c missing "$TMP/seen") -eq 2 ]]
}

@test "what is missing last is told when nothing waits any more" {
	fill
	start_pgwait -q --control "$TMP/control" jobs
	ask "listen *$(printf ' channel-with-a-long-name-so-that-an-answer-is-long-%02d' {1..60})" 1
	ask status 100
	read_on
	wait_for grep -q ' lines are missing here' "$TMP/seen"
}

@test "the end waits for a reader that reads again within a second" {
	read_late() {
		exec 8>&-
		rm -f "$TMP/err" "$TMP/seen"
		fill
		"$PGWAIT" --nonsense 2>"$TMP/err" 3>&- 8>&- &
		PID=$!
		rest 0.1
		read_on
		wait "$PID" || true
		wait "$reader"
		grep -q 'unknown option "--nonsense"' "$TMP/seen"
	}
	wait_for read_late
}

@test "a terminal that is stopped" {
	export PGWAIT TMP
	tmux -S "$TMP/tmux" -f /dev/null new-session -d "stty ixon; '$PGWAIT' -v -n 1 jobs >'$OUT'; echo \$? >'$TMP/ended'"
	screen() { tmux -S "$TMP/tmux" capture-pane -p | grep -q "$1"; }
	wait_for screen 'listening on jobs'
	tmux -S "$TMP/tmux" send-keys C-s
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	again() { notify jobs x && [[ -s $OUT ]]; }
	wait_for again
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
}
