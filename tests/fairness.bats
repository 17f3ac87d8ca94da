# One connection in trouble, or a very busy one, is no trouble for the others.

load helper
load servers

clean_up() {
	end_proxy
}

@test "one that floods: another one's notification waits for a batch, not for the flood" {
	createdb quiet
	start_pgwait -f '%d %p' dbname=postgres dbname=quiet jobs
	# Stopped, so that both have something to say when it goes on.
	stop "$PID"
	sql -c "SELECT count(pg_notify('jobs', 'flood ' || i)) FROM generate_series(1, 100000) i" >/dev/null
	notify jobs quiet -d quiet
	wait_for unread 2 1
	kill -CONT "$PID"
	wait_for lines "$OUT" 100001
	position=$(grep -n '^quiet@.* quiet$' "$OUT" | cut -d: -f1)
	# A read is 16 KiB, of notifications of more than 20 bytes.
	((position <= 2 * 16384 / 20))
}

@test "300 connections that come back at once, while another one receives" {
	createdb calm
	start_pgwait -j --events dbname=calm application_name=many{1..300} jobs
	sql -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name ~ '^many'" >/dev/null
	for i in {1..50}; do notify jobs "$i" -d calm; done
	all_back() { [[ $(grep -c '"gap_seconds"' "$OUT") -ge 300 ]]; }
	wait_for all_back
	diff <(jq -r 'select(.connection and (.connection | startswith("calm"))) | .payload // empty' "$OUT") <(seq 50)
	notify jobs again
	everywhere() { [[ $(grep -c '"payload":"again"' "$OUT") -eq 300 ]]; }
	wait_for everywhere
}

# in_one_turn: each turn of the loop takes what 201 connections have to say. libevent takes 32 of them at first, and twice as
# many in the next turn whenever there were more.
in_one_turn() {
	local round
	for round in 1 2 3 4; do
		stop "$PID"
		notify jobs "round $round"
		wait_for unread 201 1 xt
		kill -CONT "$PID"
		written() { [[ $(grep -c "\"payload\":\"round $round\"" "$OUT") -eq 201 ]]; }
		wait_for written
	done
}

# lost_together COMMAND...: pgwait listens on 200 connections many1, many2, ... and a good one, and COMMAND ends the many. The
# good one's notification is read in the same turn, and written before any of them is told to be lost, and before more than one
# of them is closed, whose read finds the end.
lost_together() {
	in_one_turn
	# Stopped, so that all have something to say when it goes on, the good one last.
	stop "$PID"
	"$@"
	all_gone() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^many'") == 0 ]]; }
	wait_for all_gone
	notify jobs x
	wait_for unread 1 1
	open=$(sockets)
	kill -CONT "$PID"
	wait_for stands_still "$PID" # before it writes x
	closed=$((open - $(sockets)))
	kill -CONT "$PID"
	wait_for grep -q '"payload":"x"' "$OUT"
	before=$(sed '/"payload":"x"/q' "$OUT" | grep -c '"event":"lost"' || true)
	all_lost() { [[ $(grep -c '"event":"lost"' "$OUT") -ge 200 ]]; }
	wait_for all_lost
	echo "$before were told to be lost before, $closed were closed"
	((before == 0 && closed <= 1))
}

sockets() {
	find "/proc/$PID/fd" -lname 'socket:*' | wc -l
}

# start_stopping ARG...: pgwait stops before it writes the notification x.
start_stopping() {
	needs_faults
	STOPS='"payload":"x"' with_faults start_pgwait -j --events "$@" jobs
}

@test "200 that the server ends together: another one's notification does not wait until all of them are closed" {
	start_tls
	start_stopping -d postgres 'host=127.0.0.1 sslmode=require application_name=many'{1..200}
	lost_together sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^many'"
	sql -c 'ALTER SYSTEM RESET ssl' -c 'SELECT pg_reload_conf()' >/dev/null
}

# start_between: the same through pgbouncer, whose process is $between.
start_between() {
	rm -f "$SANDBOX_DIR"/bouncer.session.*.pid
	start_pgbouncer session 'max_client_conn = 300' 'default_pool_size = 250'
	between=$(cat "$SANDBOX_DIR"/bouncer.session.*.pid)
	start_stopping -d postgres "host=127.0.0.1 port=$bouncer application_name=many"{1..200}
}

@test "200 that are cut off together: another one's notification does not wait until all of them are closed" {
	start_between
	lost_together kill -KILL "$between"
}

# libevent reports with epoll and poll that a connection has ended, with select it does not. pgwait does not rely on it.
@test "200 that are cut off together, where libevent has nothing but select" {
	EVENT_NOEPOLL=1 EVENT_NOPOLL=1 start_between
	lost_together kill -KILL "$between"
}

# A socket that does not linger is not closed, but reset.
@test "200 that are reset together: another one's notification does not wait until all of them are closed" {
	start_proxy backlog=256,linger=0
	start_stopping -d postgres "host=127.0.0.1 port=$proxy application_name=many"{1..200}
	lost_together kill -KILL -- "-$proxy_pid"
	proxy_pid=
}

@test "a name server that never answers delays neither the others nor the end" {
	needs_socat
	start_network
	# The name servers that this system asks are here, and take every question.
	mapfile -t servers < <(sed -nE 's/^nameserver[[:space:]]+([0-9a-fA-F.:]+).*/\1/p' /etc/resolv.conf)
	for address in "${servers[@]:-127.0.0.1}"; do
		in_network "$network" ip addr add "$address" dev lo 2>/dev/null || true # 127.0.0.53 is there
		[[ $address == *:* ]] && form="UDP6-RECV:53,bind=[$address]" || form="UDP4-RECV:53,bind=$address"
		in_network "$network" socat -u "$form" OPEN:/dev/null 3>&- 4>&- >/dev/null 2>&1 &
	done
	pgwait_in_network "$network"
	start_plain -t 0.1 -j --events "host=slow.example connect_timeout=2" "host=slow.example port=1 connect_timeout=2" \
		"host=$PGHOST" jobs
	wait_for grep -q '"event":"listening"' "$OUT"
	notify jobs x
	wait_for grep -q '"payload":"x"' "$OUT"
	wait_for grep -q 'the name was not resolved in 2 s' "$ERR"
	wait_for grep -q '"event":"idle"' "$OUT"
	# One thread looks the name up for both, and for the attempts that follow.
	wait_for grep -q 'attempt 2' "$ERR"
	[[ $(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l) -le 2 ]]
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}
