#!/usr/bin/env bats
# Standard output: the formats, what may stand behind it, and readers that are slow or leave.

load helper

setup_file() {
	# Any bytes can be in a payload here.
	sql -c "CREATE DATABASE ascii ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
}

has() {
	[[ $1 == *"$2"* ]] || {
		printf 'expected: %s\nin: %s\n' "$2" "$1"
		return 1
	}
}

# send_bytes CHANNEL HEX [DATABASE]: a payload of these bytes, to a database that takes them.
send_bytes() {
	sql -d "${3:-ascii}" -c "SELECT pg_notify('$1', convert_from('\\x$2', getdatabaseencoding()))" >/dev/null
}

# A notification for each byte: a?b.
send_all_bytes() {
	sql -d ascii -c "SELECT pg_notify('bytes', 'a' || convert_from(set_byte('\\x00', 0, i), 'SQL_ASCII') || 'b')
		FROM generate_series(1, 255) i" >/dev/null
}

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

# one FORMAT-OPTION... : what it writes for one notification on `jobs` with $payload.
one() {
	start_pgwait -n 1 "$@" jobs
	notify jobs "$payload"
	end_pgwait
	[[ $status -eq 0 ]]
}

# In the background, with the stdout that the caller gives: status in $TMP/status, stderr in $ERR.
run_status() {
	local status=0
	"$PGWAIT" "$@" 2>"$ERR" 3>&- || status=$?
	echo "$status" >"$TMP/status.new"
	mv "$TMP/status.new" "$TMP/status"
}

ready() {
	grep -q '^pgwait: listening on' "$ERR"
}

ended_with() {
	wait_for test -e "$TMP/status"
	echo "status $(<"$TMP/status"), $(<"$ERR")"
	[[ $(<"$TMP/status") == "$1" ]]
}

@test "text: channel, payload, pid" {
	start_pgwait -n 1 jobs
	pid=$(sql -c "NOTIFY jobs, 'hello world'" -c 'SELECT pg_backend_pid()')
	end_pgwait
	[[ $(<"$OUT") == $'jobs\thello world\t'"$pid" ]]
	[[ $(wc -l <"$OUT") -eq 1 ]]
}

@test "text: every byte" {
	local i c
	start_pgwait -d ascii -n 255 bytes
	send_all_bytes
	end_pgwait
	[[ $status -eq 0 ]]
	for ((i = 1; i < 256; i++)); do
		case $i in
		9) c='\t' ;;
		10) c='\n' ;;
		13) c='\r' ;;
		92) c='\\' ;;
		*)
			printf -v c '\\x%02x' "$i"
			((i < 32 || i > 126)) || printf -v c %b "$c"
			;;
		esac
		printf 'bytes\ta%sb\n' "$c"
	done >"$TMP/expected"
	cut -f 1,2 "$OUT" | diff "$TMP/expected" -
}

@test "text: it can be reversed, whatever the bytes" {
	local bytes='' i seed=12345 payload
	for ((i = 1; i < 256; i++)); do
		printf -v bytes '%s%02x' "$bytes" "$i"
	done
	for ((i = 0; i < 700; i++)); do # what makes sequences of UTF-8, cut and whole
		seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
		case $((seed >> 8 & 7)) in
		0) bytes+=c3a9 ;;
		1) bytes+=e282ac ;;
		2) bytes+=f09f9880 ;;
		3) bytes+=c285 ;;
		4) bytes+=5c ;;
		5) bytes+=f09f ;;
		*) printf -v bytes '%s%02x' "$bytes" $(((seed >> 16 & 255) | 1)) ;;
		esac
	done
	start_pgwait -d ascii -n 1 jobs
	send_bytes jobs "$bytes"
	end_pgwait
	iconv -f UTF-8 -t UTF-8 "$OUT" >/dev/null
	[[ $(wc -l <"$OUT") -eq 1 ]]
	IFS=$'\t' read -r channel payload pid <"$OUT"
	[[ $(printf %b "$payload" | hex) == "$bytes" ]]
}

@test "text: C1 control characters, and what stands next to them" {
	local i c
	start_pgwait -n 34 jobs
	sql -c "SELECT pg_notify('jobs', chr(i)) FROM generate_series(127, 160) i" >/dev/null
	end_pgwait
	{
		printf '\\x7f\n'
		for ((i = 128; i < 160; i++)); do
			printf '\\xc2\\x%02x\n' "$i"
		done
		printf '\xc2\xa0\n'
	} >"$TMP/expected"
	cut -f 2 "$OUT" | diff "$TMP/expected" -
}

@test "text: what is no UTF-8 is escaped byte by byte" {
	local hexes=(c080 eda080 f4908080 e282 c3 ff c3c3a9 f8888080 e08080 efbfbd efbfbf f48fbfbf)
	local expected=('\xc0\x80' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xe2\x82' '\xc3' '\xff' '\xc3é'
		'\xf8\x88\x80\x80' '\xe0\x80\x80' $'\xef\xbf\xbd' $'\xef\xbf\xbf' $'\xf4\x8f\xbf\xbf')
	start_pgwait -d ascii -n "${#hexes[@]}" jobs
	for bytes in "${hexes[@]}"; do
		send_bytes jobs "$bytes"
	done
	end_pgwait
	cut -f 2 "$OUT" | diff <(printf '%s\n' "${expected[@]}") -
}

@test "text: the channel is escaped too" {
	start_pgwait -n 1 $'a\tb\\\n\e\x7f\xc2\x9b'
	notify $'a\tb\\\n\e\x7f\xc2\x9b' x
	end_pgwait
	[[ $(cut -f 1 "$OUT") == 'a\tb\\\n\x1b\x7f\xc2\x9b' ]]
	[[ $(wc -l <"$OUT") -eq 1 ]]
	start_pgwait -n 1 -f %c $'a\tb\\\n\e\x7f\xc2\x9b'
	notify $'a\tb\\\n\e\x7f\xc2\x9b' x
	end_pgwait
	[[ $(<"$OUT") == 'a\tb\\\n\x1b\x7f\xc2\x9b' ]]
}

# at_every_place TEXT [QUERY]: a row for each place of TEXT, an expression, in payloads of up to 80 characters.
at_every_place() {
	sql -c "SELECT ${2:-payload} FROM (SELECT repeat('x', place - 1) || $1 || repeat('x', n - place) AS payload
		FROM generate_series(1, 80) n, generate_series(1, n) place) rows"
}

@test "text and JSON: what has to be escaped is found at every place" {
	start_pgwait -n 3240 -f %e jobs
	at_every_place 'chr(1)' "count(pg_notify('jobs', payload))" >/dev/null
	end_pgwait
	at_every_place "'\x01'" | cmp - "$OUT"
	start_pgwait -n 3240 -j jobs
	at_every_place "'\"'" "count(pg_notify('jobs', payload))" >/dev/null
	end_pgwait
	jq -r .payload "$OUT" >"$OUT.payloads"
	at_every_place "'\"'" | cmp - "$OUT.payloads"
}

@test "payloads: empty, and the longest" {
	start_pgwait -n 5 -f '%l %p' jobs
	sql -c 'NOTIFY jobs' -c "NOTIFY jobs, ''" -c "SELECT pg_notify('jobs', repeat('x', 7999))" \
		-c "SELECT pg_notify('jobs', repeat(chr(1), 7999))" -c "SELECT pg_notify('jobs', repeat('é', 3999))" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	{
		printf '0 \n0 \n7999 '
		printf 'x%.0s' {1..7999}
		printf '\n7999 '
		printf '\1%.0s' {1..7999}
		printf '\n7998 '
		printf 'é%.0s' {1..3999}
		echo
	} | cmp - "$OUT"
	start_pgwait -n 2 jobs
	sql -c 'NOTIFY jobs' -c "SELECT pg_notify('jobs', repeat(chr(1), 7999))" >/dev/null
	end_pgwait
	[[ $(head -n 1 "$OUT") =~ ^jobs$'\t\t'[0-9]+$ ]]
	[[ $(tail -n 1 "$OUT" | cut -f 2 | sed 's/\\x01//g') == '' && $(tail -n 1 "$OUT" | wc -c) -gt 31996 ]]
}

@test "-0: channel, payload and pid, nothing escaped" {
	start_pgwait -0 -n 255 -d ascii bytes
	send_all_bytes
	end_pgwait
	[[ $(tr -cd '\0' <"$OUT" | wc -c) -eq 765 ]]
	for ((i = 1; i < 256; i++)); do
		printf 'bytes\0a\x'"$(printf %02x "$i")"'b\0PID\0'
	done >"$TMP/expected"
	LC_ALL=C sed -z 's/^[0-9][0-9]*$/PID/' "$OUT" | cmp "$TMP/expected" -
	start_pgwait -0 -n 2 jobs
	pid=$(sql -c "NOTIFY jobs, 'first'" -c 'NOTIFY jobs' -c 'SELECT pg_backend_pid()')
	end_pgwait
	printf 'jobs\0first\0%d\0jobs\0\0%d\0' "$pid" "$pid" | cmp - "$OUT"
}

@test "-0 with -j or -f: one NUL ends the record" {
	start_pgwait -0 -j -n 2 jobs
	sql -c "NOTIFY jobs, 'a'" -c "NOTIFY jobs, 'b'"
	end_pgwait
	[[ $(tr -cd '\0' <"$OUT" | wc -c) -eq 2 && $(tr -cd '\n' <"$OUT" | wc -c) -eq 0 ]]
	[[ $(tr '\0' '\n' <"$OUT" | jq -r .payload | tr '\n' ' ') == 'a b ' ]]
	for pair in '%p|61006200' '%p\n|610a00620a00' '%p\0|61006200' '%c\t%p|6a6f62730961006a6f6273096200'; do
		start_pgwait -0 -f "${pair%|*}" -n 2 jobs
		sql -c "NOTIFY jobs, 'a'" -c "NOTIFY jobs, 'b'"
		end_pgwait
		[[ $(hex "$OUT") == "${pair#*|}" ]]
	done
}

@test "JSON: keys in order, valid for every byte, the exact bytes where it is no text" {
	local i
	start_pgwait -j -n 255 -d ascii bytes
	send_all_bytes
	end_pgwait
	[[ $(wc -l <"$OUT") -eq 255 ]]
	iconv -f UTF-8 -t UTF-8 "$OUT" >/dev/null
	jq -e -c '(keys_unsorted == ["channel", "payload", "pid", "connection", "time"]) or
		(keys_unsorted == ["channel", "payload", "pid", "connection", "time", "payload_base64"])' "$OUT" |
		sort | uniq -c | grep -Eq '^ *255 true$'
	# Up to 127 the payload says it all.
	head -n 127 "$OUT" | jq -s -e 'to_entries | all(.value.payload == ("a" + ([.key + 1] | implode) + "b") and
		(.value | has("payload_base64") | not))' >/dev/null
	tail -n 128 "$OUT" | jq -s -e 'all(.payload == "a\ufffdb")' >/dev/null
	tail -n 128 "$OUT" | jq -r .payload_base64 | while read -r line; do
		base64 -d <<<"$line" | hex
		echo
	done >"$TMP/bytes"
	for ((i = 128; i < 256; i++)); do
		printf '61%02x62\n' "$i"
	done | cmp - "$TMP/bytes"
	# Nothing that drives a terminal.
	(($(tr -d '\n\40-\176\200-\377' <"$OUT" | wc -c) == 0))
}

@test "JSON: text, quotes, characters of every length, types of the values" {
	payload=$'"quoted" \\ / \b\f\n\r\t\x01\x7f é € 😀 \u0085\u2028 \ufffd'
	one -j
	[[ $(jq -j .payload "$OUT") == "$payload" ]]
	jq -e '(.pid | type == "number") and .channel == "jobs" and (has("payload_base64") | not)' "$OUT" >/dev/null
	[[ $(jq -r .connection "$OUT") == "postgres@$PGHOST:$PGPORT" ]]
	[[ $(wc -l <"$OUT") -eq 1 ]]
	(($(LC_ALL=C tr -d '\n\40-\176\200-\377' <"$OUT" | wc -c) == 0))
	payload=
	one -j
	[[ $(jq -r '.payload == ""' "$OUT") == true ]]
}

@test "JSON: no two raw bytes make a character; base64 of every length" {
	local bytes
	for bytes in ff fffe fffefd c3ffa9 41c3; do
		start_pgwait -j -n 1 -d ascii jobs
		send_bytes jobs "$bytes"
		end_pgwait
		[[ $(jq -r .payload_base64 "$OUT" | base64 -d | hex) == "$bytes" ]]
		[[ $(jq -r .payload "$OUT") == *$'\ufffd'* ]]
	done
}

@test "formats" {
	local row
	payload=$'tab\t é\n\x7f'
	while IFS='|' read -r format bytes; do
		one -f "$format"
		echo "$format: $(hex "$OUT")"
		[[ $(hex "$OUT") == "$bytes" ]]
	done <<-'END'
		%c|6a6f62730a
		%p|7461620920c3a90a7f0a
		%e|7461625c7420c3a95c6e5c7837660a
		%l|390a
		%%|250a
		%%c|25630a
		%c\n|6a6f62730a
		%c\0|6a6f627300
		%c\x00|6a6f627300
		%c\x0a|6a6f62730a
		%c\n%l|6a6f62730a390a
		%c\0%l|6a6f627300390a
		\n|0a
		\0|00
		\t\\\xfF\x41\x2525|095cff412532350a
		text é|7465787420c3a90a
		%l%l%c|39396a6f62730a
	END
}

@test "formats: %i %d %T %s %j" {
	local before after before_s after_s pid time
	start_pgwait -n 1 -f '%i|%d|%T|%s|%j' jobs
	before=$(date -u +%FT%T.%6NZ) before_s=$(date +%s.%6N)
	pid=$(sql -c "NOTIFY jobs, 'x'" -c 'SELECT pg_backend_pid()')
	end_pgwait
	after=$(date -u +%FT%T.%6NZ) after_s=$(date +%s.%6N)
	IFS='|' read -r i d T s j <"$OUT"
	[[ $i == "$pid" && $d == "postgres@$PGHOST:$PGPORT" ]]
	[[ $T =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$ ]]
	[[ ! $T < $before && ! $after < $T ]]
	[[ $s =~ ^[0-9]+\.[0-9]{6}$ && ! $s < $before_s && ! $after_s < $s ]]
	[[ $(date -u -d "@$s" +%FT%T.%6NZ) == "$T" ]]
	[[ $(jq -r '[.channel, .payload, .pid, .connection, .time] | join(" ")' <<<"$j") == "jobs x $i $d $T" ]]
}

@test "JSON: each notification has its own time" {
	start_pgwait -n 2 -j jobs
	notify jobs first
	wait_for lines "$OUT" 1
	notify jobs second
	end_pgwait
	[[ $(jq -r .time "$OUT" | sort -u | wc -l) -eq 2 ]]
}

@test "the time is UTC whatever TZ says" {
	payload=x
	TZ=Asia/Tokyo one -f '%T %s'
	read -r T s <"$OUT"
	[[ $(date -u -d "@$s" +%FT%T.%6NZ) == "$T" ]]
}

@test "formats that are refused, pointing at the place" {
	local quoted
	while IFS='|' read -r format what position; do
		run_split timeout "$DEADLINE" "$PGWAIT" -f "$format" jobs
		echo "$format: $status $errors"
		[[ $status -eq 1 && -z $output ]]
		[[ $errors == *"\"${what//\\/\\\\}\" at character $position;"* ]]
		has "$errors" accepted
	done <<-'END'
		%z|%z|1
		a%z|%z|2
		abc%|%|4
		%c%C|%C|3
		%5c|%5|1
		% c|% |1
		a\q|\q|2
		\|\|1
		%c\x|\x|3
		%c\x4|\x|3
		%c\xg1|\x|3
		%c\1|\1|3
		\N|\N|1
		%é|%é|1
	END
}

@test "the position counts characters, not bytes" {
	run_split timeout "$DEADLINE" "$PGWAIT" -f 'é%z' jobs
	[[ $status -eq 1 ]]
	has "$errors" 'at character 2;'
}

@test "-n ends in the middle of a batch, in every mode" {
	for mode in '' -j -0 '-f %p' '-f %p\0' '-0 -j'; do
		# shellcheck disable=SC2086
		start_pgwait -n 3 $mode jobs
		sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 10) i" >/dev/null
		end_pgwait
		[[ $status -eq 0 ]]
		case $mode in
		-0) (($(tr -cd '\0' <"$OUT" | wc -c) == 9)) ;;
		*) (($(tr '\0' '\n' <"$OUT" | wc -l) == 3)) ;;
		esac
		[[ $(tr '\0' '\n' <"$OUT") == *3* && $(tr '\0' '\n' <"$OUT" | cut -f 2 | jq -R .) != *'"4"'* ]]
	done
}

@test "each line is there before the next is sent: pipe" {
	local i line
	OUT=$TMP/fifo
	mkfifo "$OUT"
	exec 8<>"$OUT"
	start_pgwait -f '%p' jobs 8>&-
	for i in {1..20}; do
		notify jobs "$i"
		read -r -t "$DEADLINE" line <&8
		[[ $line == "$i" ]]
	done
	exec 8>&-
}

@test "each line is there before the next is sent: file" {
	local i
	start_pgwait -f '%p' jobs
	for i in {1..10}; do
		notify jobs "$i"
		wait_for lines "$OUT" "$i"
	done
}

@test "a file: appended to, and written where it stands" {
	echo before >"$TMP/file"
	run_status -n 1 -f %p jobs >>"$TMP/file" &
	wait_for ready
	echo meanwhile >>"$TMP/file"
	notify jobs after
	ended_with 0
	[[ $(<"$TMP/file") == $'before\nmeanwhile\nafter' ]]
}

@test "a socket, of which the other end is half closed" {
	cat >"$TMP/program" <<-END
		#!/bin/bash
		[[ ! -S /dev/stdout ]] || echo yes >"$TMP/is-socket"
		exec "$PGWAIT" -n 2000 -f '%p' jobs 2>"$ERR"
	END
	chmod +x "$TMP/program"
	socat -t "$DEADLINE" "EXEC:$TMP/program" STDIO </dev/null >"$OUT" 3>&- &
	wait_for ready
	[[ -e $TMP/is-socket ]]
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 1000)) FROM generate_series(1, 2000) i" >/dev/null
	wait_for lines "$OUT" 2000
	wait $!
	[[ $(tr -d x <"$OUT" | tr '\n' ' ') == "$(seq -s ' ' 2000) " ]]
}

@test "a terminal" {
	# script does not wait for all output once its standard input or its command has ended.
	exec 8<> <(:)
	script -qec "stty -opost; ${PGWAIT@Q} -n 2000 -f '%p' jobs 2>${ERR@Q}; until [ -e ${TMP@Q}/all ]; do sleep 0.02; done" \
		/dev/null >"$OUT" 3>&- <&8 8<&- &
	wait_for ready
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 100)) FROM generate_series(1, 2000) i" >/dev/null
	wait_for lines "$OUT" 2000
	touch "$TMP/all"
	wait $!
	[[ $(tr -d 'x\r' <"$OUT" | tr '\n' ' ') == "$(seq -s ' ' 2000) " ]]
}

@test "a file that may not grow is an error, not the end by a signal" {
	(
		ulimit -f 8
		exec "$PGWAIT" -f %p jobs >"$OUT" 2>"$ERR" 3>&-
	) &
	PID=$!
	wait_for grep -q 'listening on' "$ERR"
	sql -c "SELECT count(pg_notify('jobs', lpad(i::text, 1000, 'x'))) FROM generate_series(1, 100) i" >/dev/null
	end_pgwait
	[[ $status -eq 1 ]]
	grep -q 'could not write to standard output: File too large; .* not written' "$ERR"
}

@test "a full disk" {
	run_status -m 100 jobs >/dev/full &
	wait_for ready
	notify jobs x
	ended_with 1
	grep -q '^pgwait: error: .*No space left' "$ERR"
	grep -q '1 notification' "$ERR"
}

@test "the reader left: noticed without writing" {
	(run_status -m 100 jobs | head -n 1 >"$OUT") &
	wait_for ready
	notify jobs only
	ended_with 0
	[[ $(<"$OUT") == *only* && $(wc -l <"$ERR") -eq 1 ]]
}

@test "the reader left before anything came" {
	(run_status -m 100 jobs | true) &
	ended_with 0
}

@test "the reader left before -n was met" {
	(run_status -m 100 -n 2 jobs | head -n 1 >"$OUT") &
	wait_for ready
	notify jobs only
	ended_with 1
}

@test "the reader left just when -n was met" {
	(run_status -m 100 -n 1 jobs | head -n 1 >"$OUT") &
	wait_for ready
	notify jobs only
	ended_with 0
}

@test "the reader left with notifications left to write" {
	(run_status -m 100 jobs | {
		wait_for test -e "$TMP/leave"
	}) &
	wait_for ready
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 1000)) FROM generate_series(1, 500) i" >/dev/null
	wait_for server_done
	: >"$TMP/leave"
	ended_with 1
	grep -Eq '^pgwait: error: .*[0-9]+ notifications' "$ERR"
}

@test "SIGPIPE ignored or not, a reader that leaves ends it" {
	(
		trap '' PIPE
		run_status -m 100 jobs | head -n 1 >"$OUT"
	) &
	wait_for ready
	notify jobs only
	ended_with 0
}

# Whether descriptor 8, which pgwait has as its standard output, is as it was.
blocking() {
	local key value
	while read -r key value; do
		[[ $key != flags: ]] || (((value & 04000) == 0)) || return 1
	done <"/proc/$BASHPID/fdinfo/8"
}

@test "standard output's O_NONBLOCK never changes" {
	mkfifo "$TMP/fifo"
	exec 8<>"$TMP/fifo"
	run_status -m 100 -n 3000 -f %p jobs >&8 8>&- &
	wait_for ready
	blocking
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 1000)) FROM generate_series(1, 2999) i" >/dev/null
	wait_for server_done # the pipe is full
	blocking
	head -n 2999 <&8 >/dev/null
	blocking
	notify jobs last
	ended_with 0
	blocking
	exec 8>&-
}

@test "a slow reader does not block the server, and gets everything in order" {
	mkfifo "$TMP/fifo"
	exec 8<>"$TMP/fifo"
	run_status -n 20000 -f %p jobs >&8 8>&- &
	wait_for ready
	sql -c "SELECT pg_notify('jobs', i || repeat('x', 200)) FROM generate_series(1, 20000) i" >/dev/null
	wait_for server_done
	[[ ! -e $TMP/status ]]
	timeout "$DEADLINE" head -n 20000 <&8 | tr -d x >"$OUT"
	ended_with 0
	seq 20000 | cmp - "$OUT"
	exec 8>&-
}

@test "many notifications, from several sessions, each session's in order" {
	start_pgwait -n 20000 -f '%c %p' a b c d
	for channel in a b c d; do
		sql -c "SELECT pg_notify('$channel', i::text) FROM generate_series(1, 5000) i" >/dev/null 3>&- &
	done
	end_pgwait
	[[ $status -eq 0 ]]
	for channel in a b c d; do
		sed -n "s/^$channel //p" "$OUT" | cmp - <(seq 5000)
	done
}

@test "diagnostics never go to standard output" {
	start_pgwait -n 1 -v -f %p jobs
	notify jobs x
	end_pgwait
	[[ $(<"$OUT") == x && -s $ERR ]]
	[[ -z $(grep -v '^pgwait: ' "$ERR") ]]
}
