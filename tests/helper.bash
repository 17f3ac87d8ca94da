# What the tests share. Loaded by every .bats file: load helper
#
# Tests use the public interface only: $PGWAIT, run against the throwaway server that
# tools/sandbox started for this file. Nothing sleeps: wait_for waits for a condition.

bats_require_minimum_version 1.5.0

PGWAIT=${PGWAIT:?the program under test}
START=${top_builddir:?set by make check}/tests/start
TMP=$BATS_TEST_TMPDIR
OUT=$TMP/out
ERR=$TMP/err

# For bash's \u, and for messages that are compared; pgwait itself knows no locale.
export LC_ALL=C.UTF-8
# Not every user's has it: pgbouncer, mosquitto.
PATH=$PATH:/usr/sbin:/sbin

# Seconds that a condition may take, however slow the machine.
DEADLINE=${DEADLINE:-60}
# A drain would give up after 10.
export PGCONNECT_TIMEOUT=$DEADLINE

# rest SECONDS: as sleep, which is a process of its own, and costs more than what is waited for.
rest() {
	[[ ${never_read-} ]] || exec {never_read}<> <(:)
	read -r -t "$1" -u "$never_read" || true
}

# wait_for COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + DEADLINE)) tries=0 pauses=(0.02 0.02 0.02 0.05 0.05 0.05 0.1 0.1 0.2)
	until "$@"; do
		if ((SECONDS >= end)); then
			echo "waited $DEADLINE s in vain for: $*" >&2
			return 1
		fi
		rest "${pauses[tries < 8 ? tries++ : 8]}"
	done
}

# lines FILE N: it has at least N lines.
lines() {
	local seen
	mapfile -n "$2" seen <"$1"
	((${#seen[@]} >= $2)) && [[ $2 -eq 0 || ${seen[-1]} == *$'\n' ]]
}

# unread N BYTES [xt]: as many connections of pgwait's, by Unix sockets (xt: or by TCP), have at least so many bytes for it
# to read.
unread() {
	ss "-np${3-x}" | awk -v pid="pid=$PID," -v n="$1" -v bytes="$2" 'index($0, pid) && $3 >= bytes { n-- } END { exit n > 0 }'
}

# The server's backend has sent all, and waits for a command.
server_done() {
	[[ $(sql -c "SELECT wait_event FROM pg_stat_activity
		WHERE application_name = 'pgwait' AND datname = current_database()") == ClientRead ]] &&
		[[ $(sql -c 'SELECT pg_notification_queue_usage() = 0') == t ]]
}

# pgwait has read all of it, too, by a Unix socket: none is left to it at the end.
all_read() {
	server_done && ! unread 1 1
}

# empty FILE...: what one that was started before wrote is not taken for what the next one writes.
empty() {
	local file
	for file; do
		[[ ! -f $file ]] || : >"$file"
	done
}

# start_pgwait ARG...: in the background, its stdout in $OUT and stderr in $ERR; returns once every
# connection listens. PID is its pid. No signal is ignored there (tests/start.c).
start_pgwait() {
	local ready=$TMP/ready.$RANDOM line
	mkfifo "$ready"
	empty "$OUT" "$ERR"
	"$START" "$PGWAIT" --ready-fd 9 "$@" >"$OUT" 2>"$ERR" 9>"$ready" 3>&- &
	PID=$!
	read -r -t "$DEADLINE" line <"$ready" || {
		echo "pgwait did not get ready:" >&2
		cat "$ERR" >&2
		return 1
	}
	rm -f "$ready"
}

# start_plain ARG...: the same without waiting for anything.
start_plain() {
	empty "$OUT" "$ERR"
	"$START" "$PGWAIT" "$@" >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
}

# end_pgwait: waits for its end; its exit status is in $status (128 + N: by signal N).
end_pgwait() {
	wait_for gone "$PID"
	status=0
	wait "$PID" || status=$?
}

# run_limited ARG...: runs it with -m SECS, more of them until it was enough to connect and listen.
run_limited() {
	local seconds
	for seconds in 0.05 0.5 5 50; do
		run_split "$PGWAIT" -v -m "$seconds" "$@"
		[[ $errors != *'ready -> listening'* ]] || return 0
	done
	echo "did not listen within $seconds s: $errors" >&2
	return 1
}

gone() {
	local stat
	! kill -0 "$1" 2>/dev/null || ! read -r stat <"/proc/$1/stat" || [[ ${stat##*) } == Z* ]]
} 2>/dev/null

# No signal is pending for the process: those that were sent have been taken.
signals_taken() {
	[[ $(awk '/^(SigPnd|ShdPnd)/ { n += ("0x" $2 != "0x0000000000000000") } END { print n + 0 }' "/proc/$1/status") == 0 ]]
}

# stop PID: SIGSTOP. It returns once the process stands still: one that waits for events has got none of those that come
# now when it goes on, while one that is just being woken would get some of them.
stop() {
	kill -STOP "$1"
	wait_for stands_still "$1"
}

stands_still() {
	local stat
	read -r stat <"/proc/$1/stat"
	[[ ${stat##*) } == [Tt]* ]]
}

# notify CHANNEL [PAYLOAD] [PSQL-ARG...]: through psql, exact for any text.
notify() {
	local channel=$1 payload=${2-}
	shift $(($# < 2 ? $# : 2))
	psql -qAtX -v ON_ERROR_STOP=1 -v c="$channel" -v p="$payload" "$@" \
		>/dev/null <<<"SELECT pg_notify(:'c', :'p')"
}

sql() {
	psql -qAtX -v ON_ERROR_STOP=1 "$@"
}

# server_before MAJOR: the server is an older one.
server_before() {
	(($(sql -c 'SHOW server_version_num') < $1 * 10000))
}

# libpq_before MAJOR: pgwait runs with an older libpq.
libpq_before() {
	(($("$PGWAIT" --version | sed -n 's/.*libpq \([0-9]*\).*/\1/p') < $1))
}

# needs_faults: tests/faults.so is at $TMP/faults.so, for LD_PRELOAD, where a blank separates two libraries; or the test is
# skipped.
needs_faults() {
	[[ -e $top_builddir/tests/faults.so ]] || skip 'tests/faults.so needs the GNU C library'
	ln -sf "$top_builddir/tests/faults.so" "$TMP/faults.so"
}

# with_faults COMMAND...: what it starts has tests/faults.so before other libraries.
with_faults() {
	if [[ ${PGWAIT_SANITIZERS:-no} != no ]]; then
		export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	fi
	LD_PRELOAD=$TMP/faults.so "$@"
}

# with_clocks COMMAND...: a process that is started has clocks that set_clocks sets.
with_clocks() {
	export CLOCKS=$TMP/clocks
	with_faults "$@"
}

# needs_boottime: pgwait looks at the clock that goes on in suspend; or the test is skipped.
needs_boottime() {
	! grep -qs '^#define PORTABLE' "$top_builddir/config.h" || skip 'pgwait is built with --enable-portable'
}

# set_clocks REALTIME BOOTTIME: seconds that each is ahead, of Unix time, and of the one that goes on in suspend.
set_clocks() {
	echo "$@" >"$TMP/clocks.new"
	mv "$TMP/clocks.new" "$TMP/clocks"
}

# run_split COMMAND...: as bats's run, but stdout in $output and stderr in $errors.
run_split() {
	status=0
	"$@" >"$OUT" 2>"$ERR" 3>&- || status=$?
	output=$(tr '\0' '@' <"$OUT")
	errors=$(cat "$ERR")
}

# needs_socat: or the test is skipped.
needs_socat() {
	type -P socat >/dev/null || skip 'socat is not installed'
}

# Listens on $port of 127.0.0.1, takes everything, never answers.
start_silent() {
	needs_socat
	while :; do
		port=$(free_port)
		socat -u "TCP-LISTEN:$port,bind=127.0.0.1,fork" OPEN:/dev/null 3>&- >/dev/null 2>&1 &
		silent=$!
		until port_taken || gone "$silent"; do rest 0.02; done
		gone "$silent" || return 0 # somebody else took it
	done
}

port_taken() {
	(exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

# After each test, also after one that failed: what its file undoes, and then every process that it has left.
teardown() {
	clean_up || true
	end_left
}

# A file with more to undo than processes has a function of this name.
clean_up() {
	:
}

# Servers are ended by the sandbox, and so is what a command of pgwait's left asleep; bats measures with sleep, too.
end_left() {
	local name files pid
	mapfile -t files < <(grep -lszxF "BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR" /proc/[0-9]*/environ)
	for pid in ${PID-} ${silent-} "${files[@]//[!0-9]/}"; do
		read -r name <"/proc/$pid/comm" || continue
		[[ $name != postgres && $name != sleep ]] || continue
		kill -KILL "$pid" || true
		wait "$pid" || true
	done
} 2>/dev/null

# A port of 127.0.0.1 on which nobody listens.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		(exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}
