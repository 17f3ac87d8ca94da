# Connections that are lost and come back; what that cost is reported.

load helper
load servers

setup() {
	unset proxy_pid
}

clean_up() {
	end_proxy
	pg status >/dev/null || pg start
	[[ -z $(psql -qAtXc "SELECT 1 FROM pg_roles WHERE rolname = 'app'" 2>/dev/null) ]] ||
		psql -qX -c "DROP OWNED BY app" -c "DROP ROLE app" >/dev/null 2>&1 || true
}

terminate() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${1-pgwait}'" >/dev/null
}

# again N: pgwait has said N times that it listens again.
again() {
	[[ $(grep -c 'listening again on' "$ERR") -ge $1 ]]
}

@test "a lost connection comes back: the reason, then the gap, and it receives again" {
	start_pgwait -f %p jobs audit
	notify jobs before
	wait_for lines "$OUT" 1
	terminate
	wait_for again 1
	notify audit after
	wait_for lines "$OUT" 2
	[[ $(<"$OUT") == $'before\nafter' ]]
	grep -Eq 'warning: lost the connection to "[^"]*": terminating connection due to administrator command \(SQLSTATE 57P01\); trying again in [01]\.[0-9] s$' "$ERR"
	grep -Eq 'warning: listening again on jobs, audit \([^)]*\): what was sent since 20[0-9-]+T[0-9:.]+Z, for [0-9.]+ s, may be missing$' "$ERR"
	[[ $(wc -l <"$ERR") -eq 3 ]]
}

@test "the report comes when it listens, and not before" {
	start_pgwait -f %p jobs
	pg stop -m immediate
	wait_for grep -q 'attempt 2' "$ERR"
	run -1 again 1
	pg start
	wait_for again 1
	notify jobs after
	wait_for lines "$OUT" 1
}

# now: in microseconds, as microseconds TIME of what pgwait says.
now() {
	echo "${EPOCHREALTIME/[.,]/}"
}

microseconds() {
	date -d "$1" +%s%6N
}

# The beginning of the gap that was told last.
since() {
	microseconds "$(grep -oE 'since 20[^,]*' "$ERR" | tail -n 1 | cut -d' ' -f2)"
}

# ask COMMAND: to the FIFO of --control, and until it is answered.
ask() {
	local before
	before=$(grep -c '^pgwait: ok: ' "$ERR") || true
	echo "$1" >"$TMP/control"
	answered() { (($(grep -c '^pgwait: ok: ' "$ERR") > before)); }
	wait_for answered
}

@test "the gap begins when the last answered query was sent" {
	mkfifo -m 600 "$TMP/control"
	start_pgwait --heartbeat 0 --control "$TMP/control" jobs
	for round in 1 2; do
		before=$(now)
		ask drain
		after=$(now)
		terminate
		wait_for again "$round"
		echo "$before <= $(since) <= $after"
		(($(since) >= before && $(since) <= after))
	done
}

@test "the machine slept: the gap is as long as that" {
	needs_faults
	needs_boottime
	with_clocks start_pgwait --heartbeat 0 -j --events jobs
	set_clocks 3600 3600
	terminate
	wait_for again 1
	[[ $(jq -r 'select(.event == "listening" and .gap_seconds) | .gap_seconds >= 3600 and .gap_seconds < 3700' "$OUT") == true ]]
}

@test "heartbeats move the beginning of the gap on, as far as they are answered" {
	start_pgwait --heartbeat 0.2 -f %p jobs
	start=$(now)
	query() { sql -c "SELECT (extract(epoch FROM $1) * 1e6)::bigint FROM pg_stat_activity WHERE application_name = 'pgwait'"; }
	beats() { (($(query state_change) > start + 500000)); }
	wait_for beats
	# Nothing more is sent, but what the server does not answer any more. (What was sent before, a busy server may answer
	# later.)
	for round in 1 2 3 4 5; do
		stop "$PID"
		last=$(now)
		wait_for server_done
		due() { (($(now) > last + 300000)); }
		wait_for due
		terminate
		kill -CONT "$PID"
		wait_for again "$round"
		echo "$start < $(since) <= $last"
		(($(since) > start && $(since) <= last))
	done
}

@test "a heartbeat over a session that has ended does not move it on, whatever libpq ends it with" {
	start_pgwait --heartbeat 0.2 -f %p jobs
	for round in 1 2 3; do
		stop "$PID"
		terminate
		wait_for eval "[[ \$(sql -c \"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'\") == 0 ]]"
		ended=$(now)
		notify jobs missed
		# So it is sent before anything is read.
		due() { (($(now) > ended + 400000)); }
		wait_for due
		kill -CONT "$PID"
		wait_for again "$round"
		echo "$(since) <= $ended"
		(($(since) <= ended))
	done
}

# batches FILE N [COMMAND...]: a hundred notifications in a transaction, N times and until COMMAND succeeds. FILE gets
# a line for each: its name, and between which times it was committed.
batches() {
	local file=$1 n=$2 i name begin
	shift 2
	for ((i = 1; i <= n || ($# > 0 && i < 100000); i++)); do
		name=${file##*/}.$i
		begin=$(now)
		sql -c "SELECT count(pg_notify('jobs', '$name.' || j)) FROM generate_series(1, 100) j" >/dev/null
		echo "$name $begin $(now)" >>"$file"
		((i < n)) || ! (($# > 0)) || ! "$@" || return 0
	done
}

# Where the gaps of the `listening` events in $OUT begin and end.
gaps() {
	local begin length
	while read -r begin length; do
		begin=$(microseconds "$begin")
		echo "$begin $((begin + length))"
	done < <(jq -r 'select(.event == "listening" and .since) | "\(.since) \(.gap_seconds * 1e6 | round)"' "$OUT")
}

@test "every notification outside of a gap, and none twice: a backend that is terminated in a burst" {
	mkfifo -m 600 "$TMP/control"
	start_pgwait --heartbeat 0 --control "$TMP/control" -j --events jobs
	again() { [[ $(grep -c '"event":"listening".*"since"' "$OUT") -ge $1 ]]; }
	replies() { [[ $(grep -c '"event":"reply"' "$OUT") -ge $1 ]]; }
	for round in {1..3}; do
		batches "$TMP/calm.$round" 5
		# The gap begins after this.
		echo drain >"$TMP/control"
		wait_for replies "$round"
		terminate 3>&- &
		batches "$TMP/burst.$round" 10 again "$round"
		wait $!
		batches "$TMP/after.$round" 5
	done
	notify jobs end
	wait_for grep -q '"payload":"end"' "$OUT"
	jq -r '.payload // empty' "$OUT" | grep -vx end >"$TMP/got"
	[[ -z $(sort "$TMP/got" | uniq -d) ]]
	gaps >"$TMP/gaps"
	[[ $(wc -l <"$TMP/gaps") -eq 3 ]]
	# What came of a batch is its beginning, without a hole; and all of it, if no gap has anything of its time.
	cat "$TMP"/{calm,burst,after}.? >"$TMP/sent"
	awk '
		FILENAME ~ /gaps$/ { begin[++gaps] = $1; end[gaps] = $2; next }
		FILENAME ~ /got$/ {
			name = $0; sub(/\.[0-9]+$/, "", name); sub(/.*\./, "")
			if ($0 != ++count[name]) { print name "." $0, "is number", count[name]; bad = 1 }
			next
		}
		{
			outside = 1
			for (i = 1; i <= gaps; i++) if ($3 >= begin[i] && $2 <= end[i]) outside = 0
			complete += outside
			if (outside && count[$1] != 100) { print $1, "is outside of all gaps:", count[$1] + 0, "came"; bad = 1 }
		}
		END { print complete + 0, "batches outside of", gaps, "gaps"; exit bad || complete < 30 }' \
		"$TMP/gaps" "$TMP/got" "$TMP/sent"
}

@test "what libpq holds when a connection dies is written, then it comes back" {
	start_pgwait -f %p jobs
	stop "$PID"
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 1000) i" >/dev/null
	pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'")
	idle() { [[ $(sql -c "SELECT wait_event FROM pg_stat_activity WHERE pid = $pid") == ClientRead ]]; }
	wait_for idle
	sql -c "SELECT pg_terminate_backend($pid, 10000)" >/dev/null
	kill -CONT "$PID"
	wait_for again 1
	notify jobs 1001
	wait_for lines "$OUT" 1001
	cmp "$OUT" <(seq 1001)
}

@test "the reason of a backend that ends with a heartbeat unread" {
	start_pgwait --heartbeat 0.5 -f %p jobs
	pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'")
	# The server's end of the socket holds what the backend has not read.
	unread() { (($(ss -xnp | awk -v pid="pid=$pid," 'index($0, pid) { n += $3 } END { print n + 0 }') > 0)); }
	kill -STOP "$pid"
	wait_for unread
	kill -TERM "$pid"
	kill -CONT "$pid"
	wait_for again 1
	grep -Eq 'lost the connection to "[^"]*": terminating connection due to administrator command \(SQLSTATE 57P01\); trying again' "$ERR"
}

@test "an immediate restart, with its reason" {
	start_pgwait -f %p jobs
	pg restart -m immediate
	wait_for again 1
	grep -q 'terminating connection due to immediate shutdown command (SQLSTATE 57P01)' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
}

@test "what a function warns of is not taken for the server's last word" {
	sql -c "CREATE OR REPLACE FUNCTION warns() RETURNS text LANGUAGE plpgsql AS
		\$\$ BEGIN RAISE WARNING 'not the end' USING ERRCODE = '57P01'; RETURN 'row'; END \$\$"
	start_proxy
	start_pgwait -v --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done" --catchup-sql 'SELECT warns()' \
		"host=127.0.0.1 port=$proxy sslmode=disable gssencmode=disable" jobs
	delivering() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") -eq 1 ]]; }
	wait_for delivering
	kill "$(pgrep -n -P "$proxy_pid")" # it forwards the connection that was made last
	wait_for grep -q 'warning: could not catch up on ' "$ERR"
	cat "$ERR"
	grep -q 'debug: .*: WARNING: not the end$' "$ERR"
	grep -q 'warning: could not catch up on .*: server closed the connection unexpectedly' "$ERR"
	sql -c 'DROP FUNCTION warns'
}

@test "a crash of another backend" {
	start_pgwait -f %p jobs
	sql -c "SET application_name = 'victim'" -c 'SELECT pg_sleep(1000)' >/dev/null 2>&1 3>&- &
	victim() { pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()") && [[ $pid ]]; }
	wait_for victim
	kill -KILL "$pid"
	wait_for again 1
	grep -q 'lost the connection to .*(SQLSTATE 57P0' "$ERR"
}

@test "the server is down for a while: no flood, ever longer waits" {
	start_pgwait jobs
	pg stop -m fast
	wait_for grep -q 'attempt 4' "$ERR"
	# 1 (the loss), 2 and 4: the third failed for the same reason as the second.
	[[ $(grep -c 'warning: could not connect' "$ERR") -eq 2 ]]
	run -1 grep -q 'attempt 3' "$ERR"
	next=$(grep -oE 'attempt 4, the next one in [0-9.]+' "$ERR" | grep -oE '[0-9.]+$')
	# From the half of 8 s to 8 s.
	awk -v s="$next" 'BEGIN { exit !(s >= 4 && s <= 8) }'
	pg start
	wait_for again 1
}

@test "the memory of many connections that are lost goes back to the system" {
	local list before
	grep -qs '^#define HAVE_MALLOC_TRIM 1' "$top_builddir/config.h" || skip 'the C library keeps it'
	[[ ${PGWAIT_SANITIZERS:-no} == no && ${PGWAIT##*/} == pgwait ]] || skip 'malloc() is another one'
	mapfile -t list < <(printf 'application_name=c%d\n' {1..128})
	start_pgwait "${list[@]}" jobs
	resident() { awk '/^VmRSS/ { print $2 }' "/proc/$PID/status"; }
	before=$(resident)
	pg stop -m fast
	smaller() { (($(resident) < before - 256)); }
	wait_for smaller
}

@test "too many connections, a role without LOGIN, no such database: all are retried later on" {
	sql -c "CREATE ROLE app LOGIN"
	start_pgwait -f %p user=app jobs
	sql -c "ALTER ROLE app NOLOGIN"
	terminate
	wait_for grep -q 'SQLSTATE 28000.*attempt 2' "$ERR"
	sql -c "ALTER ROLE app LOGIN CONNECTION LIMIT 0"
	wait_for grep -q 'SQLSTATE 53300.*attempt' "$ERR"
	sql -c "ALTER ROLE app CONNECTION LIMIT -1"
	wait_for again 1
	notify jobs x
	wait_for lines "$OUT" 1
}

@test "idle_session_timeout" {
	start_pgwait -f %p "options='-c idle_session_timeout=300'" jobs
	wait_for again 2
	grep -q 'terminating connection due to idle-session timeout (SQLSTATE 57P05)' "$ERR"
}

@test "300 losses change neither descriptors nor memory" {
	start_pgwait -f %p application_name=many{1..100} jobs
	descriptors() { find "/proc/$PID/fd" -mindepth 1 | wc -l; }
	memory() { awk '/^VmRSS/ { print $2 }' "/proc/$PID/status"; }
	lose_all() {
		sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^many'" >/dev/null
		wait_for again "$1"
	}
	lose_all 100 # once, for what is allocated then to be there
	fds=$(descriptors) kib=$(memory)
	for round in 2 3 4; do lose_all $((round * 100)); done
	[[ $(descriptors) -eq $fds ]]
	# Sanitizers keep what is freed for a while.
	[[ ${PGWAIT_SANITIZERS:-no} != no ]] || (($(memory) <= kib + 1024))
	notify jobs x
	wait_for lines "$OUT" 100
}

@test "--reconnect never: the others go on, and it ends when none is left" {
	start_pgwait --reconnect never -f %p application_name=one application_name=two jobs
	terminate one
	wait_for grep -q 'warning: lost the connection' "$ERR"
	run -1 grep -q 'trying again' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
	terminate two
	end_pgwait
	[[ $status -eq 2 ]]
	grep -q 'error: lost the connection' "$ERR"
}

@test "at the start: lost ends when nothing listens, always tries on" {
	port=$(free_port)
	run_split "$PGWAIT" "host=127.0.0.1 port=$port" jobs
	[[ $status -eq 2 ]]
	run_split "$PGWAIT" --reconnect lost "host=127.0.0.1 port=$port" jobs
	[[ $status -eq 2 && $errors != *'trying again'* ]]
	pg stop -m fast
	start_plain --reconnect always -f %p --ready-fd 9 jobs 9>"$TMP/ready"
	wait_for grep -q 'warning: could not connect.*attempt 2' "$ERR"
	[[ ! -s $TMP/ready ]]
	pg start
	wait_for grep -q 'pgwait: listening on jobs' "$ERR"
	wait_for test -s "$TMP/ready"
	notify jobs x
	wait_for lines "$OUT" 1
	# It had not listened before, so nothing is missing.
	run -1 grep -q 'may be missing' "$ERR"
}

@test "at the start: what no retry mends ends it with --reconnect always, too" {
	run_split "$PGWAIT" --reconnect always -d nowhere jobs
	[[ $status -eq 2 && $errors == *'error: could not connect'*3D000* ]]
}

@test "at the start: one that is down is a warning, and comes later" {
	start_proxy
	end_proxy
	start_plain -f %p --ready-fd 9 "host=127.0.0.1 port=$proxy" "host=$PGHOST" jobs 9>"$TMP/ready"
	wait_for grep -q "listening on jobs (postgres@$PGHOST" "$ERR"
	grep -q 'warning: could not connect to "postgres@127.0.0.1' "$ERR"
	[[ ! -s $TMP/ready ]]
	socat "TCP-LISTEN:$proxy,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$PGHOST/.s.PGSQL.$PGPORT" 3>&- >/dev/null 2>&1 &
	proxy_pid=$!
	wait_for grep -q 'listening on jobs (postgres@127.0.0.1' "$ERR"
	kill "$proxy_pid"
	wait_for test -s "$TMP/ready"
}

@test "an idle event has the garbage, until the connection is back" {
	start_pgwait -t 0.05 --idle-cmd "printf '<%s>\n' \"\$PGWAIT_GARBAGE\" >>'$TMP/idle'" jobs
	wait_for grep -qsx '<>' "$TMP/idle"
	pg stop -m fast
	wait_for grep -qx "<postgres@$PGHOST:$PGPORT>" "$TMP/idle"
	pg start
	wait_for again 1
	empty_at_last() { [[ $(tail -n 1 "$TMP/idle") == '<>' ]]; }
	wait_for empty_at_last
}

@test "-m ends it with 2 while the connection is away" {
	start_pgwait -m 3 jobs
	pg stop -m fast
	end_pgwait
	[[ $status -eq 2 ]]
}
