# --control: commands from standard input and from a FIFO.

load helper
load servers

setup() {
	unset proxy_pid
	n=0
}

clean_up() {
	pg status >/dev/null || pg start
}

# start_control ARG...: with commands from a pipe (say), events in $OUT.
start_control() {
	mkfifo "$TMP/commands"
	"$PGWAIT" --control - -j --events "$@" <"$TMP/commands" >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	exec 7>"$TMP/commands"
}

# say COMMAND: sends it, and waits for its answer, which is in $reply.
say() {
	echo "$1" >&7
	n=$((n + 1))
	wait_for replied
	reply=$(jq -c 'select(.event == "reply")' "$OUT" | sed -n "${n}p")
}

replied() {
	(($(grep -c '^{"event":"reply"' "$OUT") >= n))
}

# is FILTER: the reply matches.
is() {
	jq -e "$1" <<<"$reply" >/dev/null || {
		echo "$reply" >&2
		return 1
	}
}

terminate() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$1'" >/dev/null
}

@test "every command, from an empty start to its end" {
	createdb b
	start_control
	say help
	is '.ok and (.commands | index("quit") and index("listen NAME|* CHANNEL..."))'
	say status
	is '.ok and .connections == {}'
	say "connect one 'dbname=postgres application_name=one'"
	is '.command == "connect" and .ok'
	say 'connect two dbname=b'
	is .ok
	say 'listen * jobs "two words"'
	is .ok
	say channels
	is '.channels == {"one": ["jobs", "two words"], "two": ["jobs", "two words"]}'
	[[ $(sql -c "SELECT query FROM pg_stat_activity WHERE application_name = 'one'") == *pg_listening_channels* ]]
	say "notify one 'two words' 'a \"payload\" of '\\''mine'\\'''"
	is .ok
	[[ $(jq -r 'select(.channel == "two words").payload' "$OUT") == "a \"payload\" of 'mine'" ]]
	say 'unlisten two jobs'
	is .ok
	say 'channels two'
	is '.channels == {"two": ["two words"]}'
	notify jobs 'not heard' -d b
	say drain
	is .ok
	run -1 grep -q 'not heard' "$OUT"
	say status
	is '.connections.one | .state == "listening" and .channels == ["jobs", "two words"] and .notifications == 1'
	say garbage
	is '.garbage == {}'
	say 'disconnect two'
	is .ok
	say 'channels'
	is '.channels == {"one": ["jobs", "two words"]}'
	say quit
	is .ok
	end_pgwait
	[[ $status -eq 0 ]]
	run -1 grep -e error -e warning "$ERR"
}

@test "bad commands are answered, and nothing ends" {
	start_control "host=$PGHOST" jobs
	say 'bogus'
	is '.ok == false and (.error | test("unknown command \"bogus\"; accepted are connect, .*help"))'
	say 'lisen nobody jobs'
	is '.error | test("unknown command \"lisen\" \\(did you mean listen\\?\\); accepted are connect, .*help")'
	say 'STATUS'
	is '.error | test("unknown command \"STATUS\" \\(did you mean status\\?\\); accepted")'
	say 'listen'
	is '.ok == false and .error != null'
	say "listen postgras@$PGHOST:$PGPORT jobs"
	is ".error == \"there is no connection \\\"postgras@$PGHOST:$PGPORT\\\" (did you mean postgres@$PGHOST:$PGPORT?)\""
	say 'listen nobody jobs'
	is '.error == "there is no connection \"nobody\""'
	say "listen * $(printf 'x%.0s' {1..64})"
	is '.error | test("64 bytes")'
	say "connect x \"password='se cret\""
	is '.ok == false and (.error | test("cret") | not)'
	say "connect x 'host=/nowhere password=hidden'"
	is '.ok == false and (.error | test("hidden") | not) and (.error | test("nowhere"))'
	say "disconnect postgresql://app:cret@h/d"
	is '.ok == false and (.error | test("cret") | not)'
	say "notify nobody jobs"
	is '.ok == false'
	say "timeout soon"
	is '.error | test("soon")'
	say "recover nobody"
	is '.ok == false'
	{ printf 'x%.0s' {1..70000}; echo; } >&7
	n=$((n + 1))
	wait_for replied
	reply=$(jq -c 'select(.event == "reply")' "$OUT" | sed -n "${n}p")
	is '.error | test("too long")'
	printf 'sta\0tus\n' >&7
	n=$((n + 1))
	wait_for replied
	say '# a comment, and a blank line, are nothing
status'
	is '.command == "status" and .ok'
	notify jobs x
	wait_for grep -q '"channel":"jobs"' "$OUT"
}

@test "timeout: idle events come, and stop coming" {
	start_control "host=$PGHOST" jobs
	say status
	run -1 grep -q '"event":"idle"' "$OUT"
	say 'timeout 0.01'
	is .ok
	wait_for grep -q '"event":"idle"' "$OUT"
	say 'timeout none'
	is .ok
	before=$(grep -c '"event":"idle"' "$OUT")
	# Far more than 0.01 s, on any machine.
	for i in {1..20}; do say drain; done
	[[ $(grep -c '"event":"idle"' "$OUT") -eq $before ]]
}

@test "quit with an unmet -n: 124" {
	start_control -n 1 "host=$PGHOST" jobs
	say quit
	end_pgwait
	[[ $status -eq 124 ]]
}

@test "text: an answer is a line on standard error" {
	mkfifo "$TMP/commands"
	"$PGWAIT" --control - "host=$PGHOST" jobs <"$TMP/commands" >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	exec 7>"$TMP/commands"
	wait_for grep -q 'listening on jobs' "$ERR"
	echo 'channels' >&7
	wait_for grep -qx "pgwait: ok: channels: postgres@$PGHOST:$PGPORT: jobs" "$ERR"
	echo 'listen * more' >&7
	wait_for grep -qx 'pgwait: ok: listen' "$ERR"
	echo 'nonsense' >&7
	wait_for grep -q 'pgwait: error: unknown command "nonsense"' "$ERR"
	[[ ! -s $OUT ]]
}

@test "a command is carried out after the last one was answered" {
	start_control
	printf '%s\n' "connect a application_name=a" 'listen a x' 'notify a x 1' 'notify a x 2' 'drain' 'unlisten a x' \
		'channels' 'quit' >&7
	end_pgwait
	[[ $(jq -r 'select(.event == "reply").command' "$OUT" | tr '\n' ' ') == \
		'connect listen notify notify drain unlisten channels quit ' ]]
	jq -e 'select(.event == "reply").ok' "$OUT" >/dev/null
	# What was sent before the drain stands before its answer.
	[[ $(jq -r '.command // .payload // empty' "$OUT" | tr '\n' ' ') == \
		'connect listen 1 notify 2 notify drain unlisten channels quit ' ]]
}

@test "the end of standard input ends the control, and pgwait if it has no connection" {
	run_split "$PGWAIT" --control - </dev/null
	[[ $status -eq 0 ]]
	start_control "host=$PGHOST" jobs
	say status
	exec 7>&-
	notify jobs x
	wait_for grep -q '"payload":"x"' "$OUT"
}

@test "commands in a file, and a last line without a newline" {
	printf 'connect a application_name=a\nlisten a x\nquit' >"$TMP/script"
	run_split "$PGWAIT" --control - -j --events <"$TMP/script"
	[[ $status -eq 0 ]]
	[[ $(jq -r 'select(.event == "reply").command' "$OUT" | tr '\n' ' ') == 'connect listen quit ' ]]
}

@test "a FIFO: made with mode 600, several writers, gone at the end" {
	"$PGWAIT" --control "$TMP/control" "host=$PGHOST" jobs >"$OUT" 2>"$ERR" 3>&- &
	PID=$!
	wait_for test -p "$TMP/control"
	[[ $(stat -c %a "$TMP/control") == 600 ]]
	wait_for grep -q listening "$ERR"
	echo 'listen * a' >"$TMP/control"
	wait_for grep -qx 'pgwait: ok: listen' "$ERR"
	echo 'channels' >"$TMP/control"
	wait_for grep -q 'ok: channels: .* a jobs$' "$ERR"
	echo 'quit' >"$TMP/control"
	end_pgwait
	[[ $status -eq 0 && ! -e $TMP/control ]]
}

@test "a FIFO that others may write to, and what is none, are refused" {
	mkfifo -m 622 "$TMP/control"
	run_split "$PGWAIT" --control "$TMP/control" jobs
	[[ $status -eq 1 && $errors == *"invalid --control \"$TMP/control\": others own the FIFO or may write to it"* ]]
	[[ -p $TMP/control ]]
	echo precious >"$TMP/file"
	run_split "$PGWAIT" --control "$TMP/file" jobs
	[[ $status -eq 1 && $errors == *'it is no FIFO'* && $(<"$TMP/file") == precious ]]
	run_split "$PGWAIT" --control "$TMP/no/where" jobs
	[[ $status -eq 1 && $errors == *'could not make the FIFO'* ]]
	run_split "$PGWAIT" --control - -t 0 jobs
	[[ $status -eq 1 && $errors == *'--control and --timeout 0 exclude each other'* ]]
}

@test "a FIFO from which another one takes commands is refused, and left to that one" {
	start_plain --control "$TMP/control" jobs
	wait_for grep -q listening "$ERR"
	status=0
	"$PGWAIT" --control "$TMP/control" jobs >"$TMP/second" 2>&1 || status=$?
	[[ $status -eq 1 && $(<"$TMP/second") == "pgwait: error: invalid --control \"$TMP/control\": another process takes commands from it"* ]]
	echo 'listen * more' >"$TMP/control"
	wait_for grep -qx 'pgwait: ok: listen' "$ERR"
	echo quit >"$TMP/control"
	end_pgwait
	[[ $status -eq 0 && ! -e $TMP/control ]]
}

@test "a FIFO that took the place of the one that was made is not removed, and a symbolic link is refused" {
	start_plain --control "$TMP/control" jobs
	wait_for grep -q listening "$ERR"
	mkfifo -m 600 "$TMP/new"
	mv "$TMP/new" "$TMP/control"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && -p $TMP/control ]]
	ln -s control "$TMP/link"
	run_split "$PGWAIT" --control "$TMP/link" jobs
	[[ $status -eq 1 && $errors == *"invalid --control \"$TMP/link\": it is a symbolic link"* ]]
}

@test "SIGUSR1: the status on standard error" {
	start_pgwait jobs audit
	kill -USR1 "$PID"
	wait_for grep -qx "pgwait: ok: status: postgres@$PGHOST:$PGPORT: listening on jobs, audit" "$ERR"
	notify jobs x
	wait_for lines "$OUT" 1
}

@test "listen on a connection that is away takes effect when it is back" {
	start_control "host=$PGHOST" jobs
	say status
	pg stop -m fast
	wait_for grep -q '"event":"lost"' "$OUT"
	say 'listen * more'
	is .ok
	say 'unlisten * jobs'
	is .ok
	say 'notify postgres@nowhere x'
	is '.ok == false'
	pg start
	again() { [[ $(jq -c 'select(.event == "listening").channels' "$OUT" | tail -n 1) == '["more"]' ]]; }
	wait_for again
}

# --- What the reference manager does, one by one

@test "reference: events from two connections that signal each other, and are removed in the loop" {
	start_control
	say "connect one application_name=one"
	say "connect two application_name=two"
	say 'listen one ping'
	say 'listen two pong'
	say 'notify two ping'
	wait_for grep -q '"channel":"ping".*"connection":"one"' "$OUT"
	say 'notify one pong'
	wait_for grep -q '"channel":"pong".*"connection":"two"' "$OUT"
	say 'disconnect one'
	say 'disconnect two'
	end_pgwait
	[[ $status -eq 0 ]]
	[[ $(jq -r '.channel // empty' "$OUT" | tr '\n' ' ') == 'ping pong ' ]]
}

@test "reference: idle events that trigger a notify" {
	start_pgwait -t 0.1 --idle-cmd "psql -qXc \"NOTIFY jobs, 'from idle'\"" -f %p jobs
	wait_for lines "$OUT" 3
	[[ $(sort -u "$OUT") == 'from idle' ]]
}

@test "reference: zero timeout returns nothing, then exactly what was just sent, every time" {
	start_control "host=$PGHOST" jobs
	say drain
	[[ -z $(jq -r '.payload // empty' "$OUT") ]]
	for i in {1..20}; do
		notify jobs "$i"
		say drain
		[[ $(jq -r '.payload // empty' "$OUT" | tail -n 1) == "$i" ]]
	done
	[[ $(jq -r '.payload // empty' "$OUT") == "$(seq 20)" ]]
}

@test "reference: what is left is delivered after the connection was closed in the loop" {
	start_control "application_name=closed" jobs
	say status
	# Stopped, so that the notifications and the command are found together.
	stop "$PID"
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, 100) i" >/dev/null
	wait_for unread 1 1692 # all of them
	echo "connect other application_name=other" >&7
	echo 'disconnect '"postgres@$PGHOST:$PGPORT" >&7
	kill -CONT "$PID"
	n=3
	wait_for replied
	[[ $(jq -r '.payload // empty' "$OUT") == "$(seq 100)" ]]
	say status
	is '.connections | keys == ["other"]'
}

# asked PID: that process of the server has not read all that was sent to it.
asked() {
	(($(ss -xnp | awk -v pid="pid=$1," 'index($0, pid) { n += $3 } END { print n + 0 }') > 0))
}

backend_of() {
	sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1'"
}

@test "drain is answered once the server has sent everything, and it is written" {
	start_control "host=$PGHOST" jobs
	say status
	backend=$(backend_of pgwait)
	stop "$backend"
	notify jobs late
	echo drain >&7
	wait_for asked "$backend"
	kill -CONT "$backend"
	n=2
	wait_for replied
	[[ $(tail -n 2 "$OUT" | jq -r '.payload // .command' | tr '\n' ' ') == 'late drain ' ]]
}

@test "reference: a failed connection is found in the garbage, recovered, and receives again" {
	start_control --reconnect never -t 0.1 application_name=one application_name=two jobs
	say status
	terminate two
	wait_for grep -q '"event":"idle".*"garbage":\["postgres@.*#2"\]' "$OUT"
	say garbage
	is '.garbage | length == 1 and (.[] | test("terminating connection due to administrator command"))'
	name=$(jq -r '.garbage | keys[0]' <<<"$reply")
	say "recover $name"
	is .ok
	say garbage
	is '.garbage == {}'
	notify jobs again
	both() { [[ $(grep -c '"payload":"again"' "$OUT") -eq 2 ]]; }
	wait_for both
}

@test "the reason of a backend that ended just before something is asked" {
	start_control --reconnect never application_name=one application_name=two jobs
	say status
	name=$(jq -r '.connections | keys[] | select(endswith("#2"))' <<<"$reply")
	# Stopped, so that the command is found first, and what the server said after it.
	stop "$PID"
	wait_for grep -q '^State:.T' "/proc/$PID/status"
	echo "channels $name" >&7
	terminate two
	ended() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'two'") -eq 0 ]]; }
	wait_for ended
	kill -CONT "$PID"
	n=2
	wait_for replied
	say garbage
	is '.garbage == {"'"$name"'": "terminating connection due to administrator command"}'
	[[ $(jq -r 'select(.event == "lost") | .sqlstate' "$OUT") == 57P01 ]]
}

@test "reference: connections are removed until none is left, which ends the program" {
	start_control application_name=a application_name=b application_name=c jobs
	say status
	mapfile -t names < <(jq -r '.connections | keys[]' <<<"$reply")
	[[ ${#names[@]} -eq 3 ]]
	for name in "${names[@]}"; do say "disconnect $name"; done
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a recover is answered although SIGHUP takes its connection away meanwhile" {
	port=$(free_port)
	# It takes everything, and never answers.
	socat -u "TCP-LISTEN:$port,bind=127.0.0.1,fork" OPEN:/dev/null 3>&- 4>&- >/dev/null 2>&1 &
	silent=$!
	listening() { (exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
	wait_for listening
	echo "connect slow 'host=127.0.0.1 port=$port connect_timeout=100 sslmode=disable gssencmode=disable'" >"$TMP/conf"
	start_control --config "$TMP/conf"
	# The second line is looked at as soon as the first is answered.
	say $'status\nrecover slow'
	: >"$TMP/conf"
	kill -HUP "$PID"
	n=$((n + 1))
	wait_for replied
	reply=$(jq -c 'select(.event == "reply")' "$OUT" | sed -n 2p)
	kill "$silent"
	is '.command == "recover" and .ok == false and (.error | test("removed|no connection"))'
	say status
	is '.connections == {}'
}

@test "a disconnect out of the garbage" {
	start_control application_name=one "host=127.0.0.1 port=1" jobs
	say status
	say "disconnect postgres@127.0.0.1:1"
	is .ok
	say status
	is '.connections | length == 1'
}

@test "a catch-up whose channel is removed while it connects has its rows under that name" {
	start_control --catchup-sql "SELECT 'row'" "host=$PGHOST" jobs
	for i in {1..5}; do
		echo "connect x$i host=$PGHOST"
		echo "listen x$i a-channel-of-some-length-$i"
		echo "unlisten x$i a-channel-of-some-length-$i"
	done >&7
	rows() { jq -r 'select(.payload == "row") | .channel' "$OUT"; }
	all_there() { [[ $(rows | wc -l) -eq 6 ]]; }
	wait_for all_there
	[ "$(rows | sort)" = "$(printf '%s\n' a-channel-of-some-length-{1..5} jobs)" ]
}

# The server sends what it has, and nobody reads: `disconnect` and what else is said comes behind it.
send_to_stopped() {
	stop "$PID"
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, $1) i" >/dev/null
}

@test "disconnect: what was committed before it is received" {
	start_control
	say "connect keep 'dbname=postgres application_name=keep'"
	say "connect one 'dbname=postgres application_name=one'"
	say 'listen one jobs'
	send_to_stopped 5000
	n=$((n + 1))
	echo 'disconnect one' >&7
	kill -CONT "$PID"
	wait_for replied
	reply=$(jq -c 'select(.event == "reply")' "$OUT" | tail -n 1)
	is '.command == "disconnect" and .ok'
	diff <(jq -r 'select(.payload).payload' "$OUT") <(seq 5000)
	[[ $(jq -r 'select(.payload or .command == "disconnect") | .event' "$OUT" | tail -n 1) == reply ]]
	say status
	is '.connections | keys == ["keep"]'
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'one'") -eq 0 ]]
}

@test "disconnect: where not everything came, the answer says so" {
	start_control
	say "connect keep dbname=postgres"
	say "connect one 'dbname=postgres application_name=one connect_timeout=2'"
	say 'listen one jobs'
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'")
	"$SANDBOX_RUN" kill -STOP "$backend"
	say 'disconnect one'
	"$SANDBOX_RUN" kill -CONT "$backend"
	is '.ok == false and (.error | test("disconnected, but not all that was sent before was received: .*within 2 s"))'
	say status
	is '.connections | keys == ["keep"]'
	say "connect one dbname=postgres" # its name is free
	is .ok
}

@test "commands behind the disconnect of the last connection are answered" {
	start_control
	say "connect a dbname=postgres"
	say "listen a jobs"
	printf '%s\n' 'disconnect a' "connect b dbname=postgres" 'listen b jobs' >"$TMP/at_once"
	cat "$TMP/at_once" >&7
	n=$((n + 3))
	wait_for replied
	jq -se '[.[] | select(.event == "reply")] | length == 5 and all(.ok)' "$OUT" >/dev/null
	notify jobs x
	wait_for grep -q '"payload":"x"' "$OUT"
	say 'disconnect b' # and now none is left
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "drain: a command that fails for what came before it, and a connection that is down" {
	mkfifo "$TMP/go"
	start_control --notify-cmd "read -r _ <'$TMP/go'; exit 3"
	say "connect one dbname=postgres"
	say 'listen one jobs'
	notify jobs x
	wait_for pgrep -P "$PID"
	echo drain >&7
	n=$((n + 1))
	echo >"$TMP/go"
	wait_for replied
	reply=$(jq -c 'select(.event == "reply")' "$OUT" | tail -n 1)
	is '.command == "drain" and .ok == false and (.error | test("not everything could be delivered"))'
	say drain
	is .ok
	say "connect two 'dbname=postgres application_name=two'"
	pg stop -m immediate
	wait_for grep -q '"event":"lost"' "$OUT"
	say drain
	clean_up
	is '.ok == false and (.error | test("\"one\" is not connected: "))'
}

@test "what a server refuses is taken back, and names connection and channel; others listen" {
	createdb -E LATIN1 -T template0 --locale C narrow
	start_control
	say "connect wide dbname=postgres"
	say "connect narrow dbname=narrow"
	say 'listen * good 日本'
	is '.ok == false and .error == "\"narrow\": LISTEN on \"good\", \"日本\": \"日本\" does not exist in the server'"'"'s encoding"'
	say status
	is '.connections | .wide.channels == ["good", "日本"] and .narrow.channels == []'
}

@test "a command with wrong words is answered under its name" {
	start_control
	say 'listen main'
	is '.command == "listen" and .ok == false'
	say 'nonsense'
	is '.command == "" and .ok == false'
}

@test "a connection is removed while its next attempt fails, and while it has something to say" {
	start_proxy
	start_control --catchup-sql "SELECT 'row'"
	say "connect keep dbname=postgres"
	say "connect x 'dbname=postgres host=127.0.0.1 port=$proxy sslmode=disable gssencmode=disable'"
	say 'listen x jobs'
	wait_for grep -q caught_up "$OUT"
	end_proxy
	setsid socat -u "TCP-LISTEN:$proxy,bind=127.0.0.1,fork,reuseaddr" OPEN:/dev/null 3>&- 4>&- >/dev/null 2>&1 &
	silent=$!
	wait_for pgrep -P "$silent" # it was lost, and its next attempt waits
	stop "$PID"
	echo 'disconnect x' >&7
	kill -- "-$silent"
	wait_for gone "$silent"
	kill -CONT "$PID"
	n=$((n + 1))
	wait_for replied
	say "connect x 'dbname=postgres application_name=x'"
	say 'listen x jobs'
	stop "$PID"
	notify jobs one
	echo 'disconnect x' >&7
	kill -CONT "$PID"
	n=$((n + 1))
	wait_for replied
	grep -q '"payload":"one"' "$OUT"
	say quit
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "channels are removed while a catch-up runs: the next one does not run for nobody" {
	sql -c 'CREATE TABLE runs (n int)'
	start_control --catchup-sql "WITH w AS (INSERT INTO runs VALUES (1) RETURNING 'row') SELECT * FROM w, pg_advisory_xact_lock(11)"
	exec 8> >(psql -qAtX >"$TMP/locked" 3>&-)
	echo 'SELECT pg_advisory_lock(11);' >&8
	wait_for lines "$TMP/locked" 1
	say "connect main dbname=postgres"
	say 'listen main a'
	waits() { [[ $(sql -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") -eq 1 ]]; }
	wait_for waits
	say 'listen main b'
	say 'unlisten main a b'
	echo 'SELECT pg_advisory_unlock(11);' >&8
	wait_for grep -q caught_up "$OUT"
	say drain
	exec 8>&-
	[[ $(sql -c 'SELECT count(*) FROM runs') -eq 1 ]]
	sql -c 'DROP TABLE runs'
	say quit
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "the end while a drain is not answered" {
	start_control
	say "connect one 'dbname=postgres application_name=one'"
	backend=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'one'")
	"$SANDBOX_RUN" kill -STOP "$backend"
	echo drain >&7
	asked() { [[ $(ss -xn | awk -v path="$PGHOST/.s.PGSQL.$PGPORT" '$5 == path && $3 > 0' | wc -l) -gt 0 ]]; }
	wait_for asked
	kill -TERM "$PID"
	end_pgwait
	"$SANDBOX_RUN" kill -CONT "$backend"
	[[ $status -eq 0 ]]
}
