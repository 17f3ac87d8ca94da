# Many connections, counts, idle events, the garbage.

load helper

burst() {
	sql "${@:2}" -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, $1) i" >/dev/null
}

@test "-n is exact in the middle of a batch, in every mode" {
	start_pgwait -n 300 -f %p jobs
	burst 1000
	end_pgwait
	cmp "$OUT" <(seq 300)
	start_pgwait -n 300 -j jobs
	burst 1000
	end_pgwait
	[[ $(jq -r .payload "$OUT" | tail -n 1) == 300 && $(wc -l <"$OUT") -eq 300 ]]
	start_pgwait -n 300 -0 jobs
	burst 1000
	end_pgwait
	[[ $(tr -cd '\0' <"$OUT" | wc -c) -eq 900 ]]
}

@test "many connections side by side, in one order each" {
	for i in {1..5}; do createdb "many$i"; done
	start_pgwait -n 5000 -f '%d %p' dbname=many{1..5} jobs
	for i in {1..5}; do burst 1000 -d "many$i" & done
	end_pgwait
	for i in {1..5}; do
		grep "^many$i@" "$OUT" | cut -d' ' -f2 | cmp - <(seq 1000)
	done
}

@test "idle events come while notifications flow" {
	start_pgwait -t 0.1 --idle-cmd "echo \$PGWAIT_COUNT >>'$TMP/idle'" jobs
	(while :; do burst 100; done) 3>&- &
	flow=$!
	busy() { [[ -s $TMP/idle ]] && (($(grep -cv '^0$' "$TMP/idle") >= 5)); }
	wait_for busy || { kill "$flow"; return 1; }
	kill "$flow"
}

@test "an idle event never overtakes a notification" {
	start_pgwait -j --events -t 0.01 --idle-cmd "echo \$PGWAIT_COUNT >>'$TMP/idle'" jobs
	for i in {1..10}; do burst 300; done
	counted() { (($(jq -s 'map(select(.event == "idle").count) | add' "$OUT") == 3000)); }
	wait_for counted
	counted() { (($(awk '{ n += $1 } END { print n }' "$TMP/idle") == 3000)); }
	wait_for counted
	# Each counts what stands before it, and was not counted yet.
	jq -ne 'reduce inputs as $r ({n: 0, ok: true};
		if $r.event == "idle" then {n: 0, ok: (.ok and $r.count == .n)} elif $r.event then . else .n += 1 end) | .ok' \
		<"$OUT" >/dev/null
}

@test "missed ticks are not made up" {
	start_pgwait -j --events -t 0.05 jobs
	wait_for lines "$OUT" 3
	stop "$PID"
	before=$(wc -l <"$OUT")
	# Long enough for twenty ticks.
	start=$(date +%s%N)
	late() { (($(date +%s%N) - start > 1000000000)); }
	wait_for late
	resumed=$(date +%s%N)
	kill -CONT "$PID"
	wait_for lines "$OUT" $((before + 12))
	# One at most for all that were missed, then those of the rhythm.
	mapfile -t times < <(tail -n +$((before + 1)) "$OUT" | jq -r .time | date -f - +%s%N | awk -v r="$resumed" '$1 >= r')
	((${#times[@]} >= 10 && ${#times[@]} <= (times[-1] - resumed) / 50000000 + 2))
}

lines_of_idle() {
	[[ -e $TMP/idle ]] && lines "$TMP/idle" "$1"
}

# flow SECONDS: a notification every 50 ms for so long, from one session.
flow() {
	sql -v ON_ERROR_STOP=1 <<-SQL
		DO \$\$ BEGIN
			FOR i IN 1 .. $1 * 20 LOOP NOTIFY jobs; COMMIT; PERFORM pg_sleep(0.05); END LOOP;
		END \$\$
	SQL
}

# silence_before TIME: at least a second has passed since the last notification before this Unix time.
silence_before() {
	awk -v t="$1" '$1 <= t { last = $1 } END { exit !(t - last >= 1) }' "$OUT"
}

idle_count() {
	if [[ -e $TMP/idle ]]; then wc -l <"$TMP/idle"; else echo 0; fi
}

@test "--idle-restart: an idle event means so long without a notification" {
	start_pgwait -f %s -t 1 --idle-restart --idle-cmd "date -d \"\$PGWAIT_TIME\" +%s.%N >>'$TMP/idle'" jobs
	# On a machine that was too slow for an even flow, once more.
	none_meanwhile() {
		notify jobs
		before=$(idle_count)
		flow 3
		(($(idle_count) == before))
	}
	wait_for none_meanwhile
	wait_for lines_of_idle $((before + 1))
	while read -r time; do
		silence_before "$time"
	done <"$TMP/idle"
}

@test "-e waits for silence" {
	printf '#!/bin/sh\n%q "$@"\nstatus=$?\ndate +%%s.%%N >%q\nexit $status\n' "$PGWAIT" "$TMP/end" >"$TMP/pgwait"
	chmod +x "$TMP/pgwait"
	PGWAIT=$TMP/pgwait
	early=no
	outlives_flow() {
		start_pgwait -e 1 -f %s jobs
		flow 3
		gone "$PID" || return 0
		# Only a machine that was too slow for an even flow excuses it.
		silence_before "$(<"$TMP/end")" || early=yes
		return 1
	}
	wait_for outlives_flow
	[[ $early == no ]]
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a lost connection goes to the garbage, the others go on" {
	createdb lost
	start_pgwait --reconnect never -t 0.1 --idle-cmd "printf '%s\n' \"\$PGWAIT_GARBAGE\" >>'$TMP/garbage'" dbname=lost dbname=postgres jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'lost'" >/dev/null
	wait_for grep -qsx "lost@$PGHOST:$PGPORT" "$TMP/garbage"
	grep -q "pgwait: warning: lost the connection to \"lost@$PGHOST:$PGPORT\"" "$ERR"
	notify jobs still
	wait_for grep -q still "$OUT"
}

@test "what libpq holds when a connection dies is written first" {
	start_pgwait --reconnect never -f %p jobs
	stop "$PID"
	burst 1000
	pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'")
	idle() { [[ $(sql -c "SELECT wait_event FROM pg_stat_activity WHERE pid = $pid") == ClientRead ]]; }
	wait_for idle
	sql -c "SELECT pg_terminate_backend($pid, 10000)" >/dev/null
	kill -CONT "$PID"
	end_pgwait
	[[ $status -eq 2 ]]
	cmp "$OUT" <(seq 1000)
}

@test "at the start: what no retry mends ends it, though others are good" {
	run_split timeout "$DEADLINE" "$PGWAIT" dbname=nowhere dbname=postgres jobs
	[[ $status -eq 2 ]]
	grep -q 'error: could not connect to "nowhere@' "$ERR"
	grep -q 'SQLSTATE 3D000' "$ERR"
}

@test "at the start: what may pass is a warning where another listens" {
	start_plain "host=127.0.0.1 port=1" "host=$PGHOST" jobs
	wait_for grep -q listening "$ERR"
	grep -q 'warning: could not connect to "postgres@127.0.0.1:1"' "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
}

@test "at the start: the last that fails is an error, status 2" {
	run_split "$PGWAIT" "host=127.0.0.1 port=1" "host=127.0.0.1 port=2" jobs
	[[ $status -eq 2 ]]
	[[ $(grep -c 'pgwait: warning: could not connect' "$ERR") -eq 1 ]]
	[[ $(grep -c 'pgwait: error: could not connect' "$ERR") -eq 1 ]]
}

@test "--ready-fd is silent unless all listen" {
	"$PGWAIT" --ready-fd 9 "host=127.0.0.1 port=1" "host=$PGHOST" jobs >"$OUT" 2>"$ERR" 9>"$TMP/ready" 3>&- &
	PID=$!
	wait_for grep -q listening "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
	[[ ! -s $TMP/ready ]]
}

@test "stderr: listening lines, -q, -v, and a summary for many" {
	start_pgwait a b
	grep -qx "pgwait: listening on a, b (postgres@$PGHOST:$PGPORT)" "$ERR" # before --ready-fd says so
	kill "$PID"
	end_pgwait
	run_split "$PGWAIT" -q -e 0.05 jobs
	[[ $status -eq 0 && $errors == '' ]]
	run_split "$PGWAIT" -v -e 0.05 jobs
	[[ $errors == *'ready -> listening'* ]]
	run_split "$PGWAIT" -e 0.05 application_name=s{1..11} jobs
	[[ $errors == 'pgwait: listening on 11 connections' ]]
}

@test "500 connections in one process" {
	ulimit -S -n 64
	start_pgwait -n 500 -f %d application_name=c{1..500} jobs
	notify jobs x
	end_pgwait
	[[ $status -eq 0 && $(sort -u "$OUT" | wc -l) -eq 500 ]]
}

@test "-e: time in which the buffer is full is no silence" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	"$PGWAIT" -f %p -e 1 --buffer 64KiB --ready-fd 9 jobs >"$TMP/pipe" 2>"$ERR" 9>"$TMP/ready" 3>&- 8>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 1000)) FROM generate_series(1, 3000) i" >/dev/null
	wait_for grep -q 'the buffer of 64 KiB is full' "$ERR"
	rest 2.5 # longer than -e: nothing ends it meanwhile
	! gone "$PID" || false
	cat <&8 >"$OUT" 3>&- &
	reader=$!
	wait_for gone "$PID"
	exec 8>&-
	wait_for lines "$OUT" 3000
	kill "$reader" 2>/dev/null || true
	status=0
	wait "$PID" || status=$?
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 3000 ]]
}

@test "what listens is told though another connection does not answer, and that one at the end of -m" {
	start_silent
	start_plain -m 3 dbname=postgres "host=127.0.0.1 port=$port user=u dbname=d sslmode=disable gssencmode=disable" jobs
	wait_for grep -q 'listening on jobs (postgres@' "$ERR"
	run -1 grep 'port' "$ERR"
	end_pgwait
	[[ $status -eq 0 ]]
	grep -qx "pgwait: warning: could not listen on \"d@127.0.0.1:$port\" in time: still connecting" "$ERR"
	run_split "$PGWAIT" -m 0.3 "host=127.0.0.1 port=$port user=u dbname=d sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 && $errors == "pgwait: error: could not listen on \"d@127.0.0.1:$port\" in time: still connecting" ]]
	run_split "$PGWAIT" -t 0 -m 0.3 "host=127.0.0.1 port=$port user=u dbname=d sslmode=disable gssencmode=disable" jobs
	[[ $status -eq 2 && $errors == *"could not listen on \"d@127.0.0.1:$port\" in time"* ]]
}

@test "many connections, one of which does not answer: how many listen is told" {
	start_silent
	start_plain application_name=c{1..11} "host=127.0.0.1 port=$port user=u dbname=d sslmode=disable gssencmode=disable" jobs
	wait_for grep -qx 'pgwait: listening on 11 connections' "$ERR"
}
