# Every way to end, and its exit status.

load helper

@test "-n met: 0" {
	start_pgwait -n 1 jobs
	notify jobs
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "-m and -e: 0 without -n, 124 with an unmet one" {
	run_limited jobs
	[[ $status -eq 0 ]]
	run_split "$PGWAIT" -e 0.05 jobs
	[[ $status -eq 0 ]]
	run_limited -n 1 jobs
	[[ $status -eq 124 ]]
	run_split "$PGWAIT" -n 1 -e 0.05 jobs
	[[ $status -eq 124 ]]
}

@test "-m with no good connection: 2" {
	start_silent
	run_split "$PGWAIT" -m 0.3 "host=127.0.0.1 port=$port sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 ]]
}

@test "SIGTERM and SIGHUP: 0, or death by the signal with an unmet -n" {
	for signal in TERM HUP; do
		start_pgwait jobs
		kill -"$signal" "$PID"
		end_pgwait
		[[ $status -eq 0 ]]
		start_pgwait -n 1 jobs
		kill -"$signal" "$PID"
		end_pgwait
		[[ $status -eq $((128 + $(kill -l "$signal"))) ]]
	done
}

@test "SIGINT: death by SIGINT, after what was received" {
	start_pgwait jobs
	notify jobs x
	wait_for lines "$OUT" 1
	kill -INT "$PID"
	end_pgwait
	[[ $status -eq 130 ]]
}

@test "a signal that was ignored at the start stays ignored" {
	(
		trap '' HUP INT
		exec "$PGWAIT" -n 1 jobs >"$OUT" 2>"$ERR" 3>&-
	) &
	PID=$!
	wait_for grep -q listening "$ERR"
	kill -HUP "$PID"
	kill -INT "$PID"
	notify jobs x
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
}

# start_blocked ARG...: with a reader that does not read, and more than a pipe holds received.
start_blocked() {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	"$PGWAIT" --ready-fd 9 -f %p "$@" jobs >"$TMP/pipe" 2>"$ERR" 7>&- 8>&- 9>"$TMP/ready" 3>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	sql -c "SELECT count(pg_notify('jobs', lpad(i::text, 1000, '0'))) FROM generate_series(1, 1000) i" >/dev/null
	wait_for all_read
}

# What was read, what the pipe still holds, and what the error says was not written, is all of it.
accounted_for() {
	local left written
	left=$(sed -nE 's/.* standard output takes nothing more; ([0-9]+) notifications were not written$/\1/p' "$ERR")
	exec 9<"$TMP/pipe" 8>&- # the pipe has no writer any more
	cat <&9 >>"$OUT"
	exec 9<&-
	written=$(wc -l <"$OUT")
	echo "$written were written, $left were not"
	((written > 0 && left > 0 && written + left == 1000))
}

# The reader goes on reading, so that nothing else ends it; by then pgwait has written parts of lines.
@test "a second signal: 1, and how many were not written" {
	start_blocked
	kill -TERM "$PID"
	wait_for signals_taken "$PID"
	head -c 70000 <&8 >"$OUT"
	kill -TERM "$PID"
	until gone "$PID"; do
		head -c 5000 <&8 >>"$OUT"
		rest 0.2
	done
	end_pgwait
	[[ $status -eq 1 ]]
	accounted_for
}

@test "no progress for 5 s at the end: 1, and how many were not written" {
	start_blocked
	kill -TERM "$PID"
	end_pgwait
	[[ $status -eq 1 ]]
	accounted_for
}

@test "a slow reader gets everything, as long as there is progress" {
	start_blocked
	kill -TERM "$PID"
	exec 9<"$TMP/pipe" 8>&-
	for ((i = 0; i < 20; i++)); do head -c 50050 <&9; done >"$OUT"
	end_pgwait
	exec 9<&-
	[[ $status -eq 0 ]]
	cmp "$OUT" <(seq -f %01000.0f 1000)
}

# One after another: each is written as it comes, until the pipe has room for a part.
@test "of a line that a pipe took in part, the rest follows, once" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	OUT=$TMP/pipe start_pgwait --print -f %p --notify-cmd "echo >>'$TMP/ran'" jobs 8>&-
	: >"$TMP/ran"
	for i in {1..20}; do
		sql -c "SELECT pg_notify('jobs', lpad('$i', 5000, '0'))" >/dev/null
		wait_for lines "$TMP/ran" "$i"
	done
	kill -TERM "$PID"
	exec 9<"$TMP/pipe" 8>&-
	cat <&9 >"$OUT"
	exec 9<&-
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$OUT" <(seq -f %05000.0f 20)
}

@test "the reader left with records left: 1, and how many" {
	start_blocked
	exec 8>&-
	end_pgwait
	[[ $status -eq 1 ]]
	grep -Eq 'the reader of standard output is gone; [0-9]+ notifications were not written' "$ERR"
}

@test "everything received is written before the end: SIGTERM, SIGHUP, quit, a lost server" {
	for end in TERM HUP quit lost; do
		mkfifo "$TMP/control"
		exec 7<>"$TMP/control"
		start_blocked --reconnect never --control "$TMP/control"
		case $end in
		quit) echo quit >&7 ;;
		lost) sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null ;;
		*) kill "-$end" "$PID" ;;
		esac
		if [[ $end == lost ]]; then wait_for grep -q 'lost the connection' "$ERR"; else wait_for signals_taken "$PID"; fi
		exec 9<"$TMP/pipe" 8>&- # from now on it is read
		cat <&9 >"$OUT" 3>&- &
		reader=$!
		exec 9<&-
		end_pgwait
		wait "$reader"
		[[ $status -eq $([[ $end == lost ]] && echo 2 || echo 0) ]]
		cmp "$OUT" <(seq -f %01000.0f 1000)
		rm "$TMP/pipe" "$TMP/ready" "$TMP/control"
	done
}

@test "what libpq holds while the buffer is full is written before the end" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	"$PGWAIT" --ready-fd 9 -f %p --buffer 1 jobs >"$TMP/pipe" 2>"$ERR" 8>&- 9>"$TMP/ready" 3>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	# More than the pipe takes, and less than the socket.
	sql -c "SELECT count(pg_notify('jobs', lpad(i::text, 1000, '0'))) FROM generate_series(1, 100) i" >/dev/null
	wait_for grep -q 'too slow' "$ERR"
	# A message has 15 bytes beside the payload. Those of which pgwait has read the last byte are received.
	left=$(ss -xnp | awk -v pid="pid=$PID," 'index($0, pid) { n += $3 } END { print n }')
	received=$(((100 * 1015 - left) / 1015))
	# How many the pipe took depends on how pgwait writes to it; dd says that no more is there.
	stop "$PID"
	dd if="$TMP/pipe" iflag=nonblock bs=65536 >"$OUT" 2>/dev/null || true
	piped=$(wc -l <"$OUT")
	kill -TERM "$PID"
	kill -CONT "$PID"
	exec 9<"$TMP/pipe" 8>&-
	cat <&9 >>"$OUT"
	exec 9<&-
	end_pgwait
	[[ $status -eq 0 ]]
	echo "$received were received, the pipe took $piped of them, $(wc -l <"$OUT") were written"
	# One is in the buffer, and libpq holds the others.
	((received > piped + 1 && received < 100))
	cmp "$OUT" <(seq -f %01000.0f "$received")
}

@test "the server goes down, and no reconnecting: 2, with the reason" {
	start_pgwait --reconnect never -f %p jobs
	notify jobs last
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	end_pgwait
	[[ $status -eq 2 && $(<"$OUT") == last ]]
	grep -q "pgwait: error: lost the connection to \"postgres@$PGHOST:$PGPORT\": terminating connection due to administrator command (SQLSTATE 57P01)" "$ERR"
}

@test "a write that fails at close, or before, is told" {
	status=0
	"$PGWAIT" --help >/dev/full 2>"$ERR" || status=$?
	[[ $status -eq 1 ]]
	grep -q 'No space left' "$ERR"
}

@test "^C at a terminal stops a shell's loop" {
	export PGWAIT
	cat >"$TMP/loop" <<-'SH'
		for i in 1 2 3; do "$PGWAIT" jobs 2>>"$1"; done
		echo not stopped
	SH
	tmux -S "$TMP/tmux" -f /dev/null new-session -d "trap : INT; bash '$TMP/loop' '$ERR'; echo \$? >'$TMP/ended'"
	wait_for grep -qs listening "$ERR"
	tmux -S "$TMP/tmux" send-keys C-c
	wait_for test -s "$TMP/ended"
	tmux -S "$TMP/tmux" kill-server || true
	[[ $(grep -c listening "$ERR") -eq 1 ]]
	[[ $(<"$TMP/ended") -eq 130 ]]
}
