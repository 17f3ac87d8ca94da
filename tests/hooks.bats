# --idle-cmd

load helper

@test "what the command knows" {
	start_pgwait -t 0.1 --idle-cmd "env | grep ^PGWAIT_ >>'$TMP/env'; echo >>'$TMP/env'" jobs
	wait_for grep -qs '^PGWAIT_COUNT=0$' "$TMP/env"
	# An event at which the command still runs, on a slow machine, is not seen here.
	seven_counted() {
		sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 7) i" >/dev/null
		grep -q '^PGWAIT_COUNT=7$' "$TMP/env"
	}
	wait_for seven_counted
	grep -q '^PGWAIT_EVENT=idle$' "$TMP/env"
	grep -q '^PGWAIT_GARBAGE=$' "$TMP/env"
	grep -Eq '^PGWAIT_TIME=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$' "$TMP/env"
}

@test "variables of the caller do not shine through" {
	PGWAIT_CHANNEL=stray PGWAIT_COUNT=stray start_pgwait -t 0.05 --idle-cmd "env >'$TMP/env.new'; mv '$TMP/env.new' '$TMP/env'" jobs
	wait_for test -s "$TMP/env"
	run ! grep stray "$TMP/env"
}

@test "its standard input is empty, its output goes to standard error" {
	echo input | "$PGWAIT" -n 1 -t 0.05 --idle-cmd 'cat; echo printed; touch '"$TMP/ran" jobs >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	wait_for test -e "$TMP/ran"
	notify jobs x
	end_pgwait
	grep -q printed "$ERR"
	run ! grep input "$ERR"
	[[ $(wc -l <"$OUT") -eq 1 ]]
}

@test "a process group of its own, default signals, no descriptors, the caller's limits" {
	ulimit -S -n 200
	start_pgwait -t 0.05 --idle-cmd "{ ps -o pgid= -p \$\$; ls /proc/self/fd; ulimit -S -n; grep SigIgn /proc/self/status; } >'$TMP/new'; mv '$TMP/new' '$TMP/ran'" jobs
	wait_for test -e "$TMP/ran"
	kill "$PID"
	read -r pgid <"$TMP/ran"
	[[ $pgid -ne $PID && $pgid -ne $$ ]]
	# 3 is ls's own, of the directory.
	[[ $(grep -x '[0-9]' "$TMP/ran" | tr '\n' ' ') == '0 1 2 3 ' ]]
	grep -qx 200 "$TMP/ran"
	ignored=$((16#$(awk '/SigIgn/ { print $2 }' "$TMP/ran")))
	((!(ignored & 1 << 12)))
}

@test "one that still runs is not started again, with one warning" {
	start_pgwait -t 0.02 --idle-cmd "echo start >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	wait_for grep -q 'still runs' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
	[[ $(grep -c . "$TMP/ran") -eq 1 ]]
	[[ $(grep -c 'still runs' "$ERR") -eq 1 ]]
	touch "$TMP/go"
	wait_for lines "$TMP/ran" 2
}

@test "one that fails is a warning with its status" {
	start_pgwait -t 0.05 --idle-cmd 'exit 3' jobs
	wait_for grep -q 'warning: idle command ended with status 3' "$ERR"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	start_pgwait -t 0.05 --idle-cmd 'kill -9 $$' jobs
	wait_for grep -q 'warning: idle command was ended by signal 9 (Killed)' "$ERR"
}

@test "--cmd-timeout: SIGTERM to its group" {
	start_pgwait -t 0.05 --cmd-timeout 0.1 --idle-cmd 'sleep 1000 & wait' jobs
	wait_for grep -q 'ended by signal 15' "$ERR"
}

@test "--cmd-timeout: SIGKILL 5 s later" {
	start_pgwait -t 0.05 --cmd-timeout 0.5 --idle-cmd 'trap "" TERM; while :; do sleep 0.1; done' jobs
	wait_for grep -q 'ended by signal 9' "$ERR"
}

@test "no zombies" {
	start_pgwait -t 0.02 --idle-cmd "echo >>'$TMP/ran'" jobs
	wait_for lines "$TMP/ran" 20
	none() { ! ps -o stat= --ppid "$PID" | grep -q Z; }
	wait_for none
}

@test "one that runs at the end is waited for" {
	start_pgwait -t 0.05 --idle-cmd "touch '$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done; touch '$TMP/through'" jobs
	wait_for test -e "$TMP/ran"
	kill "$PID"
	wait_for signals_taken "$PID"
	[[ ! -e $TMP/through ]] && ! gone "$PID"
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 && -e $TMP/through ]]
}

@test "a second signal does not wait for it" {
	start_pgwait -t 0.05 --idle-cmd "touch '$TMP/ran'; exec sleep 1000" jobs
	wait_for test -e "$TMP/ran"
	kill "$PID"
	until gone "$PID"; do
		kill "$PID" 2>/dev/null || true
		sleep 0.05
	done
	end_pgwait
	[[ $status -eq 1 ]]
}

@test "a command that cannot be run is told" {
	start_pgwait -t 0.05 --idle-cmd '/nowhere/command' jobs
	wait_for grep -q 'idle command ended with status 127' "$ERR"
}
