# What pgwait finds when it starts and gives to its commands: signals, its place as process 1, descriptors, variables.

load helper

# A parent that leaves signals as `env` is told to: odd OPTION...
odd() {
	printf '#!/bin/sh\nexec env %s %q "$@"\n' "$*" "$REAL" >"$TMP/pgwait"
	PGWAIT=$TMP/pgwait
}

setup() {
	REAL=$PGWAIT
	printf '#!/bin/sh\nexit 0\n' >"$TMP/pgwait"
	chmod +x "$TMP/pgwait"
}

# has FILE N: it exists, and has at least N lines.
has() {
	[[ -e $1 ]] && lines "$1" "$2"
}

# --- Signals

@test "signals that the parent blocked: commands end, and what ends pgwait ends it" {
	odd --default-signal=INT --block-signal=CHLD,TERM,INT,HUP,USR1
	start_pgwait --notify-cmd "echo \$PGWAIT_PAYLOAD >>'$TMP/ran'" jobs
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 3) i" >/dev/null
	wait_for has "$TMP/ran" 3
	kill -USR1 "$PID"
	wait_for grep -q 'ok: status: ' "$ERR"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	for signal in INT HUP; do
		start_pgwait -n 1 jobs
		kill -"$signal" "$PID"
		end_pgwait
		[[ $status -eq $((128 + $(kill -l "$signal"))) ]]
	done
}

@test "SIGCHLD that the parent ignored: commands end" {
	odd --ignore-signal=CHLD
	start_pgwait -n 3 --notify-cmd 'echo "$PGWAIT_PAYLOAD"; [ "$PGWAIT_PAYLOAD" != 2 ]' jobs
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 3) i" >/dev/null
	end_pgwait
	[[ $status -eq 0 && $(tr '\n' ' ' <"$OUT") == '1 2 3 ' ]]
	grep -q 'notification command ended with status 1' "$ERR"
}

@test "signals that the parent ignored: what ends pgwait does not, what asks something does" {
	odd --ignore-signal=TERM,INT,HUP,USR1
	start_pgwait -n 1 jobs
	kill -USR1 "$PID"
	wait_for grep -q 'ok: status: ' "$ERR"
	for signal in HUP TERM INT; do kill -"$signal" "$PID"; done
	notify jobs x
	end_pgwait
	[[ $status -eq 0 ]]

	echo "connect one 'application_name=one'" >"$TMP/conf"
	start_pgwait --config "$TMP/conf" jobs
	echo 'listen one more' >>"$TMP/conf"
	kill -HUP "$PID"
	told() { notify more && grep -q '^more' "$OUT"; }
	wait_for told
}

# --- Process 1 of a container

# unshared ARG...: pgwait is process 1; PID is unshare's.
unshared() {
	local user=()
	((EUID == 0)) || user=(--user --map-current-user)
	unshare "${user[@]}" --pid --fork --mount-proc true 2>/dev/null || skip 'unshare --pid cannot be used here'
	unshare "${user[@]}" --pid --fork --mount-proc --kill-child "$PGWAIT" "$@" >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
}

# start_first ARG...: the same; FIRST is pgwait's, as seen from here.
start_first() {
	unshared "$@"
	wait_for first_runs
}

first_runs() {
	FIRST=$(ps -o pid= --ppid "$PID") && FIRST=${FIRST// /} && [[ $(ps -o comm= -p "$FIRST") == pgwait ]]
}

@test "process 1: with an unmet -n the status is 128 and the signal's number, else 0" {
	for signal in TERM HUP INT; do
		odd --default-signal=INT
		start_first -n 1 jobs
		wait_for grep -q listening "$ERR"
		kill -"$signal" "$FIRST"
		end_pgwait
		[[ $status -eq $((128 + $(kill -l "$signal"))) ]]
	done
	start_first jobs
	wait_for grep -q listening "$ERR"
	kill "$FIRST"
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "process 1: --from-spool with an unmet -n, too" {
	start_pgwait -n 2 --spool "$TMP/spool" jobs
	sql -c "NOTIFY jobs, 'a'" -c "NOTIFY jobs, 'b'"
	end_pgwait
	start_first --from-spool "$TMP/spool" -n 2 --notify-cmd "touch '$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done"
	wait_for test -e "$TMP/ran"
	kill "$FIRST"
	wait_for signals_taken "$FIRST"
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 143 ]]
}

@test "process 1: a signal that comes before it can be caught is not dropped" {
	odd "--block-signal=TERM sh -c 'kill \$\$; exec \"\$@\"' sh"
	unshared -n 1 jobs
	end_pgwait
	[[ $status -eq 143 ]]
}

@test "process 1: what commands leave behind, and others, are reaped, also while a command's input is not through" {
	start_first --batch-cmd "exec 7<&0; sleep 1000 & touch '$TMP/held'" --notify-cmd "sleep 0.01 & setsid sleep 0.02 & echo >>'$TMP/ran'" -f %p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p jobs
	wait_for grep -q listening "$ERR"
	sql -c "SELECT pg_notify('jobs', repeat('x', 7999))" >/dev/null
	wait_for test -e "$TMP/held"
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 10) i" >/dev/null
	wait_for has "$TMP/ran" 11
	# The batch command's shell alone stays, as a zombie, and what it left.
	left() { [[ $(ps -o s=,comm= --ppid "$FIRST" | sort | tr -s ' \n' ' ') == 'S sleep Z sh ' ]]; }
	wait_for left
	kill "$FIRST"
	wait_for signals_taken "$FIRST"
	kill "$FIRST"
	end_pgwait
}

# --- Descriptors

@test "each descriptor that pgwait opens is closed by exec; those that it inherited stay as they were" {
	mkfifo "$TMP/inherited"
	exec 7<>"$TMP/inherited"
	start_pgwait --control "$TMP/control" --spool "$TMP/spool" --exclusive descriptors --heartbeat 0.1 --listen-cmd : \
		--notify-cmd "echo >>'$TMP/ran'; cat >/dev/null; until [ -e '$TMP/go' ]; do sleep 0.02; done" host=localhost jobs
	ran() { notify jobs x && has "$TMP/ran" 1; } # it may have to wait for the lock
	wait_for ran
	for fd in "/proc/$PID/fd"/*; do
		# Some come and go.
		flags=$(awk '/^flags:/ { print $2 }' "/proc/$PID/fdinfo/${fd##*/}" 2>/dev/null) || continue
		flags=$((8#$flags))
		# bats has some of its own, which are inherited too.
		if [[ $(readlink "$fd") == "$(readlink "/proc/$$/fd/${fd##*/}")" || ${fd##*/} -le 2 ]]; then
			((!(flags & 8#2000000)))
		else
			((flags & 8#2000000)) || { ls -l "/proc/$PID/fd" >&2; return 1; }
		fi
	done
	# For reading and writing, and it waits.
	[[ $(readlink "/proc/$PID/fd/7") == "$TMP/inherited" ]]
	flags=$((8#$(awk '/^flags:/ { print $2 }' "/proc/$PID/fdinfo/7")))
	(((flags & 8#4003) == 2))
	# More than the standard three, and 7.
	(($(ls "/proc/$PID/fd" | wc -l) > 8))
	touch "$TMP/go"
}

@test "standard output and standard error are both closed: 1, and nobody can be told" {
	run bash -c 'timeout 20 "$0" -t 0 jobs >&- 2>&-' "$PGWAIT"
	[[ $status -eq 1 && -z $output ]]
}

@test "a descriptor for --ready-fd that takes nothing is a warning, and all goes on" {
	mkfifo "$TMP/ready"
	exec 7<>"$TMP/ready"
	dd if=/dev/zero of="$TMP/ready" oflag=nonblock bs=4096 2>/dev/null || true
	start_plain --ready-fd 7 -n 1 jobs
	wait_for grep -q 'warning: could not write to the descriptor of --ready-fd: nobody reads there' "$ERR"
	notify jobs x
	end_pgwait
	exec 7>&-
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
}
