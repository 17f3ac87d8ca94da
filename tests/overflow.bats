# --buffer and --overflow: readers that are slow, or stop reading.

load helper

# blocked ARG...: pgwait listens on jobs, and its standard output is a pipe that nobody reads yet.
blocked() {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	OUT=$TMP/pipe start_pgwait "$@" jobs 8>&-
}

# Reads from now on, into $OUT.
read_on() {
	cat <&8 >"$OUT" 3>&- &
	READER=$!
}

clean_up() {
	exec 8>&-
}

# send FIRST LAST [LENGTH]: payloads that are numbers, with x after them.
send() {
	sql -c "SELECT count(pg_notify('jobs', i || repeat('x', ${3:-100}))) FROM generate_series($1, $2) i" >/dev/null
}

# The notifications in $OUT are 1 to N, but for as many as each `dropped` event says at its place.
complete_but_for_dropped() {
	jq -r 'if .event == "dropped" then "dropped \(.count)" elif .event then empty else .payload end' "$OUT" |
		awk -v n="$1" '/^dropped/ { next_one += $2; next }
			{ sub(/x+$/, ""); if ($0 != ++next_one) { print "after", next_one - 1, "comes", $0; exit 1 } }
			END { if (next_one != n) { print "it ends at", next_one; exit 1 } }'
}

@test "until the buffer is full the server sees no difference" {
	blocked -n 30000 -f %p
	send 1 30000
	wait_for server_done
	[[ $(wc -l <"$ERR") -eq 1 ]]
	read_on
	end_pgwait
	[[ $status -eq 0 ]]
	wait_for lines "$OUT" 30000
	tr -d x <"$OUT" | cmp - <(seq 30000)
}

@test "block: reading stops, with a warning that names the reader; then it goes on" {
	blocked -n 30000 -f %p --buffer 256KiB
	send 1 30000
	wait_for grep -q 'warning: the reader of standard output is too slow: the buffer of 256 KiB is full, and notifications wait in the server' "$ERR"
	waits() { [[ $(sql -c "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'pgwait'") == ClientWrite ]]; }
	wait_for waits
	read_on
	end_pgwait
	[[ $status -eq 0 ]]
	wait_for lines "$OUT" 30000
	tr -d x <"$OUT" | cmp - <(seq 30000)
}

@test "drop: the oldest make room, and an event says so at that very place" {
	blocked -j --events --buffer 256KiB --overflow drop
	send 1 30000
	wait_for server_done
	wait_for grep -q 'warning: the reader of standard output is too slow: the buffer of 256 KiB is full, and the oldest notifications are discarded' "$ERR"
	read_on
	send 30001 30010
	wait_for grep -q '"30010x' "$OUT"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	complete_but_for_dropped 30010
	dropped=$(jq -s 'map(select(.event == "dropped").count) | add' "$OUT")
	((dropped > 20000))
	grep -qx "pgwait: warning: $dropped notifications were discarded: the reader of standard output was too slow" "$ERR"
	# No flood: the first, and few after it.
	(($(grep -c 'are discarded' "$ERR") < 12))
	jq -s -e 'map(select(.event == "dropped")) | all(keys_unsorted == ["event", "time", "count"])' "$OUT" >/dev/null
}

# A pipe takes up to a page whole or not at all. Of lines that are longer it takes a part, where they do not fill
# its pages.
@test "drop: no line is torn, in text and with NUL" {
	for mode in '-f %p' '-0'; do
		# shellcheck disable=SC2086
		blocked $mode --buffer 100 --overflow drop
		send 1 1000 5000
		wait_for server_done
		read_on
		send 1001 1001 5000
		wait_for grep -q 1001x "$OUT"
		kill "$PID" "$READER"
		end_pgwait
		[[ $status -eq 0 ]]
		if [[ $mode == -0 ]]; then
			tr '\0' '\n' <"$OUT" | awk 'NR % 3 == 2' >"$OUT.lines"
		else
			cp "$OUT" "$OUT.lines"
		fi
		sed 's/x\{5000\}$//' "$OUT.lines" | sort -n -c -u
		grep -Evx '[0-9]+x{5000}' "$OUT.lines" && return 1
		[[ $(tail -n 1 "$OUT.lines") == 1001x* ]]
		rm "$TMP/pipe"
	done
}

@test "drop: events are never discarded, and stay in their places" {
	createdb other
	blocked --reconnect never -j --events --buffer 64KiB --overflow drop -d postgres -d other
	send 1 10000
	wait_for grep -q 'are discarded' "$ERR"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'other'" >/dev/null
	wait_for grep -q 'lost the connection' "$ERR"
	send 10001 20000
	wait_for server_done
	read_on
	send 20001 20001
	wait_for grep -q '"20001x' "$OUT"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	complete_but_for_dropped 20001
	# What was discarded before the loss, and after it.
	events=$(jq -r '.event // empty' "$OUT" | tr '\n' ' ')
	[[ $events == 'listening listening dropped '*'lost '*'dropped '* ]]
	[[ ${events//dropped /} == 'listening listening lost ' ]]
}

@test "drop: a reader that keeps up loses nothing, however small the buffer" {
	start_pgwait -n 3000 -f %p --buffer 1 --overflow drop jobs
	send 1 3000
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 ]]
	tr -d x <"$OUT" | cmp - <(seq 3000)
}

@test "drop: -n counts what is written" {
	blocked -n 100 -f %p --buffer 1 --overflow drop
	send 1 2000 1000
	wait_for grep -q 'are discarded' "$ERR"
	wait_for server_done
	[[ -e /proc/$PID/fd ]]
	read_on
	while ! gone "$PID"; do
		send 2001 2001
	done
	end_pgwait
	[[ $status -eq 0 ]]
	wait_for lines "$OUT" 100
	[[ $(wc -l <"$OUT") -eq 100 ]]
}

@test "exit: status 1, saying why; what was received is written while the reader takes it" {
	blocked -f %p --buffer 256KiB --overflow exit
	send 1 10000
	wait_for grep -qx 'pgwait: error: the reader of standard output is too slow: the buffer of 256 KiB is full' "$ERR"
	read_on
	end_pgwait
	[[ $status -eq 1 ]]
	n=$(wc -l <"$OUT")
	((n > 1000 && n < 10000))
	tr -d x <"$OUT" | cmp - <(seq "$n")
}

@test "exit: a reader that keeps up is no reason" {
	start_pgwait -n 3000 -f %p --buffer 1 --overflow exit jobs
	send 1 3000
	end_pgwait
	[[ $status -eq 0 ]]
	tr -d x <"$OUT" | cmp - <(seq 3000)
}

@test "idle events do not fill the memory of a reader that stopped; the next one has the sum" {
	blocked -j --events -t 0.02 --idle-cmd "echo >>'$TMP/ticks'" --buffer 1
	send 1 100 7000
	wait_for grep -q 'too slow' "$ERR"
	ticks() { [[ -e $TMP/ticks ]] && lines "$TMP/ticks" "$1"; }
	: >"$TMP/ticks"
	wait_for ticks 50
	read_on
	all() { [[ $(jq -s 'map(select(.event == "idle").count) | add' "$OUT") == 100 ]]; }
	wait_for all
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	complete_but_for_dropped 100
}

# vm FIELD: of pgwait's memory, in KiB.
vm() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$PID/status"
}

@test "memory stays within the buffer and a fixed part" {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "sanitizers need memory of their own"
	for overflow in block drop; do
		blocked -j --events --buffer 16MiB --overflow "$overflow"
		before=$(vm VmHWM)
		send 1 30000 2000
		wait_for grep -q 'too slow' "$ERR"
		if [[ $overflow == drop ]]; then
			wait_for server_done
		fi
		used=$(($(vm VmHWM) - before))
		echo "$overflow: $before KiB, then $used more"
		((used > 8 * 1024 && used < 20 * 1024))
		kill -KILL "$PID"
		end_pgwait
		rm "$TMP/pipe"
	done
}

@test "a terminal that is stopped with ^S holds up nothing" {
	mkfifo "$TMP/keys"
	exec 8<>"$TMP/keys"
	script -qec "stty -opost -echo; ${PGWAIT@Q} -n 3000 -f '%p' jobs 2>${ERR@Q}" /dev/null <"$TMP/keys" >"$OUT" 3>&- 8>&- &
	READER=$!
	wait_for grep -qs listening "$ERR"
	printf '\x13' >&8
	# The terminal has stopped when what is sent does not come any more.
	for ((i = 1; i <= 20; i++)); do send "$i" "$i"; done
	send 21 3000
	wait_for server_done
	printf '\x11' >&8
	wait_for gone "$READER"
	tr -d 'x\r\021\023' <"$OUT" | cmp - <(seq 3000)
}

@test "a socket that nobody reads holds up nothing" {
	cat >"$TMP/program" <<-END
		#!/bin/bash
		exec "$PGWAIT" -n 20000 -f '%p' jobs 2>"$ERR"
	END
	chmod +x "$TMP/program"
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	socat -u "EXEC:$TMP/program" STDOUT >"$TMP/pipe" 3>&- 8>&- &
	PID=$!
	wait_for grep -qs listening "$ERR"
	send 1 20000
	wait_for server_done
	read_on
	wait_for lines "$OUT" 20000
	tr -d x <"$OUT" | cmp - <(seq 20000)
}
