# Connections that are lost and come back; what that cost is reported.

load helper
load servers

setup() {
	unset proxy_pid
}

teardown() {
	end_proxy
	[[ -z ${PID-} ]] || { kill -KILL "$PID"; wait "$PID"; } 2>/dev/null || true
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
	run ! again 1
	pg start
	wait_for again 1
	notify jobs after
	wait_for lines "$OUT" 1
}

@test "the gap begins when the last answered query was sent" {
	start_pgwait --heartbeat 0.2 -f %p jobs
	# Heartbeats move the beginning on: it is later than the start by then.
	start=$(date +%s%6N)
	beats() { (($(sql -c "SELECT (extract(epoch FROM state_change) * 1e6)::bigint FROM pg_stat_activity WHERE application_name = 'pgwait'") > start + 500000)); }
	wait_for beats
	terminate
	wait_for again 1
	since=$(date -d "$(grep -oE 'since 20[^,]*' "$ERR" | cut -d' ' -f2)" +%s%6N)
	((since > start))
}

@test "every notification outside of a gap, and none twice: a backend that is terminated in a burst" {
	start_pgwait -f %p jobs
	for round in {1..5}; do
		(for i in {1..30}; do
			sql -c "SELECT count(pg_notify('jobs', '$round.$i.' || j)) FROM generate_series(1, 100) j" >/dev/null
		done) 3>&- &
		burst=$!
		terminate
		wait "$burst"
		wait_for again "$round"
	done
	notify jobs end
	wait_for grep -qx end "$OUT"
	# In order within each batch of a hundred, each once.
	[[ -z $(sort "$OUT" | uniq -d) ]]
	awk -F. 'NF == 3 { if ($1 "." $2 == last && $3 != n + 1) { print; bad = 1 } last = $1 "." $2; n = $3 } END { exit bad }' "$OUT"
}

@test "what libpq holds when a connection dies is written, then it comes back" {
	start_pgwait -f %p jobs
	kill -STOP "$PID"
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
	run ! grep -q 'attempt 3' "$ERR"
	next=$(grep -oE 'attempt 4, the next one in [0-9.]+' "$ERR" | grep -oE '[0-9.]+$')
	# From the half of 8 s to 8 s.
	awk -v s="$next" 'BEGIN { exit !(s >= 4 && s <= 8) }'
	pg start
	wait_for again 1
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
	run ! grep -q 'trying again' "$ERR"
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
	run ! grep -q 'may be missing' "$ERR"
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
