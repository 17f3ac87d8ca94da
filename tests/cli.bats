#!/usr/bin/env bats
# The command line: options, channels, connections, groups, labels, passwords that stay hidden.

load helper

setup_file() {
	sql -c 'CREATE DATABASE g1' -c 'CREATE DATABASE g2' -c 'CREATE ROLE other LOGIN'
}

setup() {
	wait_for backends 0 # of the test before
}

backends() {
	(($(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'") == $1))
}

pgwait() {
	run_split timeout "$DEADLINE" "$PGWAIT" "$@"
}

has() {
	[[ $1 == *"$2"* ]] || {
		printf 'expected: %s\nin: %s\n' "$2" "$1"
		return 1
	}
}

complain() {
	printf 'pgwait %s: status %d, "%s", "%s"\n' "${*@Q}" "$status" "$output" "$errors"
	return 1
}

# refuses TEXT... -- ARG...: a usage error that has all these texts.
refuses() {
	local texts=() text
	while [[ $1 != -- ]]; do
		texts+=("$1")
		shift
	done
	shift
	pgwait "$@"
	[[ $status -eq 1 && -z $output && $errors == 'pgwait: error: '* ]] || complain "$@" || return 1
	for text in "${texts[@]}"; do
		has "$errors" "$text" || complain "$@" || return 1
	done
}

# accepts ARG...: it runs and ends.
accepts() {
	pgwait -t 0 "$@"
	[[ $status -eq 0 ]] || complain "$@"
}

# send_all CONNECTIONS DATABASE...: everything is sent to every database, `end` last; once it has
# come on so many connections, what arrived, sorted, is in $arrived.
send_all() {
	local db channel connections=$1
	shift
	for db in "$@"; do
		for channel in a b c d -x k=v end; do
			printf "SELECT pg_notify('%s', '');\n" "$channel"
		done | sql -d "$db" >/dev/null
	done
	wait_for ended "$connections"
	arrived=$(grep -v 'end$' "$OUT" | LC_ALL=C sort | tr '\n' ' ')
}

ended() {
	(($(grep -c 'end$' "$OUT") >= $1))
}

labels() {
	sed -n 's/^pgwait: listening on .* (\(.*\))$/\1/p' "$ERR" | LC_ALL=C sort | tr '\n' ' '
}

@test "unknown options are refused by name" {
	refuses '"--nonsense"' -- --nonsense x
	refuses '"--nonsense"' -- --nonsense=secret x
	refuses '"-y"' -- -y x
	refuses '"-y"' '"-jy"' -- -jy x
	refuses '"--"' -- --=5 x
	refuses '"-y"' -- x -y
}

@test "of an unknown option the nearest one is told, and no more than what can be its name" {
	refuses '"--notify-comand" (did you mean --notify-cmd?)' -- --notify-comand true x
	refuses '"--notify_cmd" (did you mean --notify-cmd?)' -- --notify_cmd=true x
	refuses '"--TIMEOUT" (did you mean --timeout?)' -- --TIMEOUT 1 x
	refuses '"--quite" (did you mean --quiet?)' -- --quite x
	refuses '"--colour" (did you mean --color?)' -- --colour=never x
	refuses '"--formatting" (did you mean --format?)' -- --formatting x
	refuses '"--tim" (did you mean --timeout?)' -- --tim 1 x
	for option in --nonsense --x --channels-of-the-database --"$(printf 'notify-cmd%.0s' {1..9})"; do
		refuses "\"$option\"" -- "$option" x
		[[ $errors != *'did you mean'* ]] || complain "$option"
	done
	refuses '"--dbname..." (did you mean --dbname?)' -- --dbname:postgresql://u:secret@h/d x
	[[ $errors != *secret* ]]
}

@test "long options are not abbreviated" {
	for option in --tim=1 --timeou=1 --cou=1 --js --for=x --listen-c=x --pass --dbnam=x --he --vers --idle-r; do
		refuses "\"${option%%=*}\"" -- "$option" x
	done
	refuses '"--tim"' -- --tim 1 x
}

@test "an option without its value, and a flag with one" {
	for option in -d -h -p -U -l -t -e -n -m -f --dbname --host --port --username --listen --timeout --exit-idle \
		--count --max-time --format --idle-cmd --cmd-timeout --reconnect --ready-fd --buffer --overflow --color \
		--notify-cmd --batch-cmd --listen-cmd --lost-cmd; do
		refuses "\"$option\"" 'needs a value' -- x "$option"
	done
	refuses '"-jn"' 'needs a value' -- x -jn
	for option in no-password password idle-restart json null events print quiet verbose help version; do
		refuses "\"--$option\"" 'no value' -- "--$option=1" x
	done
}

@test "an empty value, after a long option as after a short one" {
	for option in -f --format --format=; do
		args=("$option")
		[[ $option == *= ]] || args+=('')
		start_pgwait -n 2 "${args[@]}" -0 x
		notify x
		notify x
		end_pgwait
		[[ $status -eq 0 && $(tr '\0' '@' <"$OUT") == @@ ]] || complain "${args[@]}"
	done
	for option in timeout exit-idle max-time count ready-fd port; do
		refuses "invalid --$option \"\"" accepted -- "--$option" '' x
		refuses "invalid --$option \"\"" accepted -- "--$option=" x
	done
	refuses '--cmd-timeout ""' -- -t 1 --idle-cmd true --cmd-timeout= x
	refuses '--idle-cmd ""' command -- -t 1 --idle-cmd '' x
	refuses '--reconnect ""' -- --reconnect '' x
	refuses 'channel name ""' -- --listen= x
	accepts --dbname= --host '' --username= x
	refuses '"--json"' 'no value' -- --json= x
	refuses '"--nonsense"' -- --nonsense= x
}

@test "a flag may be given any number of times" {
	accepts -jjjjjjjjjjjjjjjjjjjjjjjjjjjjjj x
}

@test "whole numbers are strict" {
	for value in -1 +1 0 1.0 1. 1e3 0x10 5KB nan '' ' ' ' 1' '1 ' 1_0 99999999999999999999 ١; do
		refuses '--count' "\"$value\"" 'whole number' -- -n "$value" x
	done
	refuses '--count' '""' -- --count= x
	for value in -1 +1 0 65536 1.5 1e3 0x10 5432x '' 99999999999999999999; do
		refuses 'port' "\"$value\"" 65535 -- -p "$value" x
	done
	refuses '--ready-fd' '""' -- --ready-fd '' x
	for value in -1 +1 1.0 x 0x1 99999999999999999999 2147483648; do
		refuses '--ready-fd' "\"$value\"" 'open for writing' -- --ready-fd "$value" x
	done
}

@test "a descriptor for --ready-fd that is closed, or not for writing, is refused" {
	refuses '--ready-fd' '"77"' 'open for writing' -- --ready-fd 77 x
	refuses '--ready-fd' '"6"' 'open for writing' -- --ready-fd 6 x 6</dev/null
}

@test "sizes and what to do when they are reached are strict" {
	for value in 0 -1 +1 1.5MiB '64 MiB' 64M 64MB 64mib 64KB MiB 0x40 1e6 '' ' ' '1 ' 99999999999999999999 9999999999GiB; do
		refuses '--buffer' "\"$value\"" 'such as 64MiB' -- --buffer "$value" x
	done
	accepts --buffer 1 --overflow block x
	accepts --buffer 65536 --overflow drop x
	accepts --buffer 007KiB --overflow exit x
	accepts --buffer 1GiB x # the most is less than half of what a process can address
	for value in Block '' blocking 'drop,exit' never; do
		refuses '--overflow' "\"$value\"" '"block", "drop", "exit"' -- --overflow "$value" x
	done
}

@test "when to use colours is strict, and what programs read has none" {
	for value in Auto '' yes no 'auto,never'; do
		refuses '--color' "\"$value\"" '"auto", "always", "never"' -- --color "$value" x
	done
	for value in auto never; do
		accepts --color "$value" x
		accepts --color "$value" -f %p x
	done
	accepts --color never --color always x
	accepts --color always -j x
	refuses '--color always' '--format' -- --color always -f %p x
	refuses '--color always' '--null' -- --color always -0 x
	refuses '--color always' '--null' -- --color always -j0 x
}

@test "seconds are strict" {
	local bad=(-1 +1 1e1 1s 1ms 5m nan inf infinity 0x1 '' ' ' ' 1' '1 ' . 1..5 '1,5' 0.001 0.009999999 00.0099 -0
		1000000001 99999999999999999999)
	for value in "${bad[@]}"; do
		refuses '--timeout' "\"$value\"" 'from 0.01 to 1000000000, or 0' -- -t "$value" x
		refuses '--exit-idle' "\"$value\"" 'decimal seconds' 0.01 -- -e "$value" x
	done
	for value in "${bad[@]}" 0 0.0; do
		refuses '--max-time' "\"$value\"" 'decimal seconds' 0.01 -- -m "$value" x
		refuses '--cmd-timeout' "\"$value\"" -- -t 1 --idle-cmd true --cmd-timeout "$value" x
	done
}

@test "a little over nothing is not 0" {
	refuses '--timeout' '"0.0000001"' -- -t 0.0000001 x
}

@test "seconds that are accepted" {
	# Nothing but the channel is wrong, and is looked at last.
	for value in 1 .5 0.01 5. 00.50 0.010 1000000000; do
		refuses 'channel name ""' -- -t "$value" -m "$value" -e "$value" ''
	done
	for value in 0 0.0 00 .0; do
		pgwait -t "$value" x
		[[ $status -eq 0 && -z $output && -z $errors ]]
	done
}

@test "of an option that stands once, the last counts" {
	pgwait -t 5 -n 7 --format bad%z -t 0 -n 1 -f '%c' x
	[[ $status -eq 124 ]]
	pgwait -t 0 -n 1 -n nonsense x
	[[ $status -eq 1 ]]
	pgwait -t 0 -h /nowhere -p 1 -U nobody -h "$PGHOST" -p "$PGPORT" -U postgres x
	[[ $status -eq 0 ]]
	start_pgwait -m 0.01 -m 1000 --max-time=100 -j -j -f %p -0 -q -q x 2>/dev/null && false
	start_pgwait -m 0.01 -n 1 -m 1000 x
	notify x last
	end_pgwait
	[[ $status -eq 0 ]]
	grep -q last "$OUT"
}

@test "options that need another one, or exclude one" {
	refuses '--idle-cmd' '--timeout' -- --idle-cmd true x
	refuses '--idle-restart' '--timeout' -- --idle-restart x
	refuses '--cmd-timeout' '--notify-cmd' '--lost-cmd' -- -t 1 --cmd-timeout 1 x
	refuses '--print' '--notify-cmd' '--batch-cmd' -- -t 1 --print --idle-cmd true x
	refuses '--json' '--format' -- -j -f %p x
	refuses '--events' '--json' -- --events x
	refuses '--events' '--json' -- --events -f %j x
	refuses '--reconnect' '"sometimes"' '"never"' -- --reconnect sometimes x
	refuses '--reconnect' '""' -- --reconnect= x
	accepts --reconnect never x
}

@test "short options stand together, options follow operands" {
	start_pgwait x -qjn1
	notify x together
	end_pgwait
	[[ $status -eq 0 && ! -s $ERR ]]
	[[ $(jq -r .payload "$OUT") == together ]]
}

@test "channel names: empty, too long, not UTF-8" {
	local e=é long63 long64
	long63=$(printf 'x%.0s' {1..63}) long64=${long63}x
	refuses '""' empty -- ''
	refuses '""' -- -l ''
	refuses "\"$long64\"" 64 63 -- "$long64"
	refuses 64 63 -- "${long63:0:62}$e"
	refuses "\"$long64\"" -- -l "$long64"
	refuses '"\xff"' UTF-8 -- $'\xff'
	refuses '"a\xc3"' UTF-8 -- $'a\xc3'
	refuses '"\xc0\x80"' UTF-8 -- $'\xc0\x80'
	refuses '"\xed\xa0\x80"' UTF-8 -- $'\xed\xa0\x80'
	refuses '"\xf4\x90\x80\x80"' UTF-8 -- $'\xf4\x90\x80\x80'
	refuses '"\xff"' UTF-8 -- good $'\xff'
	refuses '"\xff"' UTF-8 -- good dbname=g1 $'\xff'
	for name in "$long63" "${long63:0:61}$e" ' ' '*' 'a"b' "a'b" 'a;b' 'a\b' '%s' $'tab\there' $'new\nline' 😀 -; do
		start_pgwait -0 -n 1 -- "$name"
		notify "$name" got
		end_pgwait
		[[ $status -eq 0 ]]
		[[ $(tr '\0' '|' <"$OUT") == "$name|got|"* ]]
	done
}

@test "a channel given twice is one" {
	start_pgwait -l jobs jobs jobs -l jobs -l end -f %c
	grep -q 'listening on jobs, end (' "$ERR"
	notify jobs
	notify end
	wait_for ended 1
	[[ $(<"$OUT") == $'jobs\nend' ]]
}

@test "channel names are exact: Jobs is not jobs" {
	start_pgwait -f %c Jobs end
	sql -c 'NOTIFY jobs' -c 'NOTIFY JOBS' -c 'NOTIFY "JOBS"' -c 'NOTIFY "Jobs"' -c 'NOTIFY "end"'
	wait_for ended 1
	[[ $(<"$OUT") == $'Jobs\nend' ]]
}

@test "no channel" {
	refuses 'no channel' 'CHANNEL' --
	refuses 'no channel' -- -t 0
	refuses 'no channel' -- dbname=g1
	refuses 'no channel' -- -d g1
	refuses 'no channel' -- x dbname=g1
	refuses 'no channel' -- x "$PGHOST"
	refuses 'no channel' -- -l x dbname=g1 x dbname=g2
	refuses 'no channel' -- -- x postgresql://
}

@test "groups: each connection listens on each channel of its own" {
	start_pgwait -f '%d %c' dbname=g1 a b end dbname=g2 b c end
	send_all 2 g1 g2 postgres
	[[ $arrived == "g1@$PGHOST:$PGPORT a g1@$PGHOST:$PGPORT b g2@$PGHOST:$PGPORT b g2@$PGHOST:$PGPORT c " ]]
} 2>&1

@test "groups: two connections, one list of channels; the default connection comes first" {
	start_pgwait -f '%d %c' a end dbname=g1 postgresql:///g2 b c end
	grep -q "listening on a, end (postgres@$PGHOST:$PGPORT)" "$ERR"
	grep -q "listening on b, c, end (g1@$PGHOST:$PGPORT)" "$ERR"
	grep -q "listening on b, c, end (g2@$PGHOST:$PGPORT)" "$ERR"
	send_all 2 g1 g2 postgres
	local at="@$PGHOST:$PGPORT"
	[[ $arrived == "g1$at b g1$at c g2$at b g2$at c postgres$at a " ]]
}

@test "groups: each -d is a connection of the first, each -l a channel of it" {
	local at="@$PGHOST:$PGPORT"
	start_pgwait -f '%d %c' -d g1 -l -x -l k=v end dbname=postgres b end --dbname=g2
	send_all 3 g1 g2 postgres
	[[ $arrived == "g1$at -x g1$at k=v g2$at -x g2$at k=v postgres$at b " ]]
}

@test "groups: -l is a channel of the first group, after a connection string too" {
	start_pgwait -f '%d %c' dbname=g1 -l a end dbname=g2 b end
	send_all 2 g1 g2
	[[ $arrived == "g1@$PGHOST:$PGPORT a g2@$PGHOST:$PGPORT b " ]]
}

@test "after -- an operand may look like an option" {
	start_pgwait -f %c -- -x end
	send_all 1 postgres
	[[ $arrived == '-x ' ]]
}

@test "the path of a server's socket: directory and file" {
	for path in "$PGHOST" "$PGHOST/" "$PGHOST/.s.PGSQL.$PGPORT" "$PGHOST//.s.PGSQL.$PGPORT"; do
		PGHOST=/nowhere start_pgwait -n 1 -f '%d' "$path" a
		notify a
		end_pgwait
		[[ $status -eq 0 ]]
		has "$(<"$OUT")" "postgres@$PGHOST"
	done
	PGHOST=/nowhere PGPORT=1 pgwait -t 0 -d g1 "$PGHOST/.s.PGSQL.$PGPORT" a
	[[ $status -eq 2 ]]
	has "$errors" 'could not connect to "g1@/nowhere:1"'
	PGHOST=/nowhere PGPORT=1 pgwait -t 0 "$PGHOST/.s.PGSQL.$PGPORT" a
	[[ $status -eq 0 ]]
}

@test "a socket's path cannot stand together with -h or -p, nor have a bad port" {
	refuses "\"$PGHOST\"" -h -- -h localhost "$PGHOST" x
	refuses "\"$PGHOST\"" -p -- -p 5432 "$PGHOST" x
	refuses "\"/tmp/.s.PGSQL.5432\"" -- x -p 5432 /tmp/.s.PGSQL.5432 x
	for port in '' x 0 65536 -1 5432x 5432.lock; do
		refuses "\"/tmp/.s.PGSQL.$port\"" .s.PGSQL.PORT -- "/tmp/.s.PGSQL.$port" x
	done
}

@test "a path with = is a socket's, and one where nobody listens is no connection" {
	pgwait -t 0 /no=where x
	[[ $status -eq 2 && -z $output ]]
	has "$errors" '/no=where'
}

@test "connection strings: URI, both schemes, key=value" {
	for conninfo in "postgresql:///g1?host=$PGHOST&port=$PGPORT" "postgres://postgres@127.0.0.1:$PGPORT/g1" \
		"dbname=g1 host=127.0.0.1 port=$PGPORT" "dbname = 'g1'" "postgresql://%2E%2E@/g1?user=postgres" \
		"postgresql://postgres:pass%2Fword@127.0.0.1:$PGPORT/g1"; do
		start_pgwait -n 1 "$conninfo" a
		notify a hello -d g1
		end_pgwait
		[[ $status -eq 0 ]]
		grep -q hello "$OUT"
	done
}

@test "PG* variables and options make the default connection" {
	PGDATABASE=g1 start_pgwait -f %d a
	notify a '' -d g1
	wait_for lines "$OUT" 1
	[[ $(<"$OUT") == "g1@$PGHOST:$PGPORT" ]]
	kill "$PID"
	end_pgwait
	PGDATABASE=nowhere PGHOST=/nowhere PGPORT=1 PGUSER=nobody \
		start_pgwait -f %d -d g2 -h 127.0.0.1 -p "$PGPORT" -U other a
	notify a '' -d g2
	wait_for lines "$OUT" 1
	[[ $(<"$OUT") == "g2@127.0.0.1:$PGPORT" ]]
	[[ $(sql -c "SELECT usename FROM pg_stat_activity WHERE application_name = 'pgwait'") == other ]]
}

@test "-d -h -p -U fill in what a connection string leaves out" {
	PGHOST=/nowhere PGPORT=1 start_pgwait -h 127.0.0.1 -p "$PGPORT" -U other dbname=g1 a 'dbname=g2 user=postgres' a
	[[ $(sql -c "SELECT string_agg(concat_ws(' ', datname, usename, client_addr), ',' ORDER BY datname)
		FROM pg_stat_activity WHERE application_name = 'pgwait'") == 'g1 other 127.0.0.1,g2 postgres 127.0.0.1' ]]
}

@test "-d NAME fills in the database" {
	start_pgwait -d g1 "postgresql://127.0.0.1:$PGPORT" "host=127.0.0.1 port=$PGPORT dbname=g2" a
	[[ $(labels) == "g1@$PGHOST:$PGPORT g1@127.0.0.1:$PGPORT g2@127.0.0.1:$PGPORT " ]]
}

@test "-h and -p take lists, as in psql" {
	start_pgwait -h "/nowhere,$PGHOST" -p "1,$PGPORT" a
	backends 1
}

@test "a service, by string, URI, and PGSERVICE" {
	printf '[one]\nhost=%s\nport=%s\ndbname=g1\n' "$PGHOST" "$PGPORT" >"$TMP/services"
	export PGSERVICEFILE=$TMP/services
	for args in service=one 'postgresql://?service=one'; do
		PGHOST=/nowhere PGPORT=1 PGDATABASE=no start_pgwait -n 1 -f %d "$args" a
		notify a '' -d g1
		end_pgwait
		[[ $(<"$OUT") == one ]]
	done
	PGSERVICE=one start_pgwait -n 1 -f %d a
	notify a '' -d g1
	end_pgwait
	[[ $(<"$OUT") == one ]]
	pgwait -t 0 service=two a
	[[ $status -eq 1 ]]
	has "$errors" two
}

@test "the same connection twice is one, with the channels of both" {
	local uri="postgresql://postgres@127.0.0.1:$PGPORT/g1"
	start_pgwait -f '%d %c' "$uri" "host=127.0.0.1 user=postgres port=$PGPORT dbname=g1" a end "$uri" b end
	backends 1
	[[ $(labels) == "g1@127.0.0.1:$PGPORT " ]]
	grep -q 'listening on a, end, b (' "$ERR"
	send_all 1 g1
	[[ $arrived == "g1@127.0.0.1:$PGPORT a g1@127.0.0.1:$PGPORT b " ]]
}

@test "connections are one only if each parameter is the same, whatever is in a value" {
	start_pgwait 'dbname=g1 application_name=x,keepalives_idle=9' 'dbname=g1 application_name=x keepalives_idle=9' \
		'dbname=g1 application_name=x,,keepalives_idle=9' a
	local at="@$PGHOST:$PGPORT"
	[[ $(labels) == "g1$at g1$at#2 g1$at#3 " ]]
}

@test "what a connection string says counts before the environment, also what libpq has where nobody says anything" {
	PGSSLMODE=require run_split "$PGWAIT" -t 0 host=127.0.0.1 a
	[[ $status -eq 2 ]]
	PGSSLMODE=require run_split "$PGWAIT" -t 0 'host=127.0.0.1 sslmode=prefer' a
	[[ $status -eq 0 ]]
}

@test "labels: equal ones get a number" {
	start_pgwait "postgresql:///g1?keepalives=1" 'dbname=g1 user=other' 'dbname=g1 application_name=third' dbname=g2 a
	local at="@$PGHOST:$PGPORT"
	[[ $(labels) == "g1$at g1$at#2 g1$at#3 g2$at " ]]
}

@test "labels: the number is the first that is free" {
	export PGSERVICEFILE=$TMP/services
	printf '[%s]\ndbname=g1\n' x 'x#2' 'x#04' 'x#' 'x#1' 'xx' 'x#99' 'x#y' >"$PGSERVICEFILE"
	start_pgwait service=x 'service=x#2 application_name=1' 'service=x#04 application_name=2' 'service=x# application_name=3' \
		'service=x#1 application_name=4' 'service=x#99 application_name=5' 'service=x#y application_name=6' \
		'service=xx application_name=7' 'service=x application_name=8' 'service=x application_name=9' a
	[[ $(labels) == 'x x# x#04 x#1 x#2 x#3 x#4 x#99 x#y xx ' ]]
}

@test "labels: thousands of equal ones take no longer than others" {
	local i equal=() other=() equal_time other_time
	for ((i = 0; i < 4000; i++)); do
		equal+=("host=/nowhere application_name=$i")
		other+=("host=/nowhere dbname=$i")
	done
	# Nothing but the channel is wrong, and is looked at last.
	refuses 'channel name ""' -- "${equal[@]}" x dbname=g1 ''
	equal_time=$(user_time "${equal[@]}" x dbname=g1 '')
	other_time=$(user_time "${other[@]}" x dbname=g1 '')
	echo "$equal_time ms, others $other_time ms"
	((equal_time < 10 * other_time))
}

# user_time ARG...: of a run that ends with an error, in ms, which are more than 0.
user_time() {
	local seconds
	seconds=$({ TIMEFORMAT=%3U; time "$PGWAIT" "$@" 2>/dev/null || true; } 2>&1)
	echo $((10#${seconds/./} + 1))
}

@test "labels: no port where it is the usual one, no password, no user" {
	pgwait -t 0 'host=/nowhere port=5432 dbname=x user=me password=secret' a
	[[ $status -eq 2 ]]
	has "$errors" '"x@/nowhere"'
	pgwait -t 0 'postgresql://me:secret@[::1]:1/x' a
	has "$errors" '"x@[::1]:1"'
	pgwait -t 0 'host=/nowhere,/elsewhere port=1,2 dbname=x' a
	has "$errors" '"x@/nowhere:1,/elsewhere:2"'
	[[ $errors != *secret* ]]
}

@test "--help and --version" {
	for option in --help '-?' '-j?' '-?j'; do
		pgwait "$option"
		[[ $status -eq 0 && -z $errors ]]
		has "$output" 'Usage:'
		has "$output" --max-time
	done
	for option in --version -V; do
		pgwait "$option"
		[[ $status -eq 0 && -z $errors ]]
		[[ $output =~ ^pgwait\ [0-9.a-z]+\ .*libpq\ [0-9]+.*libevent\ [0-9] ]]
	done
	pgwait --help --nonsense
	[[ $status -eq 0 ]]
	pgwait -l --help -t 0
	[[ $status -eq 0 && -z $output ]]
	pgwait -t 0 -- --help
	[[ $status -eq 0 && -z $output ]]
}

@test "--help that cannot be written is an error" {
	for option in --help --version; do
		run bash -c '"$0" "$1" 2>&1 >/dev/full' "$PGWAIT" "$option"
		[[ $status -eq 1 ]]
		has "$output" 'pgwait: error: '
		has "$output" 'No space left'
	done
}

@test "a closed standard output is an error, a closed input is none" {
	run bash -c 'timeout 20 "$0" -t 0 jobs 2>&1 >&-' "$PGWAIT"
	[[ $status -eq 1 ]]
	has "$output" 'standard output'
	run bash -c 'timeout 20 "$0" --help 2>&1 >&-' "$PGWAIT"
	[[ $status -eq 1 ]]
	run bash -c 'timeout 20 "$0" -t 0 jobs <&-' "$PGWAIT"
	[[ $status -eq 0 && -z $output ]]
	run bash -c 'timeout 20 "$0" -t 0 jobs 2>&-' "$PGWAIT"
	[[ $status -eq 0 && -z $output ]]
}

@test "diagnostics are one line each, escaped" {
	refuses '"a\nb\x1b[31m"' -- --count $'a\nb\e[31m' x
	[[ $(wc -l <"$ERR") -eq 2 ]]
	pgwait -t 0 -d $'no\nsuch\e' x
	[[ $status -eq 2 && $errors == *'no\nsuch\x1b'* ]]
	(($(wc -l <"$ERR") <= 2))
}
