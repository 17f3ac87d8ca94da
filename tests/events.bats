# --events: what happens, in the stream of notifications, exactly where it happened.

load helper

# There have been N events of this kind.
listening() {
	(($(grep -c '"listening"' "$OUT") >= $1))
}

@test "they stand where they happened" {
	createdb other
	start_pgwait -j --events -d postgres -d other jobs
	notify jobs first
	wait_for grep -q first "$OUT"
	# Stopped, so that it finds both together.
	stop "$PID"
	notify jobs before -d other
	wait_for unread 1 1 # a backend that is told to end sends no more
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'other' AND application_name = 'pgwait'" >/dev/null
	kill -CONT "$PID"
	wait_for listening 3
	notify jobs last
	wait_for grep -q last "$OUT"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	[[ $(jq -r '.event // .payload' "$OUT" | tr '\n' ' ') == 'listening listening first before lost listening last ' ]]
}

@test "listening: the channels, and the pid that one's own notifications would have" {
	start_pgwait -j --events -n 1 jobs Jobs $'a"\n'
	notify jobs x
	end_pgwait
	head -n 1 "$OUT" | jq -e 'keys_unsorted == ["event", "connection", "time", "channels", "backend_pid"] and
		.event == "listening" and .channels == ["jobs", "Jobs", "a\"\n"] and (.backend_pid | type == "number") and
		(.time | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{6}Z$"))' >/dev/null
	[[ $(head -n 1 "$OUT" | jq -r .connection) == "postgres@$PGHOST:$PGPORT" ]]
}

@test "lost: the reason, and the server's code for it" {
	start_pgwait -j --events --reconnect never jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	end_pgwait
	tail -n 1 "$OUT" | jq -e 'keys_unsorted == ["event", "connection", "time", "reason", "sqlstate", "retry_seconds"] and
		.event == "lost" and .sqlstate == "57P01" and (.reason | test("terminating connection")) and
		.retry_seconds == null' >/dev/null
	run_split "$PGWAIT" -j --events "host=127.0.0.1 port=1" jobs
	[[ $status -eq 2 ]]
	jq -e '.event == "lost" and .sqlstate == null and (.reason | length > 0)' "$OUT" >/dev/null
}

@test "lost, and listening again: when the next attempt is, and the gap" {
	start_pgwait -j --events jobs
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	wait_for listening 2
	after=$(date -u +%FT%T.%6NZ)
	kill "$PID"
	end_pgwait
	jq -s -e --arg after "$after" '(.[1].event == "lost") and (.[1].retry_seconds > 0) and (.[2] |
		keys_unsorted == ["event", "connection", "time", "channels", "backend_pid", "gap_seconds", "since"] and
		.gap_seconds > 0 and .since < .time and .time < $after)' "$OUT" >/dev/null
	[[ $(jq -r '.backend_pid // empty' "$OUT" | sort -u | wc -l) -eq 2 ]]
}

@test "idle: how many notifications since the last one, and the garbage" {
	start_plain -j --events -t 0.2 "host=127.0.0.1 port=1" "host=$PGHOST" jobs
	wait_for grep -q listening "$ERR"
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 100) i" >/dev/null
	all() { [[ $(jq -s 'map(select(.event == "idle").count) | add' "$OUT") == 100 ]]; }
	wait_for all
	idle_events() { (($(grep -c '"event":"idle"' "$OUT") >= $1)); }
	wait_for idle_events $(($(grep -c '"event":"idle"' "$OUT") + 1))
	kill "$PID"
	end_pgwait
	jq -s -e 'map(select(.event == "idle")) | all(keys_unsorted == ["event", "time", "count", "garbage"] and
		.garbage == ["postgres@127.0.0.1:1"])' "$OUT" >/dev/null
	# Each one counts exactly the notifications between it and the one before.
	jq -s -e 'reduce .[] as $r ({n: 0, ok: true};
		if $r.event == "idle" then {n: 0, ok: (.ok and $r.count == .n)} elif $r.event then . else .n += 1 end) | .ok' \
		"$OUT" >/dev/null
}

@test "notifications have no key event, events no key channel" {
	start_pgwait -j --events -n 2 jobs
	sql -c "NOTIFY jobs, 'a'" -c "NOTIFY jobs, '{\"event\":\"lost\"}'"
	end_pgwait
	jq -s -e 'all(has("event") != has("channel"))' "$OUT" >/dev/null
}

@test "with -0, a NUL byte ends an event too" {
	start_pgwait -0 -j --events -n 1 jobs
	notify jobs x
	end_pgwait
	[[ $(tr -cd '\0' <"$OUT" | wc -c) -eq 2 && $(tr -cd '\n' <"$OUT" | wc -c) -eq 0 ]]
	[[ $(tr '\0' '\n' <"$OUT" | jq -r '.event // .payload' | tr '\n' ' ') == 'listening x ' ]]
}

@test "without --events there are none" {
	start_pgwait -j -t 0.05 --idle-cmd "echo >>'$TMP/idle'" jobs
	idle() { [[ -e $TMP/idle ]] && lines "$TMP/idle" 3; }
	wait_for idle
	[[ ! -s $OUT ]]
}

@test "-n counts notifications only, and so does what was not written" {
	start_pgwait -j --events -n 2 -t 0.02 jobs
	notify jobs a
	idle() { (($(grep -c '"idle"' "$OUT") >= 3)); }
	wait_for idle
	notify jobs b
	end_pgwait
	[[ $status -eq 0 && $(grep -c '"payload"' "$OUT") -eq 2 ]]

	# A disk that is full from the start: the event is not written either, but does not count.
	status=0
	"$PGWAIT" -j --events jobs >/dev/full 2>"$ERR" || status=$?
	[[ $status -eq 1 ]]
	grep -q 'could not write to standard output: No space left on device$' "$ERR"
}
