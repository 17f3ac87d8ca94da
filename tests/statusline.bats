# The status line of a terminal: there while pgwait waits, and never in the way of anything else.

load helper
load screen

# start_shell COLUMNS: an interactive shell with job control, whose prompt is "> ".
start_shell() {
	start_screen "$1" "PS1='> ' exec bash --norc --noprofile -i"
	wait_for shows '^> ?$'
}

type_line() {
	t send-keys -l "$1"
	t send-keys Enter
}

# last_line REGEX
last_line() {
	screen | tail -n 1 | grep -qE -- "$1"
}

# type_pgwait COLUMNS ARG...: in such a shell; returns once the status line says that it listens.
type_pgwait() {
	local columns=$1
	shift
	start_shell "$columns"
	type_line "'$PGWAIT' $*"
	wait_for last_line '^connections: 1 good, 0 failed'
}

count_lines() { # REGEX N [CAPTURE-ARG...]
	[[ $(screen "${@:3}" | grep -cE -- "$1") -eq $2 ]]
}

end_screen() {
	t send-keys C-c
	wait_for last_line '^> ?$'
}

@test "it says what is good and failed, how many came, how fast, and when the last one did" {
	type_pgwait 100 jobs
	last_line '^connections: 1 good, 0 failed \| notifications: 0$'
	count_lines '^connections' 1
	notify jobs 'mail 17'
	wait_for last_line 'notifications: 1, .*/s, last at [0-2][0-9]:[0-5][0-9]:[0-6][0-9]$'
	count_lines '^connections' 1
	count_lines ' mail 17$' 1
	# The rate of the last second: one notification may come and go between two looks.
	flows() {
		notify jobs 'more'
		last_line ', [0-9.]*[1-9][0-9.]*/s,'
	}
	wait_for flows
	wait_for last_line ', 0/s,'
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	wait_for shows 'listening again'
	wait_for last_line '^connections: 1 good, 0 failed \| notifications: [0-9]+,'
	count_lines '^connections' 1
	end_screen
	count_lines '^connections' 0
	count_lines ' mail 17$' 1 -S -
}

@test "a connection that fails" {
	start_shell 100
	type_line "'$PGWAIT' --reconnect always host=/nowhere jobs"
	wait_for last_line '^connections: 0 good, 1 failed'
	end_screen
	count_lines '^connections' 0
}

@test "it is gone at the end, whatever the end is" {
	for end in '-n 1' '-e 0.5' '-m 1'; do
		start_shell 100
		type_line "'$PGWAIT' $end jobs; echo ended"
		[[ $end != '-n 1' ]] || {
			wait_for last_line '^connections: 1 good'
			notify jobs x
		}
		wait_for shows '^ended$'
		count_lines '^connections' 0
	done
	start_shell 100
	type_line "'$PGWAIT' jobs & echo \$! >'$TMP/pid'; fg"
	wait_for last_line '^connections: 1 good'
	kill "$(<"$TMP/pid")"
	wait_for last_line '^> ?$'
	count_lines '^connections' 0
}

@test "without both terminals, with -q, in a drain, with TERM=dumb there is none" {
	start_shell 100
	type_line "'$PGWAIT' -n 1 --ready-fd 9 jobs 9>'$TMP/1' | cat; echo ended"
	wait_for test -s "$TMP/1"
	notify jobs x
	wait_for shows '^ended$'
	type_line "clear; '$PGWAIT' -n 1 --ready-fd 9 jobs 9>'$TMP/2' 2>'$TMP/stderr'; echo ended"
	wait_for test -s "$TMP/2"
	notify jobs x
	wait_for shows '^ended$'
	run -1 grep -q connections "$TMP/stderr"
	t pipe-pane "cat >>'$TMP/raw'"
	type_line "'$PGWAIT' -q -n 1 --ready-fd 9 jobs 9>'$TMP/3'; echo ended 3"
	wait_for test -s "$TMP/3"
	notify jobs x
	wait_for shows '^ended 3$'
	type_line "'$PGWAIT' -t 0 jobs; echo ended 4"
	wait_for shows '^ended 4$'
	type_line "TERM=dumb '$PGWAIT' -n 1 --ready-fd 9 jobs 9>'$TMP/5'; echo ended 5"
	wait_for test -s "$TMP/5"
	notify jobs x
	wait_for shows '^ended 5$'
	type_line "'$PGWAIT' --notify-cmd 'cat; echo' -n 1 --ready-fd 9 jobs 9>'$TMP/6'; echo ended 6"
	wait_for test -s "$TMP/6"
	notify jobs x
	wait_for shows '^ended 6$'
	run -1 grep -q connections "$TMP/raw"
}

@test "it never becomes part of what was written, at any speed" {
	type_pgwait 120 -j --events jobs
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 400) i" >/dev/null
	for i in {401..420}; do notify jobs "$i"; done
	wait_for shows '"payload":"420"'
	end_screen
	screen -S - >"$TMP/all"
	grep -oE '"payload":"[0-9]+"' "$TMP/all" | tr -cd '0-9\n' | diff - <(seq 420)
	run -1 grep -q 'connections:' "$TMP/all"
}

# cut_off OPERATOR N: the length of the last line.
cut_off() {
	local length
	length=$(screen | tail -n 1 | tr -d '\n' | wc -c)
	test "$length" "$1" "$2"
}

@test "another width: narrower and wider, it is one line and the last" {
	type_pgwait 100 jobs
	for width in 30 120 70 20 100; do
		t resize-window -x "$width" -y 24
		notify jobs "at $width"
		wait_for shows " at $width\$|^ +at $width\$"
		wait_for last_line '^connections: 1 good'
		count_lines '^connections' 1
		wait_for cut_off -lt "$width"
	done
	t resize-window -x 40 -y 24
	wait_for cut_off -eq 39
	t resize-window -x 100 -y 24
	wait_for last_line 'last at [0-9:]+$'
	count_lines '^connections' 1
	count_lines '^connections' 1 -S -
}

# It is for a moment, when it gets narrower.
@test "a terminal that is narrower than it says: one line, and the last" {
	type_pgwait 60 jobs
	stty -F "$(t display-message -p '#{pane_tty}')" cols 100
	for n in {1..5}; do
		notify jobs "mail $n"
		wait_for shows " mail $n\$"
		wait_for last_line "^connections: 1 good, 0 failed \| notifications: $n,"
		count_lines '^connections' 1
		wait_for last_line '^connections.*, 0/s,'
	done
	count_lines '^connections' 1 -S -
	end_screen
	count_lines '^connections' 0
}

@test "^Z and fg; nothing of it in the background" {
	type_pgwait 100 jobs
	t send-keys C-z
	wait_for shows 'Stopped'
	wait_for last_line '^> ?$'
	count_lines '^connections' 0
	notify jobs 'mail 17'
	type_line fg
	wait_for shows ' mail 17$'
	wait_for last_line '^connections: 1 good, 0 failed \| notifications: 1,'
	count_lines '^connections' 1
	t send-keys C-z
	wait_for last_line '^> ?$'
	type_line bg
	wait_for last_line '^> ?$'
	notify jobs 'mail 18'
	wait_for shows ' mail 18$'
	count_lines '^connections' 0
	type_line fg
	notify jobs 'mail 19'
	wait_for last_line '^connections: 1 good, 0 failed \| notifications: 3,'
	count_lines '^connections' 1
	count_lines 'mail 1[789]$' 3
	end_screen
}

@test "a stop that cannot be caught" {
	start_shell 100
	type_line "'$PGWAIT' jobs & echo \$! >'$TMP/pid'; fg"
	wait_for last_line '^connections: 1 good'
	kill -STOP "$(<"$TMP/pid")"
	wait_for shows Stopped
	wait_for last_line '> ?$'
	type_line fg
	wait_for last_line '^connections: 1 good'
	notify jobs 'mail 17'
	wait_for shows ' mail 17$'
	wait_for last_line '^connections: 1 good, 0 failed \| notifications: 1'
	screen | grep -E "^[0-9:.]+ jobs [0-9]+ +mail 17\$"
	end_screen
}

@test "a terminal that is stopped with ^S holds nothing up" {
	type_pgwait 100 --control "$TMP/control" jobs
	t send-keys C-s
	for i in {1..5}; do notify jobs "mail $i"; done
	echo 'notify postgres jobs x' >"$TMP/control"
	busy() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait' AND state = 'idle' AND query LIKE '%LISTEN%'") -eq 1 ]]; }
	wait_for busy
	t send-keys C-q
	wait_for shows ' mail 5$'
	wait_for last_line '^connections: 1 good'
	for i in {1..5}; do count_lines " mail $i\$" 1; done
	count_lines '^connections' 1
	end_screen
}

@test "while a password is asked for it is away" {
	sql -c "CREATE ROLE app LOGIN PASSWORD 'secret'"
	sed -i '1i local all app scram-sha-256' "$SANDBOX_DATA/pg_hba.conf"
	sql -c 'SELECT pg_reload_conf()' >/dev/null
	needed() { ! psql -wqX -U app -c '' 2>/dev/null; }
	wait_for needed
	start_shell 100
	type_line "'$PGWAIT' -d postgres user=app jobs"
	# The other connection's "listening" comes before or after it.
	wait_for shows 'Password for user app .*:'
	wait_for shows 'listening on jobs'
	count_lines '^connections' 0
	type_line secret
	wait_for last_line '^connections: 2 good, 0 failed'
	run -1 shows secret
	end_screen
}

@test "where commands are typed there is none" {
	start_shell 100
	type_line "'$PGWAIT' --control - jobs"
	wait_for shows 'listening on jobs'
	type_line channels
	wait_for shows '^pgwait: ok: channels'
	count_lines '^connections' 0
	end_screen
}

@test "what does not end its lines has none after it" {
	start_shell 100
	type_line "'$PGWAIT' -f '%e\\0' jobs"
	wait_for last_line '^connections: 1 good'
	notify jobs mail
	notify jobs 17
	wait_for last_line '^mail17$'
	count_lines '^connections' 0
	end_screen
}

@test "nothing wakes it while nothing changes" {
	start_shell 100
	type_line "'$PGWAIT' --heartbeat 0 jobs & echo \$! >'$TMP/pid'; fg"
	wait_for last_line '^connections: 1 good'
	notify jobs x
	wait_for last_line ', [0-9.]*[1-9][0-9.]*/s,'
	wait_for last_line ', 0/s,'
	switches() { grep ^voluntary "/proc/$(<"$TMP/pid")/status"; }
	before=$(switches)
	# Another one has the time.
	"$PGWAIT" -q -m 2 unused
	[[ $(switches) == "$before" ]]
	end_screen
}
