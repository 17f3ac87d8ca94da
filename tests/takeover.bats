# --exclusive: whatever happens to the active process, nothing is lost, and no two deliver at the same time.
#
# All processes write to one file, in the order in which they deliver: "NAME NUMBER" for each of the numbers that are
# sent all the time.

load helper
load servers

setup() {
	unset proxy_pid other_data network
	ALL=$TMP/all
	: >"$ALL"
}

clean_up() {
	local pid
	for pid in ${first-} ${second-} ${third-}; do
		kill -CONT "$pid" 2>/dev/null || true
	done
	rm -f "$TMP/send"
	[[ -z ${proxy_pid-} ]] || end_proxy
	end_other
	[[ -n ${BATS_TEST_COMPLETED-} ]] || tail -n 20 "$TMP"/*.err
}

# start NAME ARG...: a process; its pid is in $NAME. It is complete once it has kept all that no other one has delivered.
start() {
	local name=$1
	shift
	start_as "$name" "$ALL" -f "$name %p" "$@"
}

# start_as NAME FILE ARG...: what it writes goes to the file.
start_as() {
	"$PGWAIT" -v --exclusive work "${@:3}" jobs >>"$2" 2>"$TMP/$1.err" 3>&- &
	printf -v "$1" %s $!
}

says() {
	grep -qE -- "$2" "$TMP/$1.err"
}

# says_times N NAME REGEX: so often at least.
says_times() {
	[[ $(grep -cE -- "$3" "$TMP/$2.err") -ge $1 ]]
}

is_complete() {
	says "$1" 'all that is not delivered is kept'
}

# start_sender [PSQL-ARG...]: sends numbers, one after the other, until stop_sender; then the file "sent" has the last one.
start_sender() {
	touch "$TMP/send"
	send_numbers | psql -qAtX -v ON_ERROR_STOP=1 -o /dev/null "$@" 3>&- &
	sender=$!
}

send_numbers() {
	local n
	n=$(cat "$TMP/sent" 2>/dev/null || echo 0)
	while [[ -e $TMP/send ]]; do
		n=$((n + 1))
		echo "SELECT pg_notify('jobs', '$n');"
		rest 0.005
	done
	echo "$n" >"$TMP/sent"
}

stop_sender() {
	rm "$TMP/send"
	wait "$sender"
}

# delivers PATTERN: a process of such a name has delivered since this was asked last.
delivers() {
	local last
	last=$(tail -n 1 "$ALL")
	[[ $last == $1" "* && $last != "${seen-}" ]] || return 1
	seen=$last
}

# The names of those who have delivered, as they took turns.
turns() {
	cut -d' ' -f1 "$ALL" | uniq | paste -sd' '
}

# All that was sent was delivered; how often does not matter.
finish() {
	stop_sender
	wait_for all_delivered
}

all_delivered() {
	[[ $(cut -d' ' -f2 "$ALL" | sort -nu | wc -l) == "$(<"$TMP/sent")" ]]
}

end_lock_session() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
}

# passed SECONDS: since `start`.
passed() {
	((SECONDS > start + $1))
}

@test "killed, again and again, with two that wait" {
	start first
	wait_for says first 'active, with'
	start second
	start third
	wait_for is_complete second
	wait_for is_complete third
	start_sender
	for round in 1 2 3 4 5; do
		wait_for delivers '*'
		active=${seen% *}
		kill -KILL "${!active}"
		wait_for others_deliver
		start "$active"
		wait_for is_complete "$active"
	done
	finish
	[[ $(turns | wc -w) -eq 6 ]]
}

others_deliver() {
	[[ $(tail -n 1 "$ALL") != "$active "* ]]
}

@test "stopped, while its lock went to another one: it delivers nothing when it wakes up" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop "$first"
	end_lock_session
	wait_for delivers second
	kill -CONT "$first"
	wait_for says first 'waiting: another process'
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
}

@test "stopped until its lease is over, while its lock went to another one" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop "$first"
	start=$SECONDS
	wait_for passed 12
	end_lock_session
	wait_for delivers second
	kill -CONT "$first"
	wait_for says first 'waiting: another process'
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
}

@test "stopped until its lease is over, and killed" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop "$first"
	start=$SECONDS
	wait_for passed 12
	kill -KILL "$first"
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
	run -1 says second 'may be missing'
}

@test "its network freezes" {
	start_proxy
	start first "host=127.0.0.1 port=$proxy"
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	freeze_proxy
	wait_for says first 'waiting: no session for the lock'
	end_proxy # only now the server can know
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
}

@test "the server is restarted: the one that was active comes first" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop_sender
	pg restart -m immediate
	wait_for says first 'listening again'
	wait_for says second 'listening again'
	wait_for says_times 2 first 'active, with'
	start_sender
	wait_for delivers first
	wait_for says_times 2 second 'waiting: another process'
	finish
	[[ $(turns) == first ]]
}

@test "the server is restarted, and the active one is killed: the other one waits for the end of its lease" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop_sender
	stop "$first"
	pg restart -m immediate
	start=$EPOCHREALTIME
	wait_for says second 'listening again'
	start_sender
	wait_for delivers second
	# From the loss of its session; the restart took some time.
	awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { exit to - from < 6 }'
	kill -CONT "$first"
	wait_for says first 'waiting: another process'
	finish
	[[ $(turns) == 'first second' ]]
}

@test "a standby is promoted" {
	start_standby takeover
	hosts="host=$PGHOST,127.0.0.1 port=$PGPORT,$standby target_session_attrs=primary"
	start first "$hosts"
	wait_for says first 'active, with'
	start second "$hosts"
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop_sender
	pg stop -m fast
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -w promote >/dev/null
	wait_for says first 'listening again'
	wait_for says second 'listening again'
	wait_for says_times 2 first 'active, with'
	start_sender -h 127.0.0.1 -p "$standby"
	wait_for delivers first
	wait_for says_times 2 second 'waiting: another process'
	kill -KILL "$first"
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
	pg start
}

@test "of two hosts one comes back: both go on with the other one" {
	start_other back
	"$SANDBOX_RUN" pg_ctl -D "$other_data" -m fast -w stop >/dev/null
	hosts="host=127.0.0.1,127.0.0.1 port=$other,$PGPORT"
	start first "$hosts"
	wait_for says first 'active, with'
	start second "$hosts"
	wait_for is_complete second
	"$SANDBOX_RUN" pg_ctl -D "$other_data" -l "$other_data.log" -w start >/dev/null 3>&- 4>&-
	start_sender
	wait_for delivers first
	end_lock_session
	wait_for says first 'waiting: no session'
	wait_for one_delivers_again
	finish
	[[ $(turns | wc -w) -le 2 ]]
}

one_delivers_again() {
	says_times 2 first 'active, with' || says second 'active, with'
}

@test "what the commands of the active one were not run for, those of the next one are" {
	run_all() { start "$1" --notify-cmd "echo $1 \$PGWAIT_PAYLOAD >>'$ALL'; sleep 0.1"; }
	run_all first
	wait_for says first 'active, with'
	run_all second
	wait_for is_complete second
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 50) n" >/dev/null
	echo 50 >"$TMP/sent"
	# Its signs of life go on meanwhile: they must not say more than is true.
	start=$SECONDS
	wait_for passed 3
	kill -KILL "$first"
	wait_for all_delivered
	[[ $(turns) == 'first second' ]]
	[[ $(grep -c first "$ALL") -lt 50 ]]
}

@test "the same with a batch" {
	run_all() { start "$1" --batch-cmd "sed 's/^[^ ]*/$1/' >>'$ALL'; sleep 0.2"; }
	run_all first
	wait_for says first 'active, with'
	run_all second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	kill -KILL "$first"
	wait_for delivers second
	finish
}

@test "what an ended session left undelivered is not lost where nobody else is" {
	start first --notify-cmd "echo first \$PGWAIT_PAYLOAD >>'$ALL'; sleep 0.1"
	wait_for says first 'active, with'
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 20) n" >/dev/null
	echo 20 >"$TMP/sent"
	wait_for delivers first
	end_lock_session
	wait_for says_times 2 first 'active, with'
	wait_for all_delivered
	run -1 says first 'may be missing'
}

# watch_signs: the signs of life go to the file "signs".
watch_signs() {
	local channel
	channel=$(grep -o 'pgwait_key_[0-9a-f]*' "$TMP/first.err")
	"$PGWAIT" --ready-fd 9 -q -f %p "$channel" >"$TMP/signs" 9>"$TMP/watched" 3>&- &
	wait_for test -s "$TMP/watched"
}

# "alive PLACE PROCESS NUMBER DELIVERED BEHIND": the last one is of another process than $before, and says that all is delivered.
another_is_through() {
	awk -v before="$before" '
		$3 != before { process = $3; delivered = $5; behind = $6; if ($4 > last[$3]) last[$3] = $4 }
		END { exit !(process && delivered > 0 && delivered == last[process] && behind == 0) }' "$TMP/signs"
}

@test "what was delivered by another one meanwhile is not delivered again" {
	start first --notify-cmd "echo first \$PGWAIT_PAYLOAD >>'$ALL'; sleep 0.2"
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	watch_signs
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 20) n" >/dev/null
	echo 20 >"$TMP/sent"
	wait_for delivers first
	wait_for test -s "$TMP/signs"
	before=$(awk 'END { print $3 }' "$TMP/signs")
	stop "$first"
	end_lock_session
	wait_for delivers second
	kill -CONT "$first"
	wait_for says first 'waiting: another process'
	wait_for all_delivered
	wait_for another_is_through
	kill -KILL "$second"
	wait_for says_times 2 first 'active, with'
	notify jobs 21
	echo 21 >"$TMP/sent"
	wait_for all_delivered
	[[ $(turns) == 'first second first' ]]
	[[ $(tail -n 2 "$ALL") == *$'\nfirst 21' && $(tail -n 2 "$ALL") == second* ]]
}

@test "at rest no sign is given; where something comes, one a second" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	watch_signs
	start=$SECONDS
	wait_for passed 3
	[[ ! -s $TMP/signs ]]
	start_sender
	wait_for lines "$TMP/signs" 3
	first_sign=$EPOCHREALTIME
	wait_for lines "$TMP/signs" 6
	finish
	awk -v from="$first_sign" -v to="$EPOCHREALTIME" 'BEGIN { exit to - from < 2 }'
	# Once it was said that all is delivered it is quiet again.
	wait_for is_quiet
}

is_quiet() {
	local before
	before=$(wc -l <"$TMP/signs")
	rest 3
	[[ $(wc -l <"$TMP/signs") -eq $before ]]
}

@test "several connections, two of them to one database" {
	three=(-f '%c %d#%p' 'dbname=postgres application_name=one' 'dbname=postgres application_name=two' 'dbname=template1')
	start_as first "$ALL" "${three[@]}"
	wait_for says first 'active, with'
	start_as second "$ALL" "${three[@]}"
	wait_for says_times 3 second 'all that is not delivered is kept'
	start_sender
	wait_for delivers jobs
	for n in 1 2 3 4 5; do
		notify jobs "$n" -d template1
		rest 0.3
	done
	stop "$first"
	for n in 6 7 8; do notify jobs "$n" -d template1; done
	rest 0.5
	kill -KILL "$first"
	wait_for says second 'active, with'
	stop_sender
	wait_for each_has_all
	[[ $(cut -d' ' -f2 "$ALL" | sort -u | grep -c ^template1) -eq 8 ]]
}

each_has_all() {
	[[ $(cut -d' ' -f2 "$ALL" | sort -u | wc -l) -eq $((2 * $(<"$TMP/sent") + 8)) ]]
}

@test "JSON and commands can tell what may have been delivered before" {
	: >"$TMP/commands"
	local tell='echo "$PGWAIT_PAYLOAD ${PGWAIT_TAKEOVER-no}" >>"$TMP/commands"'
	export TMP
	start first
	wait_for says first 'active, with'
	start_as second "$TMP/json" -j --events --print --notify-cmd "$tell" \
		--batch-cmd 'jq -r .payload | sed "s/$/ batch ${PGWAIT_TAKEOVER-no}/" >>"$TMP/commands"'
	wait_for is_complete second
	stop "$first"
	notify jobs 1
	notify jobs 2
	rest 0.5
	kill -KILL "$first"
	wait_for grep -q '"payload":"2"' "$TMP/json"
	notify jobs 3
	wait_for grep -q '^3 batch' "$TMP/commands"
	jq -se 'map(select(.channel)) | map([.payload, .takeover]) == [["1", true], ["2", true], ["3", null]]' "$TMP/json"
	jq -se 'map(.event) | index("active") < (map(.) | length - 3)' "$TMP/json"
	wait_for grep -q '^3 no' "$TMP/commands"
	[[ $(grep -v batch "$TMP/commands") == $'1 1\n2 1\n3 no' ]]
	[[ $(grep batch "$TMP/commands" | sort) == $'1 batch 1\n2 batch 1\n3 batch no' ]]
}

# keep_five: the first one is killed before it delivers 1 to 5, which the second one has kept.
keep_five() {
	wait_for is_complete second
	stop "$first"
	for n in 1 2 3 4 5; do notify jobs "$n"; done
	rest 0.3
	kill -KILL "$first"
}

@test "what is kept is committed to a spool" {
	start first
	wait_for says first 'active, with'
	start second --spool "$TMP/spool"
	keep_five
	spooled() { [[ $(sqlite3 "$TMP/spool" 'SELECT group_concat(payload) FROM record') == 1,2,3,4,5 ]]; }
	wait_for spooled
}

@test "what is kept counts for -n, and is left to the next one beyond" {
	start first
	wait_for says first 'active, with'
	start second -n 3
	start third
	wait_for is_complete third
	keep_five
	echo 5 >"$TMP/sent"
	wait_for all_delivered
	says second 'active, with' || return 0 # the third one was sooner
	PID=$second
	end_pgwait
	[[ $status -eq 0 && $(grep -c second "$ALL") -eq 3 ]]
}

@test "what does not fit into the buffer is a gap, whose beginning is true" {
	start first
	wait_for says first 'active, with'
	start_as second "$TMP/json" -j --events --buffer 8KiB --heartbeat 0.2
	wait_for is_complete second
	stop "$first"
	rest 1 # heartbeats pass: what was sent before them is not missing
	between=$(date -u +%FT%T)
	rest 1
	sql -c "SELECT pg_notify('jobs', repeat('x', 900) || n) FROM generate_series(1, 50) n" >/dev/null
	rest 0.5
	kill -KILL "$first"
	wait_for says second 'active, with .* may be missing'
	jq -se --arg between "$between" 'map(select(.event == "active"))[0].since > $between' "$TMP/json"
	wait_for grep -q 'x50"' "$TMP/json"
	kept=$(grep -c takeover "$TMP/json")
	((kept >= 1 && kept < 9)) # 8 KiB, with room for what is handed on
	run -1 says second 'too slow'
}

@test "the time of day jumps: it goes on" {
	needs_faults
	with_clocks start first
	wait_for says first 'active, with'
	with_clocks start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	for jump in 3600 -3600 0; do
		set_clocks "$jump" 0
		start=$SECONDS
		wait_for passed 3
		wait_for delivers first
	done
	finish
	[[ $(turns) == first ]]
	run -1 says first 'waiting'
}

@test "the machine sleeps: it hears from the server before it goes on" {
	needs_faults
	needs_boottime
	start_proxy
	with_clocks start first "host=127.0.0.1 port=$proxy"
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	stop "$first"
	rest 0.5 # what it has asked is answered
	freeze_proxy
	set_clocks 20 20
	before=$(wc -l <"$ALL")
	kill -CONT "$first"
	wait_for says first 'waiting: no session for the lock .*the server does not answer'
	[[ $(wc -l <"$ALL") -eq $before ]]
	end_proxy
	wait_for delivers second
	finish
	[[ $(turns) == 'first second' ]]
}

@test "the machine sleeps, and has its lock still: it goes on" {
	needs_faults
	needs_boottime
	with_clocks start first
	wait_for says first 'active, with'
	start_sender
	wait_for delivers first
	set_clocks 20 20
	start=$SECONDS
	wait_for passed 3
	wait_for delivers first
	finish
	run -1 says first waiting
}

@test "its network is cut: the server gives it up after it has stopped by itself" {
	needs_socat
	start_linked_networks
	# As the server does it, on the session of the lock.
	in_network "$server" socat "TCP-LISTEN:5432,fork,reuseaddr,keepalive,keepidle=5,keepintvl=1,keepcnt=5" \
		"UNIX-CONNECT:$PGHOST/.s.PGSQL.$PGPORT" 3>&- 4>&- >/dev/null 2>&1 &
	reached() { in_network "$client" pg_isready -q -h 192.0.2.1 -p 5432; }
	wait_for reached
	here=$PGWAIT
	pgwait_in_network "$client"
	start first "host=192.0.2.1 port=5432 connect_timeout=2"
	wait_for says first 'active, with'
	PGWAIT=$here
	start second
	wait_for is_complete second
	start_sender
	wait_for delivers first
	in_network "$server" ip link set eth0 down
	wait_for says first 'waiting: no session for the lock'
	run -1 says second 'active, with'
	wait_for delivers second
	in_network "$server" ip link set eth0 up
	wait_for says first 'waiting: another process'
	finish
	[[ $(turns) == 'first second' ]]
}

@test "killed or ended, and started again at once: the one that waits comes first" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	start_sender
	for signal in KILL TERM; do
		wait_for delivers '*'
		active=${seen% *}
		kill -"$signal" "${!active}"
		wait_for gone "${!active}"
		start "$active"
		wait_for others_deliver
		wait_for is_complete "$active"
	done
	finish
	[[ $(turns) == 'first second first' ]]
}

# holds_rank N: a session holds the shared lock of that rank.
holds_rank() {
	[[ $(sql -c "SELECT count(*) FROM pg_locks WHERE classid = (x'70677700'::int + $1)::oid AND mode = 'ShareLock' AND granted") -ge 1 ]]
}

@test "one that has all is stopped: another one does not leave the lock to it for ever" {
	start first
	wait_for says first 'active, with'
	start second
	wait_for holds_rank 2
	stop "$second"
	kill -KILL "$first"
	start third
	wait_for says third 'waiting: another process'
	wait_for says third 'active, with'
	notify jobs 1
	wait_for delivers third
}

# has_read NAME: what was sent before. Who is stopped has it from the server.
has_read() {
	PID=${!1}
	[[ $(sql -c "SELECT bool_and(wait_event = 'ClientRead') AND pg_notification_queue_usage() = 0
		FROM pg_stat_activity WHERE application_name = 'pgwait'") == t ]] && ! unread 1 1
}

# More is sent than the buffer holds, after the take-over, and before its reader begins.
@test "--overflow drop and exit: what was kept comes, however small the buffer" {
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	for overflow in drop exit; do
		start first
		wait_for says first 'active, with'
		start_as second "$TMP/pipe" -f "%p $(printf %0100d 0)" --overflow "$overflow" --buffer 200KiB 7>&-
		wait_for is_complete second
		stop "$first"
		sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 1200) n" >/dev/null
		wait_for has_read second
		kill -KILL "$first"
		wait_for says second 'active, with'
		sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1201, 3600) n" >/dev/null
		wait_for says second 'warning: .*wait in the server'
		head -n 3600 <&7 >"$TMP/kept" 3>&-
		cut -d' ' -f1 "$TMP/kept" | cmp - <(seq 3600)
		run -1 says second 'may be missing'
		kill -TERM "$second"
		PID=$second
		end_pgwait
		[[ $status -eq 0 ]]
	done
	exec 7>&-
}

# hold_row: a catch-up with ROW, which is one more 1, waits until drop_row.
ROW="SELECT 1 FROM pg_advisory_xact_lock_shared(4711)"
hold_row() {
	sql -c "SELECT pg_advisory_lock(4711); SELECT pg_sleep(3600)" >/dev/null 2>&1 3>&- &
	wait_for row_is_held
}

row_is_held() {
	[[ $(sql -c "SELECT pg_try_advisory_xact_lock(4711)") == f ]]
}

drop_row() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()" >/dev/null
}

# sent_a_sign TIME: since then.
sent_a_sign() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_notify\(\\\$1' AND query_start > '$1'") -ge 1 ]]
}

@test "-n is reached while a catch-up runs: what is behind is left to the next one" {
	hold_row
	start first -n 3 --catchup-sql "$ROW"
	wait_for says first 'active, with'
	start second
	wait_for is_complete second
	begin=$(sql -c 'SELECT clock_timestamp()')
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 6) n" >/dev/null
	echo 6 >"$TMP/sent"
	wait_for grep -q 'first 3' "$ALL"
	wait_for sent_a_sign "$begin"
	run -1 gone "$first"
	drop_row
	PID=$first
	end_pgwait
	[[ $status -eq 0 ]]
	wait_for all_delivered
	[[ $(grep -c first "$ALL") -eq 4 ]]
}

@test "one of two connections to a database is lost: what came on it meanwhile is not delivered" {
	start_proxy
	start_as first "$TMP/first.out" -f '%d#%p' dbname=postgres "host=127.0.0.1 port=$proxy"
	wait_for says first 'active, with'
	start_as second "$TMP/second.out" -f '%d#%p' dbname=postgres 'dbname=postgres application_name=two'
	wait_for says_times 2 second 'all that is not delivered is kept'
	watch_signs
	end_proxy
	wait_for says first 'trying again'
	for n in 1 2 3; do
		before=$(wc -l <"$TMP/signs")
		notify jobs "$n"
		wait_for lines "$TMP/signs" $((before + 1))
	done
	kill -KILL "$first"
	wait_for says second 'active, with'
	notify jobs 4
	wait_for grep -q '#2#4' "$TMP/second.out"
	[[ $(grep -o '#2#.' "$TMP/second.out" | paste -sd,) == '#2#1,#2#2,#2#3,#2#4' ]]
}

# start_held_proxy PORT: forwards it to the server. What the server sends after its first ReadyForQuery is held back.
start_held_proxy() {
	needs_socat
	type -P perl >/dev/null || skip 'perl is not installed'
	cat >"$TMP/hold" <<-END
		#!/bin/sh
		socat - UNIX-CONNECT:$PGHOST/.s.PGSQL.$PGPORT |
		  perl -e 'while (sysread STDIN, \$_, 8192) { syswrite STDOUT, \$_; \$all .= \$_; sleep 1 while \$all =~ /Z\x00\x00\x00\x05I/ }'
	END
	chmod +x "$TMP/hold"
	setsid socat "TCP-LISTEN:$1,bind=127.0.0.1,fork,reuseaddr" "EXEC:$TMP/hold" 3>&- 4>&- >/dev/null 2>&1 &
	proxy_pid=$!
}

@test "a connection that the active process opens later: what came before LISTEN was answered is not delivered" {
	local port
	port=$(free_port)
	start_as first "$TMP/first.out" -f '%d#%p' dbname=postgres "host=127.0.0.1 port=$port application_name=late"
	wait_for says first 'active, with'
	start_as second "$TMP/second.out" -f '%d#%p' dbname=postgres 'dbname=postgres application_name=two'
	wait_for says_times 2 second 'all that is not delivered is kept'
	start_held_proxy "$port"
	wait_for late_listens
	for n in 1 2 3; do
		notify jobs "$n"
		wait_for grep -q "#$n\$" "$TMP/first.out"
		rest 1.2 # a sign would be due
	done
	kill -KILL "$first"
	wait_for says second 'active, with'
	notify jobs 4
	wait_for grep -q '#2#4' "$TMP/second.out"
	[[ $(grep -o '#2#.' "$TMP/second.out" | paste -sd,) == '#2#1,#2#2,#2#3,#2#4' ]]
}

late_listens() {
	[[ $(sql -c "SELECT state FROM pg_stat_activity WHERE application_name = 'late' AND query LIKE 'LISTEN%'") == idle ]]
}

# start_busy: the command of the first one does not end, for what make_busy CHANNEL sends after $between. Descriptor 8 takes
# commands for it.
start_busy() {
	mkfifo "$TMP/first.control"
	exec 8<>"$TMP/first.control"
	start first --control "$TMP/first.control" --notify-cmd "echo first >>'$ALL'; while :; do sleep 0.05; done" 8>&-
	wait_for says first 'active, with'
}

make_busy() {
	between=$(date -u +%FT%T.%6NZ)
	notify "$1" 1
	wait_for test -s "$ALL"
}

# tells_since_busy: the second one has heard what is not delivered. It takes over, and knows from when on something is missing.
tells_since_busy() {
	watch_signs
	for n in 1 2; do # the first of these the second one has read, too, when there is one more
		notify jobs
		wait_for lines "$TMP/signs" "$n"
	done
	kill -KILL "$first"
	wait_for says second 'active, with .* may be missing'
	wait_for grep -q '"active"' "$TMP/json"
	jq -se --arg between "$between" 'map(select(.event == "active"))[0].since <= $between' "$TMP/json"
	exec 8>&-
}

@test "one that was started later tells from when on something is missing" {
	start_busy
	make_busy jobs
	start_as second "$TMP/json" -j --events 8>&-
	wait_for says second 'waiting: another process'
	tells_since_busy
}

@test "a channel is added to the active process, then to the other one: what came between is missing" {
	start_busy
	mkfifo "$TMP/second.control"
	exec 9<>"$TMP/second.control"
	start_as second "$TMP/json" --control "$TMP/second.control" -j --events 8>&- 9>&-
	wait_for is_complete second
	echo 'listen * more' >&8
	wait_for says first 'ok: listen'
	make_busy more
	echo 'listen * more' >&9
	wait_for grep -q '"listen"' "$TMP/json"
	tells_since_busy
	exec 9>&-
}

@test "what the former active process delivered and the new one receives later is marked" {
	start first
	wait_for says first 'active, with'
	start_as second "$TMP/json" -j 'application_name=late'
	wait_for is_complete second
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'late' AND query !~ 'advisory|SET '")
	"$SANDBOX_RUN" kill -STOP "$backend"
	notify jobs 1
	wait_for delivers first
	kill -KILL "$first"
	wait_for says second 'active, with'
	"$SANDBOX_RUN" kill -CONT "$backend"
	wait_for test -s "$TMP/json"
	[[ $(jq -c '[.payload, .takeover]' "$TMP/json") == '["1",true]' ]]
}

# A sign says that something is not delivered.
a_sign_says_behind() {
	awk '$6 > 0 { n++ } END { exit !n }' "$TMP/signs"
}

@test "SIGTERM while commands wait: nothing comes twice" {
	start first --notify-cmd "echo first \$PGWAIT_PAYLOAD >>'$ALL'; sleep 0.1"
	wait_for says first 'active, with'
	start second --notify-cmd "echo second \$PGWAIT_PAYLOAD >>'$ALL'"
	wait_for is_complete second
	watch_signs
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 20) n" >/dev/null
	wait_for a_sign_says_behind
	kill -TERM "$first"
	wait_for says second 'active, with'
	notify jobs 21
	wait_for delivers second
	[[ $(grep -c first "$ALL") -eq 20 && $(grep second "$ALL") == 'second 21' ]]
}

@test "-n counts a command once that was ended when the lock was lost" {
	start first -n 2 --notify-cmd "echo begin \$PGWAIT_PAYLOAD >>'$ALL'; until [ -e '$TMP/go' ]; do sleep 0.05; done; echo end \$PGWAIT_PAYLOAD >>'$ALL'"
	wait_for says first 'active, with'
	notify jobs 1
	wait_for delivers begin
	end_lock_session
	wait_for says_times 2 first 'active, with'
	wait_for lines "$ALL" 2
	touch "$TMP/go"
	wait_for grep -q 'end 1' "$ALL"
	notify jobs 2
	wait_for grep -q 'end 2' "$ALL"
	PID=$first
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ALL") -eq 5 ]]
}

@test "that it may not ask who is active is one warning" {
	sql -c 'CREATE ROLE mute LOGIN' -c 'REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM public'
	mkfifo "$TMP/second.control"
	exec 9<>"$TMP/second.control"
	start first 9>&-
	wait_for says first 'active, with'
	start second --control "$TMP/second.control" user=mute 9>&-
	wait_for says second 'warning: the other processes cannot be told .*permission denied for function pg_notify'
	begin=$(sql -c 'SELECT clock_timestamp()')
	echo 'listen * more' >&9 # it asks again
	wait_for sent_a_sign "$begin"
	echo channels >&9 # the answer comes before
	wait_for says second 'ok: channels'
	run -1 says_times 2 second warning
	exec 9>&-
}

@test "a session that ends while a sign is on its way is not refused the signs" {
	start_proxy
	start first "host=127.0.0.1 port=$proxy"
	wait_for says first 'active, with'
	notify jobs 1
	wait_for delivers first
	stop "$first"
	notify jobs 2
	rest 1.5 # it has come, and the next sign is due
	freeze_proxy
	kill -CONT "$first"
	wait_for delivers first
	rest 0.5 # the sign is sent, and does not arrive
	sql -o /dev/null -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'"
	kill -CONT -- "-$proxy_pid"
	wait_for says first 'listening again'
	run -1 says first 'cannot be told'
}
