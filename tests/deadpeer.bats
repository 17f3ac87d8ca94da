# Peers that are dead without a word: frozen, stopped, cut off.

load helper
load servers

setup() {
	unset proxy_pid stopped silent
}

clean_up() {
	end_proxy
	[[ -z ${stopped-} ]] || kill -CONT "$stopped" 2>/dev/null || true
}

again() {
	[[ $(grep -c 'listening again on' "$ERR") -ge $1 ]]
}

backend() {
	sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'"
}

@test "a stopped backend is noticed by the heartbeat, and another one listens" {
	start_pgwait --heartbeat 0.2 -f %p jobs
	stopped=$(backend)
	stop "$stopped"
	wait_for again 1
	grep -q 'warning: lost the connection to .*: the server does not answer; trying again' "$ERR"
	notify jobs after
	wait_for lines "$OUT" 1
}

@test "a proxy that freezes" {
	start_proxy
	start_pgwait --heartbeat 0.2 -f %p "host=127.0.0.1 port=$proxy" jobs
	notify jobs before
	wait_for lines "$OUT" 1
	freeze_proxy
	wait_for grep -q 'the server does not answer' "$ERR"
	kill -CONT -- "-$proxy_pid"
	wait_for again 1
	notify jobs after
	wait_for grep -qx after "$OUT"
}

@test "one that is dead delays neither the others nor idle events" {
	start_proxy
	start_pgwait --heartbeat 0.2 -t 0.1 --idle-cmd "echo >>'$TMP/idle'" -f '%d %p' "host=127.0.0.1 port=$proxy" "host=$PGHOST" jobs
	freeze_proxy
	for i in {1..20}; do notify jobs "$i"; done
	has_all() { [[ $(grep -c "^postgres@$PGHOST" "$OUT") -eq 20 ]]; }
	wait_for has_all
	wait_for grep -q 'the server does not answer' "$ERR"
	before=$(wc -l <"$TMP/idle")
	wait_for lines "$TMP/idle" $((before + 3))
}

@test "^Z is no death: the answer had come meanwhile" {
	start_pgwait --heartbeat 0.5 -f %p jobs
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'")
	stop "$backend"
	asked() { (($(ss -xnp | awk -v pid="pid=$backend," 'index($0, pid) { n += $3 } END { print n + 0 }') > 0)); }
	wait_for asked
	stop "$PID"
	kill -CONT "$backend"
	wait_for unread 1 1
	start=$SECONDS
	# Longer than the deadline of an answer.
	overdue() { ((SECONDS > start + 6)); }
	wait_for overdue
	kill -CONT "$PID"
	notify jobs x
	wait_for lines "$OUT" 1
	run -1 grep -q 'lost' "$ERR"
}

@test "--heartbeat 0: no query but LISTEN" {
	start_pgwait --heartbeat 0 application_name=silent jobs
	silent=$PID
	start_pgwait --heartbeat 0.05 application_name=beating jobs
	queries() { sql -c "SELECT (extract(epoch FROM state_change - backend_start) * 1000)::int FROM pg_stat_activity WHERE application_name = '$1'"; }
	first=$(queries silent)
	beats() { (($(queries beating) > 1000)); }
	wait_for beats
	[[ $(queries silent) -eq $first ]]
	kill "$silent"
}

@test "a bad heartbeat is a usage error" {
	for value in x -1 0.001 1s; do
		run_split "$PGWAIT" "--heartbeat=$value" jobs
		[[ $status -eq 1 && $errors == *"invalid --heartbeat \"$value\""* ]]
	done
	run_split "$PGWAIT" --reconnect sometimes jobs
	[[ $status -eq 1 && $errors == *'invalid --reconnect "sometimes": accepted are "lost", "always", "never"'* ]]
}

@test "keepalives are set where the user set none" {
	start_pgwait "host=127.0.0.1" jobs
	sockets() { ss -tnpo state established "dport = :$PGPORT" | grep "pid=$PID,"; }
	[[ $(sockets) == *keepalive* ]]
	kill "$PID"
	end_pgwait
	start_pgwait "host=127.0.0.1 keepalives=0" jobs
	[[ $(sockets) == *"pid=$PID"* && $(sockets) != *keepalive* ]]
}

@test "a link that is cut, between two network namespaces" {
	needs_socat
	start_linked_networks
	in_network "$server" socat "TCP-LISTEN:5432,fork,reuseaddr" "UNIX-CONNECT:$PGHOST/.s.PGSQL.$PGPORT" \
		3>&- 4>&- >/dev/null 2>&1 &
	reached() { in_network "$client" pg_isready -q -h 192.0.2.1 -p 5432; }
	wait_for reached
	pgwait_in_network "$client"
	start_pgwait --heartbeat 0.2 -f %p "host=192.0.2.1 port=5432 connect_timeout=2" jobs
	notify jobs before
	wait_for lines "$OUT" 1
	in_network "$server" ip link set eth0 down
	wait_for grep -q 'lost the connection to' "$ERR"
	in_network "$server" ip link set eth0 up
	wait_for again 1
	notify jobs after
	wait_for grep -qx after "$OUT"
}

@test "--heartbeat 1 is a query every second" {
	start_pgwait --heartbeat 1 jobs
	last=
	seen() {
		local at
		at=$(sql -c "SELECT extract(epoch FROM query_start) FROM pg_stat_activity WHERE application_name = 'pgwait'")
		[[ $at == "$last" ]] || echo "$at" >>"$TMP/beats"
		last=$at
		lines "$TMP/beats" 6
	}
	wait_for seen
	# However slow the machine is, some come less than 4 s after another: it was every 5 s once.
	awk 'NR > 1 && $1 - before < 4 { n++ } { before = $1 } END { exit !(n >= 3) }' "$TMP/beats"
}
