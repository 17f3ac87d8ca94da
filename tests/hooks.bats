# Commands: --notify-cmd --batch-cmd --idle-cmd --listen-cmd --lost-cmd, and what they share.

load helper

send() {
	sql "${@:2}" -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, $1) i" >/dev/null
}

# has FILE N: it exists, and has at least N lines.
has() {
	[[ -e $1 ]] && lines "$1" "$2"
}

# --- What commands are told

@test "--notify-cmd: once for each notification, in order, with the payload on standard input" {
	start_pgwait -n 50 --notify-cmd "cat; echo \" \$PGWAIT_PAYLOAD\"" jobs
	send 50
	end_pgwait
	[[ $status -eq 0 ]]
	diff "$OUT" <(seq 50 | awk '{ print $1, $1 }')
}

@test "--notify-cmd: its variables" {
	start_pgwait -n 1 --notify-cmd 'env | grep ^PGWAIT_' jobs
	before=$(date -u +%FT%T.%6NZ)
	pid=$(sql -c "NOTIFY jobs, 'déjà vu'" -c 'SELECT pg_backend_pid()')
	end_pgwait
	after=$(date -u +%FT%T.%6NZ)
	[[ $status -eq 0 ]]
	diff <(grep -v PGWAIT_TIME "$OUT" | sort) - <<-END
		PGWAIT_BACKEND_PID=$pid
		PGWAIT_CHANNEL=jobs
		PGWAIT_CONNECTION=postgres@$PGHOST:$PGPORT
		PGWAIT_EVENT=notification
		PGWAIT_PAYLOAD=déjà vu
		PGWAIT_PAYLOAD_LENGTH=9
	END
	time=$(sed -n 's/^PGWAIT_TIME=//p' "$OUT")
	[[ ! $time < $before && ! $after < $time ]]
}

@test "--notify-cmd: nothing of a notification is ever part of the command" {
	cd "$TMP"
	evil=$'"; touch evil; \' \'$(touch "evil")`touch evil`\n\\ %s -n \x01; &'
	start_pgwait -n 2 -l "$evil" --notify-cmd 'printf %s "$PGWAIT_CHANNEL$PGWAIT_PAYLOAD" >>got; cat >>input' jobs
	notify "$evil" "$evil"
	notify "$evil" ''
	end_pgwait
	[[ $status -eq 0 && ! -e evil ]]
	printf %s "$evil$evil$evil" | cmp - "$TMP/got"
	printf %s "$evil" | cmp - "$TMP/input"
}

@test "--notify-cmd: a zero byte, which a row of a spool may have, makes no variable" {
	start_pgwait -n 1 --spool "$TMP/spool" jobs
	notify jobs x
	end_pgwait
	sqlite3 "$TMP/spool" "UPDATE record SET channel = 'jobs' || char(0) || 'EVIL=1', payload = CAST('x' || char(0) || 'EVIL=2' AS BLOB)"
	run_split "$PGWAIT" --from-spool "$TMP/spool" --notify-cmd "tr '\\0' @ >'$TMP/input'; env"
	[[ $status -eq 0 && $(<"$TMP/input") == x@EVIL=2 ]]
	run -1 grep EVIL "$OUT"
	grep -qx PGWAIT_CHANNEL=jobs "$OUT"
	grep -qx PGWAIT_PAYLOAD_LENGTH=8 "$OUT"
	run -1 grep PGWAIT_PAYLOAD= "$OUT"
}

@test "--notify-cmd: text is UTF-8, and bytes without meaning are as they came" {
	sql -c "CREATE DATABASE latin9 ENCODING LATIN9 LOCALE 'C' TEMPLATE template0" \
		-c "CREATE DATABASE bytes ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0"
	start_pgwait -n 1 -d latin9 --notify-cmd 'printf "%s %s %s " "$PGWAIT_CHANNEL" "$PGWAIT_PAYLOAD" "$PGWAIT_PAYLOAD_LENGTH"; cat' 'prix€'
	PGCLIENTENCODING=UTF8 sql -d latin9 -c "NOTIFY \"prix€\", '10 €'"
	end_pgwait
	[[ $(<"$OUT") == 'prix€ 10 € 6 10 €' ]]
	start_pgwait -n 1 -d bytes --notify-cmd 'cat; printf %s "$PGWAIT_PAYLOAD"' jobs
	sql -d bytes -c "SELECT pg_notify('jobs', convert_from('\\xff41fe', 'SQL_ASCII'))" >/dev/null
	end_pgwait
	[[ $(od -An -tx1 "$OUT" | tr -d ' ') == ff41feff41fe ]]
}

@test "--notify-cmd: the longest payload, read or not" {
	start_pgwait -n 2 --notify-cmd '[ "$PGWAIT_PAYLOAD" = b ] || wc -c' jobs
	sql -c "SELECT pg_notify('jobs', repeat('é', 3999))" -c "NOTIFY jobs, 'b'" >/dev/null
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 && $(<"$OUT") -eq 7998 ]]
}

@test "--batch-cmd: what came since its last run, in the chosen format" {
	start_pgwait -n 1000 -f '%c %p' --batch-cmd "cat >>'$TMP/got'; echo \$PGWAIT_COUNT \$PGWAIT_EVENT >>'$TMP/runs'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	send 10
	wait_for has "$TMP/runs" 1
	notify jobs 11
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(12, 1000) i" >/dev/null
	wait_for server_done
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
	diff "$TMP/got" <(seq -f 'jobs %g' 1000)
	awk '$2 != "batch" { exit 1 } { n += $1 } END { exit n != 1000 }' "$TMP/runs"
	# One for what came first (perhaps in two parts), and few for all that came while it ran.
	(($(wc -l <"$TMP/runs") < 10))
}

@test "--batch-cmd: JSON and NUL; a batch of any size, read or not" {
	start_pgwait -n 20000 -j --batch-cmd "jq -r .payload >>'$TMP/got'" jobs
	send 20000
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$TMP/got" <(seq 20000)
	start_pgwait -n 3 -0 --batch-cmd "cat >>'$TMP/nul'" jobs
	send 3
	end_pgwait
	[[ $(tr -cd '\0' <"$TMP/nul" | wc -c) -eq 9 ]]
	start_pgwait -n 20000 -f '%p %p %p %p %p %p %p %p' --batch-cmd ': >>'"'$TMP/ran'" jobs
	send 20000
	end_pgwait
	[[ $status -eq 0 && -e $TMP/ran && $(wc -l <"$ERR") -eq 1 ]]
}

@test "--idle-cmd: its variables" {
	start_pgwait -t 0.1 --idle-cmd "env | grep ^PGWAIT_ >>'$TMP/env'; echo >>'$TMP/env'" jobs
	wait_for grep -qs '^PGWAIT_COUNT=0$' "$TMP/env"
	send 7
	counted() { [[ $(sed -n 's/^PGWAIT_COUNT=//p' "$TMP/env" | awk '{ n += $1 } END { print n }') == 7 ]]; }
	wait_for counted
	grep -q '^PGWAIT_EVENT=idle$' "$TMP/env"
	grep -q '^PGWAIT_GARBAGE=$' "$TMP/env"
	grep -Eq '^PGWAIT_TIME=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$' "$TMP/env"
}

@test "--listen-cmd and --lost-cmd: when a connection listens, is lost, and listens again" {
	start_pgwait --listen-cmd "env | grep ^PGWAIT_ >>'$TMP/listen'; echo >>'$TMP/listen'" \
		--lost-cmd "env | grep ^PGWAIT_ >>'$TMP/lost'" jobs
	wait_for grep -qs '^PGWAIT_EVENT=listening$' "$TMP/listen"
	run -1 grep -e GAP -e SINCE "$TMP/listen"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	wait_for grep -Eq '^PGWAIT_GAP=[0-9]+\.[0-9]{6}$' "$TMP/listen"
	grep -Eq '^PGWAIT_SINCE=20[0-9-]+T[0-9:]{8}\.[0-9]{6}Z$' "$TMP/listen"
	grep -qx "PGWAIT_CONNECTION=postgres@$PGHOST:$PGPORT" "$TMP/listen"
	grep -qx "PGWAIT_CONNECTION=postgres@$PGHOST:$PGPORT" "$TMP/lost"
	grep -qx 'PGWAIT_EVENT=lost' "$TMP/lost"
	grep -qx 'PGWAIT_SQLSTATE=57P01' "$TMP/lost"
	grep -qx 'PGWAIT_REASON=terminating connection due to administrator command' "$TMP/lost"
}

@test "--lost-cmd: not for every attempt that fails again" {
	start_plain -j --events --lost-cmd "echo >>'$TMP/lost'" "host=127.0.0.1 port=$(free_port)" "host=$PGHOST" jobs
	attempts() { (($(grep -c '"lost"' "$OUT") >= 3)); }
	wait_for attempts
	[[ $(wc -l <"$TMP/lost") -eq 1 ]]
}

@test "variables of the caller, and what systemd says to pgwait alone, do not shine through" {
	NOTIFY_SOCKET=$TMP/stray WATCHDOG_USEC=1stray WATCHDOG_PID=1stray PGWAIT_CHANNEL=stray PGWAIT_COUNT=stray NOTIFY_SOCKETS=stays start_pgwait -t 0.05 --idle-cmd "env >'$TMP/env.new'; mv '$TMP/env.new' '$TMP/env'" jobs
	wait_for test -s "$TMP/env"
	run -1 grep stray "$TMP/env"
	grep -qx NOTIFY_SOCKETS=stays "$TMP/env"
}

# --- What surrounds them

@test "standard input is empty where nothing is said" {
	echo input | "$PGWAIT" -n 1 --listen-cmd "cat >'$TMP/ran.new'; mv '$TMP/ran.new' '$TMP/ran'" jobs >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	wait_for test -e "$TMP/ran"
	[[ ! -s $TMP/ran ]]
}

@test "what commands print goes to standard output, unless records do" {
	start_pgwait -n 2 --notify-cmd 'echo printed' --listen-cmd 'echo listens' jobs
	send 2
	end_pgwait
	[[ $(sort "$OUT" | tr '\n' ' ') == 'listens printed printed ' ]]

	start_pgwait -n 2 --print -f %p --notify-cmd 'echo printed' --listen-cmd 'echo listens' jobs
	send 2
	end_pgwait
	[[ $(tr '\n' ' ' <"$OUT") == '1 2 ' && $(grep -c '^printed$' "$ERR") -eq 2 ]]
	grep -qx listens "$ERR"

	start_pgwait -n 2 -j --events --batch-cmd 'jq .payload' jobs
	send 2
	end_pgwait
	[[ $(jq -r .event "$OUT") == listening ]]
	[[ $(grep '^"' "$ERR" | tr '\n' ' ') == '"1" "2" ' ]]

	start_pgwait -n 2 -f %p --listen-cmd 'echo listens' jobs
	send 2
	end_pgwait
	[[ $(tr '\n' ' ' <"$OUT") == '1 2 ' ]]
	grep -qx listens "$ERR"
}

@test "both commands, and --print: each gets all" {
	start_pgwait -n 50 --print -f %p --notify-cmd "cat >>'$TMP/one'; echo >>'$TMP/one'" --batch-cmd "cat >>'$TMP/batch'" jobs
	send 50
	end_pgwait
	[[ $status -eq 0 ]]
	seq 50 | cmp - "$OUT"
	cmp "$OUT" "$TMP/one"
	cmp "$OUT" "$TMP/batch"
}

@test "a process group of its own, default signals, no descriptors, the caller's limits" {
	ulimit -S -n 200
	(
		trap '' HUP INT QUIT
		exec 7</dev/null
		start_pgwait --notify-cmd "{ ps -o pgid= -p \$\$; ls /proc/self/fd; ulimit -S -n; grep -E 'Sig(Ign|Blk)' /proc/self/status; } >'$TMP/new'; mv '$TMP/new' '$TMP/ran'" jobs
		echo "$PID" >"$TMP/pid"
	)
	PID=$(<"$TMP/pid")
	notify jobs x
	wait_for test -e "$TMP/ran"
	read -r pgid <"$TMP/ran"
	[[ $pgid -ne $(ps -o pgid= -p "$PID") ]]
	# 3 is ls's own, of the directory.
	[[ $(grep -x '[0-9]' "$TMP/ran" | tr '\n' ' ') == '0 1 2 3 ' ]]
	grep -qx 200 "$TMP/ran"
	grep -qx 'SigBlk:	0000000000000000' "$TMP/ran"
	# But for 32 and 33, which the C library keeps for itself.
	ignored=$((16#$(awk '/^SigIgn/ { print $2 }' "$TMP/ran")))
	((!(ignored & ~(3 << 31))))
}

@test "an empty command, and options that need one" {
	for option in notify batch idle listen lost; do
		run_split "$PGWAIT" -t 1 "--$option-cmd" '' jobs
		[[ $status -eq 1 && $errors == *"invalid --$option-cmd \"\": accepted is a command for the shell"* ]]
	done
}

# --- One after the other

@test "of a kind one after another, while receiving goes on" {
	start_pgwait --print -f %p --notify-cmd "echo start \$PGWAIT_PAYLOAD >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done; echo end \$PGWAIT_PAYLOAD >>'$TMP/ran'" \
		--listen-cmd "touch '$TMP/listen'" jobs
	send 20
	wait_for lines "$OUT" 20
	wait_for has "$TMP/ran" 1
	wait_for test -e "$TMP/listen"
	[[ $(<"$TMP/ran") == 'start 1' ]]
	touch "$TMP/go"
	wait_for has "$TMP/ran" 40
	diff "$TMP/ran" <(for i in {1..20}; do printf 'start %d\nend %d\n' "$i" "$i"; done)
}

@test "an idle command that still runs is not started again, with one warning, and the next has the sum" {
	start_pgwait -t 0.02 --idle-cmd "echo \$PGWAIT_COUNT >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	wait_for grep -q 'idle command still runs' "$ERR"
	send 20
	wait_for lines "$OUT" 20
	[[ $(grep -c . "$TMP/ran") -eq 1 ]]
	[[ $(grep -c 'still runs' "$ERR") -eq 1 ]]
	touch "$TMP/go"
	sum() { [[ $(awk '{ n += $1 } END { print n }' "$TMP/ran") == 20 ]]; }
	wait_for sum
}

@test "one that fails is a warning with its status; the others still run" {
	start_pgwait -n 3 --notify-cmd 'echo "$PGWAIT_PAYLOAD"; exit $((PGWAIT_PAYLOAD + 2))' jobs
	send 3
	end_pgwait
	[[ $status -eq 0 && $(tr '\n' ' ' <"$OUT") == '1 2 3 ' ]]
	for i in 3 4 5; do
		[[ $(grep -c "warning: notification command ended with status $i" "$ERR") -eq 1 ]]
	done
	start_pgwait -n 1 --batch-cmd 'kill -9 $$' jobs
	notify jobs x
	end_pgwait
	[[ $(grep -c 'warning: batch command was ended by signal 9 (Killed)' "$ERR") -eq 1 ]]
	start_pgwait --listen-cmd '/nowhere/command' jobs
	wait_for grep -q 'warning: listen command ended with status 127' "$ERR"
}

@test "one that cannot be started is one warning that says why" {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "sanitizers fork where the program does not"
	# Environment and arguments together have a limit, which the stack's sets.
	start_pgwait -n 1 --notify-cmd 'exit 0' jobs
	notify jobs x
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 ]]
	export LONG
	LONG=$(printf '%*s' 130000 x)
	(
		ulimit -S -s 1024 # a quarter is for the environment
		start_pgwait -n 1 --notify-cmd ": ${LONG:0:125000}" jobs || exit
		notify jobs "${LONG:0:7000}"
		end_pgwait
		[[ $status -eq 0 ]]
	)
	[[ $(grep -c 'could not run the notification command: Argument list too long' "$ERR") -eq 1 ]]
	[[ $(wc -l <"$ERR") -eq 2 ]]
}

@test "--cmd-timeout: SIGTERM to its group" {
	start_pgwait --cmd-timeout 0.1 --listen-cmd 'sleep 1000 & wait' jobs
	wait_for grep -q 'listen command was ended by signal 15' "$ERR"
}

@test "--cmd-timeout: SIGKILL 5 s later" {
	start_pgwait --cmd-timeout 0.1 --listen-cmd 'trap "" TERM; while :; do sleep 0.1; done' jobs
	wait_for grep -q 'ended by signal 9' "$ERR"
}

@test "--cmd-timeout: what outlives the shell and holds its input, too" {
	# More than a pipe takes, so that it is not through when the shell ends.
	start_pgwait -n 1 --cmd-timeout 0.5 -f %p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p%p \
		--batch-cmd "exec 7<&0; sleep 1000 & echo \$! >'$TMP/pid'" jobs
	sql -c "SELECT pg_notify('jobs', repeat('x', 7999))" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	wait_for gone "$(<"$TMP/pid")"
}

# stubborn FILE: a command that ends by SIGTERM, and leaves a process that does not; that one's pid is in FILE.
stubborn() {
	echo "sh -c 'trap \"\" TERM; echo \$\$ >$1; while [ -d $TMP ]; do sleep 0.1; done' & wait"
}

@test "--cmd-timeout: what outlives the shell and ignores SIGTERM, too; nothing else waits for that" {
	start_pgwait --cmd-timeout 1 jobs \
		--notify-cmd "[ \$PGWAIT_PAYLOAD = x ] || { kill -0 \$(cat $TMP/pid) && touch $TMP/next; exit; }; $(stubborn "$TMP/pid")"
	notify jobs x
	notify jobs y
	wait_for test -e "$TMP/next"
	grep -q 'notification command was ended by signal 15' "$ERR"
	wait_for gone "$(<"$TMP/pid")"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}

# One signal after the other.
kill_until_gone() {
	until gone "$PID"; do
		kill "$PID" 2>/dev/null || true
		rest 0.05
	done
}

@test "--cmd-timeout: the end waits for what ignores SIGTERM, but not after a second signal" {
	start_pgwait -n 1 --cmd-timeout 1 --notify-cmd "$(stubborn "$TMP/pid")" jobs
	notify jobs x
	end_pgwait
	[[ $status -eq 0 ]]
	gone "$(<"$TMP/pid")"

	start_pgwait -n 1 --cmd-timeout 1 --notify-cmd "$(stubborn "$TMP/pid")" jobs
	notify jobs x
	wait_for grep -q 'ended by signal 15' "$ERR"
	kill_until_gone
	end_pgwait
	[[ $status -eq 0 ]]
	run -1 gone "$(<"$TMP/pid")"
	kill -KILL "$(<"$TMP/pid")"
}

@test "no zombie after many runs, and no descriptor more" {
	start_pgwait --notify-cmd "echo >>'$TMP/ran'" jobs
	notify jobs first
	wait_for has "$TMP/ran" 1
	none() { ! ps -o stat= --ppid "$PID" | grep -q .; }
	wait_for none
	fds=$(ls "/proc/$PID/fd" | wc -l)
	send 100
	wait_for has "$TMP/ran" 101
	wait_for none
	[[ $(ls "/proc/$PID/fd" | wc -l) -eq $fds ]]
}

# --- The end

@test "all that is queued still runs: -n, -e, SIGTERM" {
	start_pgwait -n 20 --notify-cmd "cat >>'$TMP/n'; echo >>'$TMP/n'" jobs
	send 30
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$TMP/n" <(seq 20)

	start_pgwait --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done; echo \$PGWAIT_PAYLOAD >>'$TMP/term'" jobs
	send 20
	wait_for all_read
	kill "$PID"
	wait_for signals_taken "$PID"
	[[ ! -e $TMP/term ]]
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$TMP/term" <(seq 20)

	start_pgwait -e 1 --batch-cmd "cat >>'$TMP/e'" -f %p jobs
	send 20
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$TMP/e" <(seq 20)
}

@test "a running command is waited for, longer than a reader" {
	start_pgwait --notify-cmd "touch '$TMP/ran'; sleep 6; touch '$TMP/through'" jobs
	notify jobs x
	wait_for test -e "$TMP/ran"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && -e $TMP/through ]]
}

@test "a second signal ends at once, and says what was not done" {
	start_pgwait --notify-cmd "echo \$\$ >'$TMP/ran'; exec sleep 1000" jobs
	send 20
	wait_for test -s "$TMP/ran"
	wait_for all_read
	kill "$PID"
	kill_until_gone
	end_pgwait
	[[ $status -eq 1 ]]
	grep -q 'error: notification command was not run to its end for 20 notifications$' "$ERR"
	wait_for gone "$(<"$TMP/ran")"
}

@test "the reader of standard output leaves: all that is queued still runs" {
	"$PGWAIT" --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done; echo \$PGWAIT_PAYLOAD >>'$TMP/got'" jobs 2>"$ERR" 3>&- > >(wait_for test -e "$TMP/leave") &
	PID=$!
	wait_for grep -qs listening "$ERR"
	send 20
	wait_for all_read
	touch "$TMP/leave"
	# Once the end has begun, nothing is read any more.
	ends() { notify jobs late && server_done && unread 1 1; }
	wait_for ends
	[[ ! -e $TMP/got ]]
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
	cmp <(grep -v late "$TMP/got") <(seq 20)
}

@test "-t 0: commands run for what was drained, and idle commands never" {
	# A second connection that gets no answer keeps the drain going for as long as it is needed.
	port=$(free_port)
	socat -u "TCP-LISTEN:$port,bind=127.0.0.1" OPEN:/dev/null 3>&- >/dev/null 2>&1 &
	silent=$!
	wait_for grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp # it listens
	start_plain -t 0 --notify-cmd 'echo one' --batch-cmd "sed s/^/batch:/; touch '$TMP/ran'" --idle-cmd 'echo idle' \
		--listen-cmd "touch '$TMP/listens'" -d postgres \
		"host=127.0.0.1 port=$port connect_timeout=$DEADLINE sslmode=disable gssencmode=disable" jobs
	wait_for test -e "$TMP/listens"
	send 3
	wait_for test -e "$TMP/ran"
	kill "$silent"
	end_pgwait
	echo "$status"; cat "$ERR" "$OUT"
	[[ $status -eq 2 && $(wc -l <"$ERR") -eq 1 ]]
	[[ $(grep -c '^one$' "$OUT") -eq 3 && $(grep -c '^batch:jobs' "$OUT") -eq 3 ]]
	run -1 grep idle "$OUT"
}

@test "-t 0 -m: a command that does not end is cut" {
	cut() {
		run_split "$PGWAIT" -t 0 -m 2 --listen-cmd "echo \$\$ >'$TMP/ran'; exec sleep 30" jobs
		[[ $status -eq 1 ]]
	}
	wait_for cut
	grep -qx 'pgwait: error: listen command was not run to its end for 1 event' "$ERR"
	wait_for gone "$(<"$TMP/ran")"
}

# --- The buffer

@test "what waits for commands counts: block, with a warning that names the command" {
	start_pgwait -n 3000 --buffer 64KiB --notify-cmd "echo \$PGWAIT_PAYLOAD >>'$TMP/got'; until [ -e '$TMP/go' ]; do sleep 0.02; done; kill -9 \$\$" jobs
	send 3000
	wait_for grep -q 'warning: the notification command is too slow: the buffer of 64 KiB is full, and notifications wait' "$ERR"
	kill -KILL "$PID"
	end_pgwait
	touch "$TMP/go"

	rm -f "$TMP/go"
	start_pgwait -n 3000 --buffer 4KiB -f %p --batch-cmd "cat >>'$TMP/batch'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	send 3000
	wait_for grep -q 'warning: the batch command is too slow' "$ERR"
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
	cmp "$TMP/batch" <(seq 3000)
}

@test "what waits for commands counts: drop" {
	start_pgwait --buffer 4KiB --overflow drop -f %p --print --batch-cmd "cat >>'$TMP/batch'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	send 1
	wait_for has "$TMP/batch" 1
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(2, 3000) i" >/dev/null
	# The file takes everything: only the command is slow.
	wait_for lines "$OUT" 3000
	cmp "$OUT" <(seq 3000)
	touch "$TMP/go"
	wait_for grep -qx 3000 "$TMP/batch"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	sort -n -c -u "$TMP/batch"
	dropped=$((3000 - $(wc -l <"$TMP/batch")))
	grep -qx "pgwait: warning: $dropped notifications were discarded: the batch command was too slow" "$ERR"
}
