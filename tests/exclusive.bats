# --exclusive: one of many is active.

load helper
load servers

clean_up() {
	[[ -z ${holder-} ]] || drop_lock
	[[ -z ${proxy_pid-} ]] || end_proxy
	end_other
	[[ -n ${BATS_TEST_COMPLETED-} ]] || tail -n 20 "$TMP"/*.err "$TMP"/*.out
}

# start NAME ARG...: in the background; its pid is in $NAME, its files are $TMP/NAME.out and $TMP/NAME.err.
start() {
	local name=$1
	shift
	rm -f "$TMP/$name".{out,err} # of one before
	"$PGWAIT" "$@" >"$TMP/$name.out" 2>"$TMP/$name.err" 3>&- &
	printf -v "$name" %s $!
}

says() {
	grep -qE -- "$2" "$TMP/$1.err"
}

# The lock's session, which another than the one that listens has.
end_lock_session() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
}

# sessions N: pgwait has so many.
sessions() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'") == "$1" ]]
}

received() {
	grep -q "$2" "$TMP/$1.out"
}

@test "one is active, the other waits, and takes over when the first is killed" {
	start first --exclusive work -f %p jobs
	wait_for says first 'pgwait: active, with the lock "work" \(postgres@'
	start second -v --exclusive work -f %p jobs
	wait_for says second 'pgwait: waiting: another process has the lock "work" \(postgres@'
	wait_for says second 'all that is not delivered is kept'
	notify jobs one
	wait_for received first one
	run -1 received second one
	kill -KILL "$first"
	wait_for says second '^pgwait: active, with the lock "work" \(postgres@[^)]*\)$'
	notify jobs two
	wait_for received second two
	[ "$(sort -u "$TMP/first.out" "$TMP/second.out")" = $'one\ntwo' ]
}

@test "SIGTERM hands over at once" {
	start first --exclusive work jobs
	wait_for says first active
	start second --exclusive work jobs
	wait_for says second waiting
	kill -TERM "$first"
	wait_for says second active
	PID=$first
	end_pgwait
	[ "$status" -eq 0 ]
}

@test "with --catchup-sql taking over is no warning, and what is in the table comes" {
	sql -c 'DROP TABLE IF EXISTS work' -c 'CREATE TABLE work (payload text)' -c "INSERT INTO work VALUES ('start')"
	start first --exclusive work -f %p --catchup-sql 'DELETE FROM work RETURNING payload' jobs
	wait_for says first 'caught up with 1 row' # it does not look again
	sql -c "INSERT INTO work VALUES ('before')"
	start second -v --exclusive work -f %p --catchup-sql 'DELETE FROM work RETURNING payload' jobs
	wait_for says second 'pgwait: waiting'
	wait_for says second 'all that is not delivered is kept'
	kill -KILL "$first"
	sql -c "INSERT INTO work VALUES ('meanwhile')"
	wait_for received second meanwhile
	wait_for received second before # while it waited, it stayed in the table
	says second '^pgwait: active'
	run -1 says second warning
}

@test "other keys, and numbers, are other locks; a number is the lock's own" {
	start first --exclusive 4711 jobs
	wait_for says first active
	[ "$(sql -c "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = 0")" = 4711 ]
	start second --exclusive 4712 jobs
	wait_for says second active
	start third --exclusive -4711 jobs
	wait_for says third active
	[ "$(sql -c "SELECT pg_try_advisory_lock(-4711), pg_try_advisory_lock(4712), pg_try_advisory_lock(4713)")" = 'f|f|t' ]
}

@test "a number is the lock's own from the least one to the greatest; what is beyond is text" {
	for key in -9223372036854775808 9223372036854775807; do
		locks "$key" "'$key'::bigint"
	done
	for key in -9223372036854775809 9223372036854775808 - --1; do
		locks "$key" "hashtextextended('$key', 0)"
	done
}

# locks KEY LOCK: with --exclusive KEY it is this one.
locks() {
	start first --exclusive "$1" jobs
	wait_for says first active
	[ "$(sql -c "SELECT pg_try_advisory_lock($2)")" = f ] || { echo "$1"; return 1; }
	kill "$first"
	wait_for gone "$first"
}

@test "text is hashed by the server" {
	start first --exclusive größe jobs
	wait_for says first 'active, with the lock "größe"'
	[ "$(sql -c "SELECT pg_try_advisory_lock(hashtextextended('größe', 0))")" = f ]
}

@test "the one that waits writes nothing, runs nothing for notifications and idle events, and -e does not end it" {
	start first --exclusive work jobs
	wait_for says first active
	start second --exclusive work -t 0.05 --print --notify-cmd "echo ran >>'$TMP/ran'" --idle-cmd "echo ran >>'$TMP/ran'" \
		--listen-cmd "echo listens >>'$TMP/listens'" jobs
	wait_for says second waiting
	start third --exclusive work -e 0.1 jobs
	wait_for says third waiting
	notify jobs one
	wait_for received first one
	wait_for test -s "$TMP/listens"
	# Many idle events would have been due by its further questions: they are a second apart.
	begin=$(sql -c 'SELECT clock_timestamp()')
	wait_for asked_after "$begin"
	[[ ! -e $TMP/ran && ! -s $TMP/second.out ]]
	run -1 gone "$third"
	kill -KILL "$third"
	kill -KILL "$first"
	wait_for says second active
	wait_for test -s "$TMP/ran"
}

# It was asked for the lock, by one that does not have it, a second after TIME at least.
asked_after() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_try_advisory_lock' AND pid <> pg_backend_pid()
		AND query_start > '$1'::timestamptz + interval '1 second'") -ge 1 ]]
}

@test "status says which process is active, on stderr and in the stream" {
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start first --exclusive work -j --events --control "$TMP/control" jobs 8>&-
	wait_for says first active
	echo status >&8
	wait_for received first '"command":"status"'
	[[ $(jq -r 'select(.command == "status") | .exclusive' "$TMP/first.out") == active ]]
	start second --exclusive work jobs
	wait_for says second waiting
	kill -USR1 "$second"
	wait_for says second 'listening on jobs; waiting'
	exec 8>&-
}

@test "the stream: waiting, active with a gap where nobody said what was delivered" {
	sql -c "SELECT pg_advisory_lock(hashtextextended('work', 0)); SELECT pg_sleep(3600)" >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for lock_is_held
	start second --exclusive work -j --events jobs
	wait_for received second '"event":"waiting"'
	drop_lock
	wait_for received second '"event":"active"'
	[ "$(jq -r .event "$TMP/second.out" | paste -sd,)" = listening,waiting,active ]
	jq -se '.[1].reason == null and .[2].gap_seconds > 0 and (.[2].since | test("Z$")) and .[2].since <= .[1].time' "$TMP/second.out"
	says second 'warning: active, with the lock "work" \(.*\): what was sent since .*, for [0-9.]+ s, may be missing'
}

lock_is_held() {
	[[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") == 1 ]]
}

@test "the first to come has no gap" {
	start first --exclusive work -j --events jobs
	wait_for received first '"event":"active"'
	jq -se '.[1] | .event == "active" and keys == ["connection", "event", "time"]' "$TMP/first.out"
}

@test "in a drain it does not wait: status 0" {
	start first --exclusive work jobs
	wait_for says first active
	run_split "$PGWAIT" -t 0 --exclusive work --catchup-sql "SELECT 'row'" jobs
	[[ $status -eq 0 && -z $output && -z $errors ]]
	run_split "$PGWAIT" -t 0 -n 1 --exclusive work jobs
	[[ $status -eq 124 && -z $output && -z $errors ]] # 0 would mean that one was written
	kill -TERM "$first"
	wait_for gone "$first"
	wait_for drains
}

# Once the server has seen the other's end.
drains() {
	run_split "$PGWAIT" -t 0 -f %p --exclusive work --catchup-sql "SELECT 'row'" jobs
	[[ $status -eq 0 && $output == row && -z $errors ]]
}

@test "in a drain the first connection fails: status 2" {
	run_split "$PGWAIT" -t 0 --exclusive work "host=127.0.0.1 port=$(free_port)" "dbname=postgres" jobs
	[[ $status -eq 2 && -z $output ]]
}

@test "the session of the lock is lost: not active at once, and again without a gap" {
	start first --exclusive work -f %p jobs
	wait_for says first active
	end_lock_session
	wait_for says first 'warning: waiting: no session for the lock "work" \(.*\): terminating connection due to administrator command'
	wait_for one_more_active
	run -1 says first 'may be missing'
	notify jobs one
	wait_for received first one
	sessions 2
}

@test "the session of the lock has ended as a notification comes: it is not delivered before the lock is there again" {
	start_proxy
	start first -j --events --exclusive work "host=127.0.0.1 port=$proxy" jobs
	wait_for received first '"event":"active"'
	PID=$first
	for n in {1..6}; do # which of the two sockets the loop reads first is not the same each time
		stop "$first"
		# Of the two that forward, the younger one has the session of the lock. Its end is read at once, without a last word.
		kill -KILL "$(pgrep -n -P "$proxy_pid")"
		notify jobs "$n"
		wait_for unread 1 1 xt
		kill -CONT "$first"
		wait_for received first "\"payload\":\"$n\""
	done
	diff <(jq -r '.event // .payload' "$TMP/first.out") <(
		printf '%s\n' listening active
		for n in {1..6}; do printf '%s\n' waiting active "$n"; done
	)
}

@test "what it holds waits while it is not active, and its commands are ended" {
	start first --exclusive work --notify-cmd 'trap "echo ended >&2; exit 1" TERM; read -r n; echo "ran $n${PGWAIT_TAKEOVER+ again}" >&2
		[ "$n${PGWAIT_TAKEOVER+ again}" != 1 ] || while :; do sleep 0.05; done' jobs
	wait_for says first active
	notify jobs 1
	wait_for says first '^ran 1'
	notify jobs 2
	# Nobody else can come to have it, and this one not before the other lets go.
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'; SELECT pg_sleep(0.1); SELECT pg_advisory_lock(hashtextextended('work', 0)); SELECT pg_sleep(3600)" >/dev/null 2>&1 3>&- &
	second=$!
	wait_for says first '^ended'
	wait_for says first 'waiting: another process'
	run -1 says first '^ran 2'
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
	wait_for says first '^ran 2'
	[ "$(grep ran "$TMP/first.err" | paste -sd,)" = 'ran 1,ran 1 again,ran 2 again' ]
}

# hold_lock: another session waits for the lock "work", and has it once the one that has it is gone. $holder is its psql.
hold_lock() {
	sql -c "SELECT pg_advisory_lock(hashtextextended('work', 0)); SELECT pg_sleep(3600)" >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for lock_is_wanted
}

# The server does not notice that its client is gone.
drop_lock() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND pid <> pg_backend_pid()" >/dev/null
}

lock_is_wanted() {
	[[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1 ]]
}

@test "SIGTERM ends one that waits with commands left" {
	start first --exclusive work --notify-cmd 'echo "ran $PGWAIT_PAYLOAD" >&2; sleep 0.5' jobs
	wait_for says first active
	hold_lock
	sql -c "SELECT pg_notify('jobs', n::text) FROM generate_series(1, 5) n" >/dev/null
	wait_for says first '^ran 1'
	end_lock_session
	wait_for says first 'waiting: another process'
	kill -TERM "$first"
	PID=$first
	end_pgwait
	run -1 says first '^ran 5'
}

@test "a lock that comes and goes does not put off SIGKILL to what does not heed SIGTERM" {
	start first --exclusive work --notify-cmd "trap '' TERM; echo \$\$ >>'$TMP/command'; while :; do sleep 0.1; done" jobs
	wait_for says first active
	notify jobs
	wait_for test -s "$TMP/command"
	wait_for gone_while_the_lock_flaps "$(head -n 1 "$TMP/command")"
}

gone_while_the_lock_flaps() {
	end_lock_session >/dev/null
	gone "$1"
}

@test "the lock is at the server that the first connection reached, and follows it" {
	start_other follows
	start_proxy # the first of two hosts, which goes away
	conn="host=127.0.0.1,127.0.0.1 port=$proxy,$other"
	start first --exclusive work -f %p "$conn" jobs
	wait_for says first active
	start second --exclusive work -f %p "host=127.0.0.1 port=$other" jobs
	wait_for says second active # at the other server, there is another lock
	# No new connection comes through; the session of the lock stays.
	kill -KILL "$proxy_pid"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait' AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
	wait_for says first 'waiting: no session for the lock "work" .*: the first connection is at another server'
	wait_for says first 'waiting: another process'
	kill -KILL "$second"
	wait_for one_more_active
}

@test "two hosts: the lock is not taken from the first one while the connection is at the second" {
	start_other stays
	end_other_but_its_data
	conn="host=127.0.0.1,127.0.0.1 port=$other,$PGPORT"
	start first --exclusive work -f %p "$conn application_name=first" jobs
	wait_for says first active
	start second --exclusive work -f %p "$conn application_name=second" jobs
	wait_for says second waiting
	"$SANDBOX_RUN" pg_ctl -D "$other_data" -l "$other_data.log" -w start >/dev/null 3>&- 4>&-
	end_lock_session
	wait_for says first 'waiting: no session'
	wait_for first_has_asked
	wait_for one_is_active
	[ "$(psql -h 127.0.0.1 -p "$other" -qAtXc 'SELECT count(*) FROM pg_stat_activity WHERE application_name IN ($$first$$, $$second$$)')" = 0 ]
}

# Whoever was sooner.
first_has_asked() {
	says first 'waiting: another process' || one_more_active
}

end_other_but_its_data() {
	"$SANDBOX_RUN" pg_ctl -D "$other_data" -m fast -w stop >/dev/null
}

one_is_active() {
	[[ $(sql -c "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND application_name IN ('first', 'second')") == 1 ]]
}

@test "a session that does not reach the server of the first connection has no lock" {
	start_other elsewhere
	start_proxy
	start first --exclusive work -f %p "host=127.0.0.1 port=$proxy" jobs
	wait_for says first active
	proxy_to "$other"
	end_lock_session
	wait_for says first 'waiting: no session for the lock "work" .*: it reached another server, or another database'
	[ "$(psql -h 127.0.0.1 -p "$other" -qAtXc "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 0 ]
	proxy_to "$PGPORT"
	wait_for one_more_active
}

one_more_active() {
	[[ $(grep -c 'active, with' "$TMP/first.err") -ge 2 ]]
}

@test "the locks of a standby are not asked for" {
	start_standby exclusive
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start first --control "$TMP/control" --exclusive work 8>&-
	echo "connect main 'host=127.0.0.1 port=$standby'" >&8 # without a channel: LISTEN would be refused
	wait_for says first 'waiting: no session for the lock "work" \(main\): the server is a standby, whose locks are its own'
	run -1 says first active
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -w promote >/dev/null
	wait_for says first 'active, with the lock "work" \(main\)'
	exec 8>&-
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -m immediate -w stop >/dev/null
}

@test "a pooler in session mode is as good as none" {
	start_pgbouncer session
	start first --exclusive work -f %p "host=127.0.0.1 port=$bouncer" jobs
	wait_for says first active
	start second --exclusive work -f %p "host=127.0.0.1 port=$bouncer" jobs
	wait_for says second waiting
	kill -KILL "$first"
	wait_for says second active
	notify jobs one
	wait_for received second one
}

# There is no second connection for the proof, so notifications come, and the connection does not listen yet.
@test "what comes before it is proven that a pooler lets it through is not lost with the lock" {
	start_pgbouncer session 'default_pool_size = 1'
	export TMP
	start first --exclusive work \
		--notify-cmd 'echo "$PGWAIT_PAYLOAD" >>"$TMP/commands"; until [ -e "$TMP/go" ]; do sleep 0.1; done' \
		dbname=postgres "host=127.0.0.1 port=$bouncer dbname=template1" jobs
	wait_for says first active
	comes() { notify jobs one -d template1 && grep -q one "$TMP/commands"; }
	wait_for comes
	run -1 says first 'listening on jobs \(template1@'
	end_lock_session
	active_again() { [[ $(grep -c ': active, with' "$TMP/first.err") -eq 2 ]]; }
	wait_for active_again
	touch "$TMP/go"
	twice() { [[ $(grep -c one "$TMP/commands") -ge 2 ]]; }
	wait_for twice
}

@test "a server that hangs: the active one stops being active" {
	start_proxy
	start first --exclusive work -f %p "host=127.0.0.1 port=$proxy" jobs
	wait_for says first active
	freeze_proxy
	wait_for says first 'warning: waiting: no session for the lock "work" .*the server does not answer'
}

@test "one that was stopped hears from the server before it starts a command" {
	start_proxy
	start first --exclusive work --notify-cmd "echo \"ran \$PGWAIT_PAYLOAD\" >&2; until [ -e '$TMP/go' ]; do sleep 0.05; done" \
		"host=127.0.0.1 port=$proxy" jobs
	wait_for says first active
	notify jobs 1
	notify jobs 2
	wait_for says first '^ran 1'
	stop "$first"
	wait_for all_answered
	freeze_proxy
	touch "$TMP/go"
	start=$SECONDS
	lease_is_over() { ((SECONDS > start + 10)); }
	wait_for lease_is_over
	kill -CONT "$first"
	wait_for says first 'waiting: no session for the lock "work" .*the server does not answer'
	run -1 says first '^ran 2'
	kill -CONT -- "-$proxy_pid"
	wait_for says first '^ran 2'
}

all_answered() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait' AND state <> 'idle'") == 0 ]]
}

@test "one that was stopped, and has its lock still, goes on" {
	start first --exclusive work -f %p jobs
	wait_for says first active
	stop "$first"
	notify jobs one
	start=$SECONDS
	lease_is_over() { ((SECONDS > start + 10)); }
	wait_for lease_is_over
	kill -CONT "$first"
	wait_for received first one
	run -1 says first waiting
}

@test "a slow reader does not keep it from noticing" {
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	"$PGWAIT" --exclusive work --buffer 1KiB jobs >"$TMP/pipe" 2>"$TMP/first.err" 3>&- 7>&- &
	first=$!
	wait_for says first active
	sql -c "SELECT pg_notify('jobs', repeat('x', 7000) || n) FROM generate_series(1, 100) n" >/dev/null
	wait_for says first 'too slow'
	end_lock_session
	wait_for says first 'waiting: no session for the lock'
	exec 7>&-
}

@test "a pooler in transaction mode is found out before" {
	start_pgbouncer transaction
	run_split "$PGWAIT" --exclusive work "host=127.0.0.1 port=$bouncer" jobs
	[[ $status -eq 3 && $errors == *'a pooler in transaction or statement mode'* ]]
	[ "$(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 0 ]
}

# What is read without the lock takes no room: that the server is another one now is noticed, whatever waits.
# The process waits for something to happen. One that looks again and again never does.
sleeps() {
	local stat
	read -r stat <"/proc/$1/stat"
	[[ ${stat##*) } == S* ]]
}

@test "what it kept has no room while the reader does not read: it rests" {
	mkfifo "$TMP/first.pipe"
	exec 8<>"$TMP/first.pipe"
	"$PGWAIT" --exclusive work --buffer 256KiB -f %p jobs >"$TMP/first.pipe" 2>"$TMP/first.err" 3>&- 8>&- &
	first=$!
	wait_for says first active
	# The pipe takes 64 KiB; the rest is more than a quarter of the buffer, and all of it less than three quarters.
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 150) i" >/dev/null
	PID=$first
	all_taken() { [[ $(sql -c 'SELECT pg_notification_queue_usage() = 0') == t ]] && ! unread 1 1; }
	wait_for all_taken
	end_lock_session
	wait_for one_more_active
	wait_for sleeps "$first"
	cat <&8 >"$TMP/first.out" 3>&- &
	reader=$!
	notify jobs last
	wait_for received first last
	kill "$reader"
	exec 8>&-
	diff <(grep -o '[0-9]*$' "$TMP/first.out" | head -n 150) <(seq 150)
}

@test "a buffer that is full does not keep it from the lock after a restart of the server" {
	mkfifo "$TMP/first.pipe"
	exec 8<>"$TMP/first.pipe"
	"$PGWAIT" --exclusive work --buffer 1KiB -f %p jobs >"$TMP/first.pipe" 2>"$TMP/first.err" 3>&- 8>&- &
	first=$!
	wait_for says first active
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 500) i" >/dev/null
	wait_for says first 'standard output is too slow: the buffer'
	pg restart -m immediate
	wait_for one_more_active
	cat <&8 >"$TMP/first.out" 3>&- &
	reader=$!
	notify jobs last
	wait_for received first last
	kill "$reader"
	exec 8>&-
}

@test "the connection of the lock is removed: the next one is asked" {
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start first --control "$TMP/control" --exclusive work -f '%d %p' 'dbname=postgres application_name=one' 'dbname=template1 application_name=two' jobs 8>&-
	# Both listen before: a connection that begins to listen while the process waits has a gap.
	wait_for says first 'listening on jobs \(template1@'
	wait_for says first 'active, with the lock "work" \(postgres@'
	echo "disconnect postgres@$PGHOST:$PGPORT" >&8
	wait_for says first '^pgwait: active, with the lock "work" \(template1@'
	says first 'waiting: no session for the lock "work" \(template1@.*\): its connection was removed'
	notify jobs one -d template1
	wait_for received first one
	exec 8>&-
}

@test "the connection of the lock is removed, and the next one is in the same database: the lock stays" {
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start first --control "$TMP/control" --exclusive work -f %p 'dbname=postgres application_name=one' 'dbname=postgres application_name=two' jobs 8>&-
	wait_for says first 'active, with the lock "work" \(postgres@'
	start second --exclusive work -f %p jobs
	wait_for says second waiting
	notify jobs before
	wait_for received first before
	echo "disconnect postgres@$PGHOST:$PGPORT" >&8
	wait_for says first 'ok: disconnect'
	notify jobs after
	wait_for received first after
	run -1 says first waiting
	run -1 says second active
	# Its session is lost: the next one is where the connection is that is there.
	end_lock_session
	wait_for says first 'waiting: no session for the lock "work" \(postgres@.*#2\)'
	exec 8>&-
}

# at_once COMMAND...: goes to descriptor 8 with one write, so that a command is there when the one before it has ended.
at_once() {
	cat >&8 <<<"$(printf '%s\n' "$@")"
}

# start_two FILE ARG...: the process "first" writes to the file, and has a further connection, "two". Descriptor 8 takes commands.
start_two() {
	[[ -p $TMP/control ]] || mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	"$PGWAIT" --control "$TMP/control" --exclusive work "${@:2}" jobs >"$1" 2>"$TMP/first.err" 3>&- 8>&- &
	first=$!
	wait_for says first active
	printf '%s\n' "connect two 'dbname=postgres application_name=two'" 'listen two jobs' >&8
	wait_for says first 'ok: listen'
}

# Bytes have arrived that the server process of a connection has not read.
asked() {
	[[ $(ss -xn | awk -v path="$PGHOST/.s.PGSQL.$PGPORT" '$5 == path && $3 > 0' | wc -l) -gt 0 ]]
}

@test "a connection is removed while the process waits: what it has received is delivered with the lock" {
	start_two "$TMP/first.out" -f '%d %p %j'
	hold_lock
	end_lock_session
	wait_for says first 'waiting: another process'
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'two' AND query ~ 'LISTEN'")
	notify jobs before
	"$SANDBOX_RUN" kill -STOP "$backend"
	echo 'disconnect two' >&8
	wait_for asked
	notify jobs meanwhile
	"$SANDBOX_RUN" kill -CONT "$backend"
	wait_for says first 'ok: disconnect'
	notify jobs after
	drop_lock
	wait_for received first ' after '
	[ "$(grep '^two' "$TMP/first.out" | cut -d' ' -f1,2)" = $'two before\ntwo meanwhile' ]
	[ "$(grep -c '"takeover":true' "$TMP/first.out")" = "$(wc -l <"$TMP/first.out")" ]
	exec 8>&-
}

@test "a connection is removed while the process waits: what its reader had not taken is delivered with the lock" {
	mkfifo "$TMP/first.pipe"
	exec 9<>"$TMP/first.pipe"
	start_two "$TMP/first.pipe" -f '%d %p' 9>&-
	notify_much
	hold_lock
	end_lock_session
	wait_for says first 'waiting: another process'
	echo 'disconnect two' >&8
	wait_for says first 'ok: disconnect'
	drop_lock
	cat <&9 >"$TMP/first.out" 3>&- 8>&- &
	reader=$!
	wait_for all_of_two
	kill "$reader"
	exec 8>&- 9>&-
}

# More than a pipe takes; and it is received.
notify_much() {
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 500) i" >/dev/null
	echo channels >&8
	wait_for says first 'ok: channels'
}

all_of_two() {
	[[ $(grep '^two' "$TMP/first.out" | sort -u | wc -l) -eq 500 ]]
}

@test "the last connection is removed: the lock stays until the reader has taken all" {
	mkfifo "$TMP/first.pipe"
	exec 9<>"$TMP/first.pipe"
	start_two "$TMP/first.pipe" -j 9>&-
	echo "disconnect postgres@$PGHOST:$PGPORT" >&8
	wait_for says first 'ok: disconnect'
	notify_much
	at_once 'disconnect two' 'connect three dbname=postgres' 'listen three jobs' status
	wait_for says first 'ok: status'
	notify jobs last
	cat <&9 >"$TMP/first.out" 3>&- 8>&- &
	reader=$!
	wait_for received first last
	kill "$reader"
	[ "$(wc -l <"$TMP/first.out")" -eq 501 ]
	run -1 received first takeover
	run -1 says first waiting
	exec 8>&- 9>&-
}

@test "the connection of the lock is removed, and has much to receive: all of it comes" {
	mkfifo "$TMP/control" "$TMP/first.pipe"
	exec 8<>"$TMP/control" 9<>"$TMP/first.pipe"
	"$PGWAIT" --control "$TMP/control" --exclusive work --buffer 64KiB -f %p dbname=postgres dbname=template1 jobs \
		>"$TMP/first.pipe" 2>"$TMP/first.err" 3>&- 8>&- 9>&- &
	first=$!
	wait_for says first 'listening on jobs \(template1@'
	wait_for says first 'active, with the lock "work" \(postgres@'
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 500) i" >/dev/null
	wait_for says first 'too slow: the buffer'
	printf '%s\n' status "disconnect postgres@$PGHOST:$PGPORT" >&8 # which is answered when it is gone
	wait_for says first 'ok: status'
	cat <&9 >"$TMP/first.out" 3>&- 8>&- &
	reader=$!
	wait_for all_of_one
	wait_for says first 'active, with the lock "work" \(template1@'
	kill "$reader"
	run -1 says first 'may be missing'
	exec 8>&- 9>&-
}

all_of_one() {
	[[ $(sort -u "$TMP/first.out" | wc -l) -eq 500 ]]
}

@test "the last connection is removed, and all is delivered: another process gets the lock" {
	start_silent
	start_two "$TMP/first.out" -f %p
	start second --exclusive work -f %p jobs 8>&-
	wait_for says second waiting
	at_once "disconnect postgres@$PGHOST:$PGPORT" 'disconnect two' "connect slow 'host=127.0.0.1 port=$port connect_timeout=1000'"
	wait_for says second active
	notify jobs one
	wait_for received second one
	run -1 received first one
	exec 8>&-
}

@test "it ends while it has no lock: what it has received is told, unless another process has the lock" {
	start_two "$TMP/first.out" -f %p
	hold_lock
	end_lock_session
	wait_for says first 'waiting: another process'
	notify_much
	kill -TERM "$first"
	wait_for gone "$first"
	wait "$first"
	run -1 says first 'error: '
	drop_lock
	wait_for no_lock
	rm "$TMP/first.err"
	mkfifo "$TMP/first.pipe"
	exec 9<>"$TMP/first.pipe"
	start_two "$TMP/first.pipe" -f %p 9>&-
	notify_much
	pg stop -m immediate
	wait_for says first 'waiting: no session'
	kill -TERM "$first"
	wait_for gone "$first"
	run -1 wait "$first"
	says first 'error: the lock was lost before [0-9]+ notifications were known to be delivered'
	pg start
	exec 8>&- 9>&-
}

no_lock() {
	[[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0 ]]
}

@test "the connection of the lock is removed, and the next one is down: it waits, and says so" {
	port=$(free_port)
	mkfifo "$TMP/control"
	exec 8<>"$TMP/control"
	start first --control "$TMP/control" --exclusive work --reconnect always -f '%d %p' \
		'dbname=postgres' "host=127.0.0.1 port=$port" 'dbname=template1' jobs 8>&-
	wait_for says first 'active, with the lock "work" \(postgres@'
	echo "disconnect postgres@$PGHOST:$PGPORT" >&8
	wait_for says first "waiting: no session for the lock \"work\" \(postgres@127.0.0.1:$port\): its connection was removed"
	echo "disconnect postgres@127.0.0.1:$port" >&8
	wait_for says first 'active, with the lock "work" \(template1@'
	exec 8>&-
}

@test "the first connection is down from the start: it waits, and says so" {
	start first --exclusive work --reconnect always "host=127.0.0.1 port=$(free_port)" 'dbname=postgres' jobs
	wait_for says first 'waiting: no session for the lock "work" \(postgres@127.0.0.1:.*Connection refused'
}

@test "a first connection that ends it is one error, and nothing waits" {
	run_split "$PGWAIT" --exclusive work "host=127.0.0.1 port=$(free_port)" jobs
	[[ $status -eq 2 && $(wc -l <"$ERR") -eq 1 && $errors == 'pgwait: error: '* ]]
}

@test "a connection that is slow delays neither the lock nor its line" {
	start_silent
	start first --exclusive work 'dbname=postgres' "host=127.0.0.1 port=$port" jobs
	wait_for says first 'active, with the lock "work" \(postgres@'
}

@test "an empty key, and one that is not UTF-8, are usage errors" {
	for bad in '' $'\xff'; do
		run_split "$PGWAIT" --exclusive "$bad" jobs
		[[ $status -eq 1 && -z $output && $errors == *'invalid --exclusive "'*'accepted is a whole number of 64 bits or other text'* ]]
	done
}

@test "two hosts: the active one is killed under load, and no row is handled zero times" {
	sql -c 'DROP TABLE IF EXISTS work' -c 'CREATE TABLE work (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)'
	export HANDLED=$TMP/handled
	: >"$HANDLED"
	local delete='DELETE FROM work WHERE id IN (SELECT id FROM work ORDER BY id LIMIT 50 FOR UPDATE) RETURNING id'
	host() {
		start "$1" --exclusive work --notify-cmd 'cat >>"$HANDLED"; echo >>"$HANDLED"' --catchup-sql "$delete" jobs
	}
	host first
	host second
	for round in 1 2 3 4; do
		wait_for either_active
		for n in 1 2 3; do
			sql -c "INSERT INTO work SELECT FROM generate_series(1, 10)" -c 'NOTIFY jobs'
		done
		if says first active && ! gone "$first"; then
			kill -KILL "$first"
			wait_for says second active
			host first
			wait_for says first waiting
		else
			kill -KILL "$second"
			wait_for says first active
			host second
			wait_for says second waiting
		fi
	done
	kill -TERM "$first" "$second"
	wait_for gone "$first"
	wait_for gone "$second"
	while [[ $(sql -c 'SELECT count(*) FROM work') != 0 ]]; do
		run_split "$PGWAIT" -t 0 --notify-cmd 'cat >>"$HANDLED"; echo >>"$HANDLED"' --catchup-sql "$delete" jobs
		[ "$status" -eq 0 ]
	done
	[ "$(grep -xE '[0-9]+' "$HANDLED" | sort -nu | wc -l)" -eq 120 ]
}

either_active() {
	says first active || says second active
}
