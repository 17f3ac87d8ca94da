# What systemd is told: READY=1, STATUS=, WATCHDOG=1, RELOADING=1, STOPPING=1.

load helper

setup() {
	needs_socat
	socat -u "UNIX-RECV:$TMP/notify" "OPEN:$TMP/told,creat" 3>&- &
	wait_for test -S "$TMP/notify"
	export NOTIFY_SOCKET=$TMP/notify
}

# told TEXT [N]: it stands N times or more in the datagrams, which have nothing between them.
told() {
	(($(grep -oaF -- "$1" "$TMP/told" | wc -l) >= ${2:-1}))
} 2>/dev/null

@test "READY=1 once every connection listens, and an abstract socket" {
	start_pgwait jobs
	wait_for told READY=1
	kill "$PID"
	end_pgwait
	name=pgwait-$$-$RANDOM
	socat -u "ABSTRACT-RECV:$name" "OPEN:$TMP/abstract,creat" 3>&- &
	bound() { grep -q "@$name" /proc/net/unix; }
	wait_for bound
	NOTIFY_SOCKET=@$name start_pgwait jobs
	wait_for grep -qs READY=1 "$TMP/abstract"
}

@test "STATUS= says how many channels and connections listen, what is lost, and since when" {
	start_pgwait --reconnect always application_name=one a b application_name=two c
	wait_for told 'STATUS=listening on 3 channels over 2 connections'
	printf 'connect one application_name=one\nlisten one jobs\nconnect gone "host=127.0.0.1 port=1"\nlisten gone jobs\n' >"$TMP/pgwait.conf"
	kill "$PID"
	end_pgwait
	: >"$TMP/told"
	start_plain --config "$TMP/pgwait.conf"
	wait_for told 'STATUS=listening on 1 channel over 1 connection; 1 lost since '
	grep -qaE '; 1 lost since [0-2][0-9]:[0-5][0-9]' "$TMP/told"
	run -1 grep -a READY=1 "$TMP/told"
	printf 'connect one application_name=one\nlisten one jobs more\n' >"$TMP/pgwait.conf"
	kill -HUP "$PID"
	wait_for told 'STATUS=listening on 2 channels over 1 connection'
}

@test "STATUS= of a process that waits for the lock of --exclusive" {
	start_pgwait --exclusive k jobs
	other=$PID
	wait_for grep -q active "$ERR"
	: >"$TMP/told"
	start_pgwait --exclusive k jobs
	wait_for told 'STATUS=waiting for the lock; listening on 1 channel over 1 connection'
	kill "$other"
	wait_for told 'STATUS=listening on 1 channel over 1 connection'
}

@test "WATCHDOG=1 while the loop turns" {
	WATCHDOG_USEC=20000 start_pgwait jobs
	wait_for told WATCHDOG=1 5
}

@test "WATCHDOG=1 only if WATCHDOG_PID is pgwait's own" {
	WATCHDOG_USEC=20000 bash -c 'WATCHDOG_PID=$$ exec "$0" -q jobs' "$PGWAIT" 3>&- &
	PID=$!
	wait_for told WATCHDOG=1 5
	kill "$PID"
	end_pgwait
	: >"$TMP/told"
	WATCHDOG_USEC=20000 WATCHDOG_PID=1 start_pgwait -t 0.1 -j --events jobs
	wait_for lines "$OUT" 5
	told READY=1
	run -1 grep -a WATCHDOG "$TMP/told"
}

@test "a WATCHDOG_USEC that is no number is a warning" {
	WATCHDOG_USEC=soon start_pgwait jobs
	grep -qx 'pgwait: warning: WATCHDOG_USEC is no number of microseconds: "soon"' "$ERR"
}

@test "SIGHUP: RELOADING=1 with the time of the clock, then READY=1" {
	printf 'connect one application_name=one\nlisten one jobs\n' >"$TMP/pgwait.conf"
	start_pgwait --config "$TMP/pgwait.conf"
	wait_for told READY=1
	read -r before _ </proc/uptime # with two decimals
	kill -HUP "$PID"
	wait_for told READY=1 2
	usec=$(tr '\n' ' ' <"$TMP/told" | sed -nE 's/.*RELOADING=1 MONOTONIC_USEC=([0-9]+)READY=1.*/\1/p')
	# The clock of /proc/uptime goes on in suspend, and can be ahead.
	((usec > 0 && usec < ${before/./}0000 + DEADLINE * 1000000))
	echo nonsense >"$TMP/pgwait.conf"
	kill -HUP "$PID" # it is ready again, with what it had
	wait_for told READY=1 3
}

@test "STOPPING=1 when the end begins, before what is queued is delivered" {
	start_pgwait --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	notify jobs x
	wait_for told READY=1
	kill "$PID"
	wait_for told STOPPING=1
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a socket that takes nothing is one warning, and all goes on" {
	WATCHDOG_USEC=20000 NOTIFY_SOCKET=$TMP/none start_pgwait -t 0.1 -j --events jobs
	wait_for lines "$OUT" 5
	[[ $(grep -c 'NOTIFY_SOCKET' "$ERR") -eq 1 ]]
	grep -qx "pgwait: warning: could not tell NOTIFY_SOCKET \"$TMP/none\": No such file or directory" "$ERR"
}
