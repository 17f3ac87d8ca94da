# What people see at a terminal. The terminal is tmux, whose screen is looked at.

load helper
load screen

# run_screen COLUMNS ARG...: pgwait in a terminal of that width, its stderr elsewhere; returns once it listens.
run_screen() {
	local columns=$1
	shift
	printf -v command '%q ' "$PGWAIT" "$@"
	start_screen "$columns" "exec $command 2>'$ERR'"
	wait_for grep -q listening "$ERR"
}

# A session of pgwait's listens.
listens() {
	[[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait' AND query LIKE 'LISTEN%'") -eq 1 ]]
}

stamp='[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}'

@test "a line has time, channel, pid and payload; another width, another locale" {
	for columns in 80 200; do
		for LC_ALL in C.UTF-8 C; do
			export LC_ALL
			: >"$ERR"
			run_screen "$columns" jobs audit
			notify jobs 'mail 17'
			notify audit $'two\nlines\\'
			wait_for shows "^$stamp jobs  [0-9]+ +mail 17\$"
			wait_for shows "^$stamp audit [0-9]+ +two"
			screen | grep -qF 'two\nlines\\'
			run -1 shows postgres@
			t kill-server
		done
	done
}

@test "the time is that of the reader's time zone" {
	export TZ=XYZ-5:30
	run_screen 80 jobs
	notify jobs x
	wait_for shows "^$stamp jobs"
	hour=$(screen | cut -c1-2)
	[[ $hour == $(date +%H) || $hour == $(date -d '1 minute ago' +%H) ]]
}

@test "a channel always has the same colour; NO_COLOR, TERM=dumb and --color" {
	coloured() { screen -e | grep -q $'\e\\[.*38;5;.*jobs'; }
	plain() { [[ $(screen -e) != *$'\e'* ]]; }
	shown() {
		: >"$ERR"
		run_screen 80 "$@" jobs
		notify jobs x
		wait_for shows "$stamp jobs [0-9]+ x"
	}
	shown
	coloured
	notify jobs y
	wait_for shows ' y$'
	[[ $(screen -e | grep -o $'\e\\[38;5;[0-9]*m' | sort -u | wc -l) -eq 1 ]]
	t kill-server
	shown --color never
	plain
	t kill-server
	export NO_COLOR=
	shown
	coloured
	t kill-server
	export NO_COLOR=1
	shown
	plain
	t kill-server
	shown --color always
	coloured
	t kill-server
	unset NO_COLOR
	: >"$ERR"
	start_screen 80 "TERM=dumb exec '$PGWAIT' jobs 2>'$ERR'"
	wait_for grep -q listening "$ERR"
	notify jobs x
	wait_for shows "$stamp jobs [0-9]+ x"
	plain
}

@test "a long payload wraps under itself, and no wide character is split" {
	run_screen 80 jobs
	notify jobs "$(printf 'x%.0s' {1..100})"
	wait_for shows '^ +x+$'
	column=$(screen | sed -nE 's/^([^ ]+ [^ ]+ [^ ]+ )x+$/\1/p' | head -n 1 | tr -d '\n' | wc -c)
	((column > 20))
	[[ $(screen | sed -n 1p | wc -c) -eq 81 ]]
	[[ $(screen | sed -n 2p) =~ ^\ {$column}x+$ ]]
	[[ $(screen | tr -cd x | wc -c) -eq 100 ]]
	notify jobs "$(printf '通%.0s' {1..60})z"
	wait_for shows 'z$'
	[[ $(screen | sed -n 3p | grep -o 通 | wc -l) -eq $(((80 - column) / 2)) ]]
	[[ $(screen | grep -o 通 | wc -l) -eq 60 ]]
	screen | sed -n 4p | grep -qE "^ {$column}通"
}

@test "a long payload wraps at spaces, and no line is wider than the terminal" {
	text=$(printf 'word%.0s of a text that goes over lines ' {1..8}; echo end)
	run_screen 80 jobs
	notify jobs "$text"
	wait_for shows 'end$'
	column=$(screen | sed -nE 's/^([^ ]+ [^ ]+ [^ ]+ ).*/\1/p' | tr -d '\n' | wc -c)
	[[ $(screen | sed -E "s/^.{$column}//; s/ *\$//" | tr '\n' ' ') == "$text " ]]
	[[ $(screen | wc -l) -ge 5 && $(screen | wc -L) -le 80 ]]
	notify jobs '{"first key":"some words","second":[123456,789012,345678],"url":"https://example.org/"}'
	wait_for shows '"\}$'
	screen | tail -n 2 | head -n 1 | grep -qE "^$stamp jobs [0-9]+ \{.*,\$"
	screen -e | tail -n 1 | grep -qE $'^ {'"$column"$'}\e\\[38;5;(63m"url"|130m(789012|345678))'
}

@test "columns have room for what is known from the first line on; names that are too long do not move others" {
	long=$(printf 'x%.0s' {1..63})
	at() { screen | awk -v what="$1" 'index($0, what) { print index($0, what) }'; }
	run_screen 80 a audit_of_orders "$long"
	notify a 'first'
	notify audit_of_orders 'second'
	notify "$long" 'third'
	wait_for shows '^ +third$'
	[[ $(at first) == "$(at second)" && $(at first) -ge 35 && $(at first) -le 40 ]]
	[[ $(at third) -eq 5 ]]
	t kill-server
	: >"$ERR"
	# A wider terminal lines up longer names. 通 has two columns.
	sql -c 'CREATE DATABASE another_one'
	run_screen 240 -d postgres -d another_one a 通通 "$(printf 'y%.0s' {1..30})"
	wait_for grep -q 'listening.*another_one' "$ERR"
	wait_for grep -q 'listening.*postgres' "$ERR"
	notify a first
	notify 通通 second -d another_one
	notify "$(printf 'y%.0s' {1..30})" third
	wait_for shows 'third$'
	columns=$(screen | sed -E 's/通/xx/g; s/(first|second|third)$/|/' | awk '{ print index($0, "|") }' | sort -u | wc -l)
	[[ $columns -eq 1 ]]
	t kill-server
	: >"$ERR"
	# What does not listen yet is known, too.
	run_screen 240 -d postgres -d "host=$TMP dbname=of_a_server_that_is_down" a
	notify a first
	wait_for shows "^$stamp postgres@[^ ]+ {10,}a [0-9]+ first\$"
}

@test "a terminal that is too narrow gets the payload in lines of its own" {
	run_screen 40 jobs
	notify jobs "$(printf 'x%.0s' {1..100})"
	wait_for shows '^ +x+$'
	screen | sed -n 1p | grep -qE "^$stamp jobs [0-9]+\$"
	screen | sed -n 2p | grep -qE '^    x{36}$'
	notify jobs short
	wait_for shows "^$stamp jobs [0-9]+ short\$"
}

@test "another width in the middle holds for what follows" {
	run_screen 80 jobs
	t resize-window -x 120 -y 24
	wide() { [[ $(t display-message -p '#{pane_width}') -eq 120 ]]; }
	wait_for wide
	notify jobs "$(printf 'x%.0s' {1..110})"
	wait_for shows '^ +x+$'
	[[ $(screen | sed -n 1p | wc -c) -eq 121 ]]
}

@test "no control character of a payload, a channel or JSON gets to the terminal" {
	channel=$'a\e[31mb'
	for mode in '' -v -j; do
		: >"$ERR"
		run_screen 120 $mode "$channel"
		t pipe-pane "cat >>'$TMP/raw'"
		notify "$channel" $'\e]0;title\a \u009b31m \x7f\b\r\n done'
		notify "$channel" "{\"a\": \"$(printf '\x7f\u009b31m')\", \"b\": \"done\"}"
		done_twice() { [[ $(screen | grep -c "done") -ge 2 ]]; }
		wait_for done_twice
		screen | grep -qE 'x1b|u001b'
		t kill-server
	done
	run -1 grep -q $'\e]\|\a\|\b\|\x7f\|\xc2\x9b' "$TMP/raw"
	run -1 grep -q $'\e\\[31m' "$TMP/raw"
}

@test "JSON is coloured; with -v it goes over lines; what is no JSON stays text" {
	run_screen 80 jobs
	notify jobs '{"id": 17, "tags":["a"],  "ok":true}'
	wait_for shows '\{"id": 17, "tags":\["a"\], "ok":true\}$'
	screen -e | grep -qF $'\e[38;5;63m"id"'
	screen -e | grep -qF $'\e[38;5;130m17'
	notify jobs '{"id": 17,}'
	wait_for shows '\{"id": 17,\}$'
	run -1 bash -c "$(declare -f t screen); TMP='$TMP' screens=$screens; screen -e | tail -n 1 | grep -F '38;5;63m\"id'"
	t kill-server
	: >"$ERR"
	run_screen 80 -v jobs
	notify jobs '{"id": 17, "tags":["a",{}],  "none":[ ]}'
	wait_for shows '^ +\}$'
	[[ $(screen | sed -E 's/^[^{]*[0-9] \{/{/; s/^ {20,30}( *[]}"])/\1/') =~ \{.*'"id": 17,'.*'"tags": ['.*'"a",'.*'{}'.*'],'.*'"none": []'.*\} ]]
	[[ $(screen | wc -l) -eq 8 ]]
}

@test "-j at a terminal is the JSON of a pipe in colours; in a C locale it is ASCII" {
	run_screen 200 -j jobs
	notify jobs $'caf\u00e9 "x"'
	wait_for shows '^\{"channel":"jobs","payload":"café \\"x\\"","pid":[0-9]+,"connection":".*","time":".*Z"\}$'
	screen -e | grep -qF $'\e[38;5;63m"channel"'
	t kill-server
	: >"$ERR"
	LC_ALL=C run_screen 200 -j jobs
	notify jobs $'caf\u00e9 \U1f600'
	wait_for shows '"payload":"caf\\u00e9 \\ud83d\\ude00"'
}

@test "in a C locale everything else is escaped" {
	LC_ALL=C run_screen 120 jobs
	notify jobs $'caf\u00e9'
	wait_for shows ' caf\\xc3\\xa9$'
}

@test "--check in a C locale is ASCII, as text and as JSON; in a UTF-8 locale it is not" {
	# The second byte of the last letter is 0x9b, which begins a sequence for a terminal of eight bits.
	sql -c 'CREATE DATABASE "grünś"'
	for LC_ALL in C.UTF-8 C; do
		export LC_ALL
		printf -v command '%q ' "$PGWAIT" --check -d grünś
		start_screen 1000 "$command; $command -j"
		wait_for shows '"delivered":20'
		if [[ $LC_ALL == C ]]; then
			screen | grep -qF 'role      postgres, in database gr\xc3\xbcn\xc5\x9b'
			screen | grep -qF '"database":"gr\u00fcn\u015b"'
		else
			screen | grep -qF 'role      postgres, in database grünś'
			screen | grep -qF '"database":"grünś"'
		fi
		t kill-server
	done
}

@test "a database in another encoding" {
	sql -c "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
	run_screen 80 -d latin jobs
	PGCLIENTENCODING=UTF8 notify jobs '{"a": "café"}' -d latin
	wait_for shows '\{"a": "café"\}$'
	screen -e | grep -qF $'\e[38;5;28m"café"'
}

@test "several connections have their labels, one has none" {
	sql -c 'CREATE DATABASE other'
	run_screen 200 -d postgres -d other jobs
	notify jobs x
	notify jobs y -d other
	wait_for shows "^$stamp postgres@[^ ]+ +jobs [0-9]+ +x\$"
	wait_for shows "^$stamp other@[^ ]+ +jobs [0-9]+ +y\$"
}

@test "-f and -0 are at a terminal what they are elsewhere" {
	run_screen 80 -f '%c|%e' jobs
	notify jobs x
	wait_for shows '^jobs\|x$'
}

@test "--color always in a pipe: lines as at a terminal, in colours, unbroken" {
	LC_ALL=C start_pgwait --color always -n 2 jobs
	notify jobs "$(printf 'x%.0s' {1..300})é"
	notify jobs '{"a": 1}'
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq 2 ]]
	grep -qE $'^\e\\[2m'"$stamp"$'\e\\[0m \e\\[38;5;[0-9]+mjobs\e\\[0m .* x{300}é$' "$OUT"
	grep -qF $'{\e[38;5;63m"a"\e[0m: ' "$OUT"
	start_pgwait --color always -j -n 1 jobs
	notify jobs x
	end_pgwait
	[[ $(sed $'s/\e\\[[0-9;]*m//g' "$OUT" | jq -r .payload) == x ]]
}

@test "a pipe gets what it ever got, whatever the terminal of stderr is" {
	start_screen 80 "'$PGWAIT' -n 1 jobs >'$OUT'; sleep 60"
	wait_for shows listening
	notify jobs x
	wait_for grep -qE $'^jobs\tx\t[0-9]+$' "$OUT"
}

@test "a command for a batch gets text" {
	run_screen 80 --batch-cmd "cat >>'$TMP/batch'" jobs
	notify jobs x
	wait_for grep -qE $'^jobs\tx\t[0-9]+$' "$TMP/batch"
}

@test "stderr is a terminal: one hint for a channel that SQL takes for another one" {
	hint='pgwait: hint: pgwait listens on "Jobs", but NOTIFY Jobs goes to "jobs": write NOTIFY "Jobs", or let pgwait listen on jobs'
	start_screen 200 "exec '$PGWAIT' audit Jobs Other -d postgres -d template1 --color never"
	wait_for shows 'listening on audit.*template1'
	screen | grep -qxF "$hint"
	[[ $(screen | grep -c hint:) -eq 1 ]]
	t kill-server
	start_screen 200 "exec '$PGWAIT' '\"jobs\"'"
	wait_for shows 'listening on'
	screen | grep -qF 'hint: pgwait listens on "jobs" with its quotes, '
	t kill-server
	start_screen 200 "exec '$PGWAIT' -q Jobs"
	wait_for listens
	notify Jobs x
	wait_for shows ' Jobs .* x$'
	run -1 shows hint:
	t kill-server
	run_screen 200 Jobs
	run -1 grep hint: "$ERR"
}
