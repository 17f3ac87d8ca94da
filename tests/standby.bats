# Standbys: failover and promotion.

load helper
load servers

clean_up() {
	pg status >/dev/null || pg start
}

again() {
	[[ $(grep -c 'listening again on' "$ERR") -ge $1 ]]
}

@test "several hosts: it follows the primary" {
	start_standby followed
	start_pgwait -f %p "host=$PGHOST,127.0.0.1 port=$PGPORT,$standby target_session_attrs=primary" jobs
	notify jobs before
	wait_for lines "$OUT" 1
	pg stop -m fast
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -w promote >/dev/null
	wait_for again 1
	notify jobs after -h 127.0.0.1 -p "$standby"
	wait_for lines "$OUT" 2
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
}

@test "a standby is refused with advice, and heals when it is promoted" {
	start_standby promoted
	run_split "$PGWAIT" -p "$standby" jobs
	[[ $status -eq 3 && $errors == *'error: could not listen on'*'recovery (SQLSTATE 25006)'*'hint: a standby'* ]]
	start_plain --reconnect always -f %p -p "$standby" jobs
	wait_for grep -q 'warning: could not listen on.*SQLSTATE 25006' "$ERR"
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -w promote >/dev/null
	wait_for grep -q 'pgwait: listening on jobs' "$ERR"
	notify jobs x -p "$standby"
	wait_for lines "$OUT" 1
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
}
