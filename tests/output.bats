# Text, NUL, JSON, formats; written at once, exactly, and with errors that are told.

load helper

# Every byte but 0, in a database that has no encoding.
setup() {
	[[ $BATS_TEST_DESCRIPTION == *byte* ]] || return 0
	sql -c "SELECT 1 FROM pg_database WHERE datname = 'bytes'" | grep -q 1 ||
		createdb -E SQL_ASCII -T template0 --locale=C bytes
	export PGDATABASE=bytes
}

send_bytes() {
	sql >/dev/null <<'SQL'
SELECT pg_notify('jobs', convert_from(decode(string_agg(lpad(to_hex(i), 2, '0'), '' ORDER BY i), 'hex'), 'SQL_ASCII'))
FROM generate_series(1, 255) i
SQL
}

all_bytes() {
	local i
	for ((i = 1; i < 256; i++)); do printf '%b' "\\x$(printf %02x "$i")"; done
}

# What text output makes of them, written down anew.
all_escaped() {
	local i
	for ((i = 1; i < 256; i++)); do
		case $i in
		9) printf '\\t' ;;
		10) printf '\\n' ;;
		13) printf '\\r' ;;
		92) printf '\\\\' ;;
		*)
			if ((i < 32 || i > 126)); then printf '\\x%02x' "$i"; else printf "\\x$(printf %x "$i")"; fi
			;;
		esac
	done
}

@test "text: every byte, reversible" {
	start_pgwait -n 1 jobs
	send_bytes
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 1 ]]
	[[ $(cut -f2 "$OUT") == "$(all_escaped)" ]]
	printf '%b' "$(cut -f2 "$OUT")" | cmp - <(all_bytes)
}

@test "NUL: every byte as it came" {
	start_pgwait -0 -n 1 jobs
	send_bytes
	end_pgwait
	cmp <(head -c $((5 + 256)) "$OUT") <(printf 'jobs\0'; all_bytes; printf '\0')
	[[ $(tail -c +262 "$OUT" | tr '\0' '@') =~ ^[0-9]+@$ ]]
}

@test "JSON: every byte, in base64 where it is not text" {
	start_pgwait -j -n 1 jobs
	send_bytes
	end_pgwait
	iconv -f UTF-8 -t UTF-8 "$OUT" >/dev/null
	jq -r .payload_base64 "$OUT" | base64 -d | cmp - <(all_bytes)
	[[ $(jq '.payload | explode | map(select(. == 65533)) | length' "$OUT") -eq 128 ]]
	[[ $(jq '.payload | explode | .[0:127] == [range(1; 128)]' "$OUT") == true ]]
}

@test "text: channel, payload, pid of the notifier" {
	start_pgwait -n 3 jobs
	pid=$(sql -c "SELECT pg_notify('jobs', 'a'), pg_notify('jobs', ''), pg_notify('jobs', 'x	y')" -c 'SELECT pg_backend_pid()' | tail -n 1)
	end_pgwait
	[[ $(<"$OUT") == "jobs	a	$pid
jobs		$pid
jobs	x\\ty	$pid" ]]
}

@test "text: control characters of UTF-8 are escaped, letters are not" {
	start_pgwait -f %e -n 1 jobs
	notify jobs $'\u0085\u009f \u00a0\u00e9\u20ac\U1f600\x7f\e[31m'
	end_pgwait
	[[ $(<"$OUT") == '\xc2\x85\xc2\x9f '$'\u00a0\u00e9\u20ac\U1f600''\x7f\x1b[31m' ]]
}

@test "JSON: keys in order, times in UTC with microseconds" {
	before=$(date -u +%FT%T.%6NZ)
	start_pgwait -j -n 1 jobs
	notify jobs 'say "hé\"'
	end_pgwait
	after=$(date -u +%FT%T.%6NZ)
	[[ $(jq -r 'keys_unsorted | join(" ")' "$OUT") == 'channel payload pid connection time' ]]
	[[ $(jq -r .payload "$OUT") == 'say "hé\"' ]]
	[[ $(jq -r .connection "$OUT") == "postgres@$PGHOST:$PGPORT" ]]
	time=$(jq -r .time "$OUT")
	[[ $time =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$ ]]
	[[ ! $time < $before && ! $after < $time ]]
}

@test "formats: each letter and escape" {
	start_pgwait -n 1 -f '%c|%p|%e|%l|%i|%d|%T|%s|%%|\t|\\|\x41' jobs
	pid=$(sql -c "SELECT pg_notify('jobs', E'é\t')" -c 'SELECT pg_backend_pid()' | tail -n 1)
	end_pgwait
	IFS='|' read -r c p e l i d T s percent tab backslash A <"$OUT"
	[[ $c == jobs && $p == $'é\t' && $e == 'é\t' && $l == 3 && $i == "$pid" && $d == "postgres@$PGHOST:$PGPORT" ]]
	[[ $percent == % && $tab == $'\t' && $backslash == '\' && $A == A ]]
	[[ $(date -u -d "@$s" +%FT%T.%6NZ) == "$T" ]]
}

@test "formats: %j is the JSON object, ends of records" {
	start_pgwait -n 1 -f '%j\n\0' jobs
	notify jobs x
	end_pgwait
	tr -d '\0' <"$OUT" | jq -e '.payload == "x"'
	[[ $(tail -c 2 "$OUT" | od -An -tx1 | tr -d ' ') == 0a00 ]]
	start_pgwait -n 1 -0 -f '%p' jobs
	notify jobs x
	end_pgwait
	[[ $(od -An -tx1 "$OUT" | tr -d ' ') == 7800 ]]
	start_pgwait -n 1 -0 -j jobs
	notify jobs x
	end_pgwait
	[[ $(tail -c 2 "$OUT" | od -An -tx1 | tr -d ' ') == 7d00 ]]
}

@test "the largest payload" {
	start_pgwait -n 1 -f %p jobs
	sql -c "SELECT pg_notify('jobs', repeat('x', 7999))" >/dev/null
	end_pgwait
	[[ $(wc -c <"$OUT") -eq 8000 ]]
}

@test "no line waits for the next" {
	mkfifo "$TMP/pipe"
	"$PGWAIT" -f %p jobs >"$TMP/pipe" 2>"$ERR" 3>&- &
	PID=$!
	exec 8<"$TMP/pipe"
	wait_for grep -q listening "$ERR"
	for i in 1 2 3 4 5; do
		notify jobs "$i"
		read -r -t "$DEADLINE" line <&8
		[[ $line == "$i" ]]
	done
	exec 8<&-
}

@test "a batch is one write" {
	start_pgwait -n 1000 jobs
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 999) i" >/dev/null
	wait_for lines "$OUT" 999
	# Everything that it ever wrote: its diagnostics, the pipes of its start, and the lines.
	(($(awk '/^syscw/ { print $2 }' "/proc/$PID/io") < 100))
}

@test "a full disk is an error that says so" {
	"$PGWAIT" --ready-fd 9 jobs >/dev/full 2>"$ERR" 9>"$TMP/ready" 3>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	notify jobs x
	end_pgwait
	[[ $status -eq 1 ]]
	grep -q 'could not write to standard output: No space left on device; 1 notification was not written' "$ERR"
}

@test "a reader that leaves is noticed without a write" {
	mkfifo "$TMP/pipe"
	"$PGWAIT" jobs >"$TMP/pipe" 2>"$ERR" 3>&- &
	PID=$!
	exec 8<"$TMP/pipe"
	wait_for grep -q listening "$ERR"
	exec 8<&-
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a reader that leaves before -n is met is an error" {
	mkfifo "$TMP/pipe"
	"$PGWAIT" -n 5 jobs >"$TMP/pipe" 2>"$ERR" 3>&- &
	PID=$!
	exec 8<"$TMP/pipe"
	wait_for grep -q listening "$ERR"
	exec 8<&-
	end_pgwait
	[[ $status -eq 1 ]]
}

@test "head ends pgwait" {
	(
		"$PGWAIT" -f %p jobs 2>"$ERR" 3>&-
		echo $? >"$TMP/status"
	) | head -n 1 >"$OUT" &
	wait_for grep -q listening "$ERR"
	notify jobs first
	wait_for test -s "$TMP/status"
	[[ $(<"$OUT") == first && $(<"$TMP/status") -eq 0 ]]
}

flags() {
	awk '/^flags/ { print $2 }' "/proc/$BASHPID/fdinfo/$1"
}

@test "a shared pipe stays blocking for others, and a slow reader gets everything" {
	mkfifo "$TMP/pipe"
	exec 8<>"$TMP/pipe"
	before=$(flags 8)
	"$PGWAIT" -n 20000 --ready-fd 9 -f %p jobs >&8 2>"$ERR" 9>"$TMP/ready" 3>&- &
	PID=$!
	wait_for test -s "$TMP/ready"
	sql -c "SELECT count(pg_notify('jobs', lpad(i::text, 100, '0'))) FROM generate_series(1, 20000) i" >/dev/null
	# Much more than a pipe holds: the server must not notice.
	settled() { [[ $(sql -c "SELECT wait_event FROM pg_stat_activity WHERE application_name = 'pgwait'") == ClientRead ]]; }
	wait_for settled
	[[ $(sql -c 'SELECT pg_notification_queue_usage()') == 0 ]]
	[[ $(flags 8) == "$before" ]]
	head -n 20000 <&8 | cmp - <(seq -f %0100.0f 20000)
	exec 8>&-
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a socket as standard output" {
	socat -u "UNIX-LISTEN:$TMP/socket" "OPEN:$TMP/received,creat" 3>&- &
	socat=$!
	wait_for test -S "$TMP/socket"
	ln -s "$PGWAIT" "$TMP/pgwait" # its own path may hold a space
	# nofork: the socket itself is the program's standard output.
	socat "UNIX-CONNECT:$TMP/socket" "EXEC:$TMP/pgwait -n 20000 -f %p jobs,nofork" 2>"$ERR" 3>&- &
	PID=$!
	wait_for grep -q listening "$ERR"
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 20000) i" >/dev/null
	wait_for gone "$socat"
	cmp "$TMP/received" <(seq 20000)
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a terminal as standard output" {
	script -qefc "'$PGWAIT' -n 1 jobs" "$TMP/typescript" >/dev/null 2>&1 </dev/null 3>&- &
	PID=$!
	wait_for grep -q listening "$TMP/typescript"
	notify jobs $'\e[31mred'
	wait_for gone "$PID"
	grep -qF 'jobs	\x1b[31mred	' "$TMP/typescript"
}

@test "a closed standard output is an error at the start" {
	status=0
	"$PGWAIT" jobs >&- 2>"$ERR" || status=$?
	[[ $status -eq 1 ]]
	grep -q 'standard output is closed' "$ERR"
}
