# Passwords: from the environment, a file, the terminal; never anywhere else.

load helper

setup_file() {
	sql -c "CREATE ROLE app LOGIN PASSWORD 'se cret'" -c "CREATE ROLE other LOGIN PASSWORD 'hidden'"
	sed -i '1i local all app,other scram-sha-256\nhost all app,other 127.0.0.1/32 scram-sha-256' "$SANDBOX_DATA/pg_hba.conf"
	sql -c 'SELECT pg_reload_conf()' >/dev/null
	needed() { ! psql -wqX -U app -c '' 2>/dev/null; }
	wait_for needed
	unset PGPASSWORD
}

clean_up() {
	[[ -z ${PID-} ]] || kill -KILL "$PID" 2>/dev/null || true
	cat "$ERR" "$TMP/ended" 2>/dev/null || true
	tmux -S "$TMP/tmux" kill-server 2>/dev/null || true
}

# on_terminal COMMAND: in a terminal, which stays after it; its exit status comes in $TMP/ended.
on_terminal() {
	export PGWAIT TMP
	tmux -S "$TMP/tmux" -f /dev/null new-session -d -x 150 -y 40 \
		"trap : INT; bash -c '$1' 2>'$ERR' >'$OUT'; echo \$? >'$TMP/ended'; stty -a >'$TMP/stty'; touch '$TMP/stty.done'" \; set-option -g remain-on-exit on
}

# screen GREP-ARG...: looks at it, and at what has left it at the top; 2 where there is none.
screen() {
	local text
	text=$(tmux -S "$TMP/tmux" capture-pane -p -S - 2>/dev/null) || return 2
	grep -q "$@" <<<"$text"
}

keys() {
	tmux -S "$TMP/tmux" send-keys "$@"
}

@test "PGPASSWORD, connection string, password file" {
	PGPASSWORD='se cret' run_split "$PGWAIT" -t 0 -U app jobs
	[[ $status -eq 0 ]]
	run_split "$PGWAIT" -t 0 "user=app password='se cret'" jobs
	[[ $status -eq 0 ]]
	run_split "$PGWAIT" -t 0 "postgresql://app:se%20cret@127.0.0.1:$PGPORT/postgres" jobs
	[[ $status -eq 0 ]]
	echo "127.0.0.1:*:*:app:se cret" >"$TMP/pgpass"
	echo "localhost:*:*:app:se cret" >>"$TMP/pgpass"
	chmod 600 "$TMP/pgpass"
	for host in 127.0.0.1 localhost; do
		PGPASSFILE=$TMP/pgpass run_split "$PGWAIT" -t 0 -U app -h "$host" jobs
		[[ $status -eq 0 ]]
	done
}

# Ends the session of the role app.
end_session() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'" >/dev/null
}

# warned TEXT: standard error has one line about the password file, which is a warning with this text.
warned() {
	[[ $(grep -ci 'password file' "$ERR") -eq 1 && $(<"$ERR") == *"pgwait: warning: the password file \"$TMP/pgpass\" is not used: $1"* ]] || {
		cat "$ERR"
		return 1
	}
}

@test "a password file that is not used is told once, however many hosts, connections and attempts" {
	export PGPASSFILE=$TMP/pgpass
	echo "*:*:*:*:se cret" >"$TMP/pgpass"
	chmod 640 "$TMP/pgpass"
	run_split "$PGWAIT" -w -t 0 "host=127.0.0.1,localhost port=$PGPORT,$PGPORT" jobs "host=127.0.0.1 dbname=template1" jobs
	[[ $status -eq 0 ]]
	warned 'others than its owner have access to it; accepted are the permissions 0600 or less'
	run_split "$PGWAIT" -w --check -U app -h 127.0.0.1
	[[ $status -eq 2 ]]
	warned 'others than its owner'
	# A connection that comes back needs it again: once it is mended it is used, and there is a warning if it is spoiled anew.
	chmod 600 "$TMP/pgpass"
	start_pgwait -w -U app -h 127.0.0.1 jobs
	chmod 640 "$TMP/pgpass"
	end_session
	wait_for grep -q 'no password supplied; attempt 2' "$ERR"
	warned 'others than its owner'
	chmod 600 "$TMP/pgpass"
	wait_for grep -q 'listening again' "$ERR"
	warned 'others than its owner'
	chmod 604 "$TMP/pgpass"
	end_session
	again() { (($(grep -c 'the password file' "$ERR") == 2)); }
	wait_for again
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	rm "$TMP/pgpass"
	mkdir "$TMP/pgpass"
	run_split "$PGWAIT" -t 0 "host=127.0.0.1" jobs
	[[ $status -eq 0 ]]
	warned 'it is not a plain file'
}

@test "the password file is that of the parameters, or of the home directory; with a password it is not looked at" {
	local line="*:*:*:*:se cret"
	mkdir "$TMP/home"
	unset PGPASSFILE
	export HOME=$TMP/home
	echo "$line" >"$TMP/home/.pgpass"
	chmod 644 "$TMP/home/.pgpass"
	run_split "$PGWAIT" -w -t 0 "user=app password='se cret'" jobs
	[[ $status -eq 0 && -z $errors ]]
	echo "$line" >"$TMP/pgpass"
	chmod 600 "$TMP/pgpass"
	run_split "$PGWAIT" -w -t 0 "user=app passfile=$TMP/pgpass" jobs
	[[ $status -eq 0 && -z $errors ]]
	(($("$PGWAIT" --version | sed -n 's/.*libpq \([0-9]*\).*/\1/p') >= 15)) || skip 'this libpq does not look at HOME'
	run_split "$PGWAIT" -w -t 0 "user=app" jobs
	[[ $status -eq 2 && $errors == *"password file \"$TMP/home/.pgpass\" is not used"* ]]
	chmod 600 "$TMP/home/.pgpass"
	run_split "$PGWAIT" -w -t 0 "user=app" jobs
	[[ $status -eq 0 && -z $errors ]]
}

@test "a wrong one: 2, 28P01, and it is not shown" {
	run_split "$PGWAIT" "user=app password=wr0ng" jobs
	[[ $status -eq 2 && $errors == *'(SQLSTATE 28P01)' && $errors != *wr0ng* ]]
	[[ $(wc -l <"$ERR") -eq 1 ]]
	run_split "$PGWAIT" -v "user=app password=wr0ng" jobs
	[[ $status -eq 2 && $errors == *'pgwait: debug: '*'(SQLSTATE 28P01)'* && $errors != *wr0ng* ]]
}

@test "-w never asks" {
	run_split "$PGWAIT" -w -U app jobs
	[[ $status -eq 2 && $errors == *'no password supplied'* ]]
}

@test "without a terminal there is no prompt, and standard input is left alone" {
	status=0
	setsid -w "$PGWAIT" -U app jobs <<<'se cret' >"$OUT" 2>"$ERR" || status=$?
	[[ $status -eq 2 ]]
	grep -q 'a password is needed, and there is no terminal to ask for it' "$ERR"
}

@test "the terminal is asked, and does not echo; standard input may be a pipe" {
	on_terminal 'echo nonsense | "$PGWAIT" -t 0 -U app jobs'
	wait_for screen "Password for user app (postgres@$PGHOST:$PGPORT):"
	keys 'se cret' Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
	screen 'Password for user app'
	run -1 screen cret
	wait_for test -e "$TMP/stty.done"
	grep -q ' echo ' "$TMP/stty"
}

@test "--check asks once for both of its connections" {
	on_terminal '"$PGWAIT" --check -U app'
	wait_for screen "Password for user app (postgres@$PGHOST:$PGPORT):"
	keys 'se cret' Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
	grep -q 'delivery  20 of 20' "$OUT"
}

@test "the clock of a drain stands still while a password is typed, for the connection that waits its turn too" {
	unset PGCONNECT_TIMEOUT # 10 s
	on_terminal '"$PGWAIT" -t 0 user=app user=other jobs'
	wait_for screen 'Password for user'
	start=$SECONDS
	late() { ((SECONDS - start > 11)); }
	wait_for late
	[[ ! -e $TMP/ended ]]
	if screen 'user app'; then first='se cret' second=hidden next=other; else first=hidden second='se cret' next=app; fi
	keys "$first" Enter
	wait_for screen "Password for user $next"
	keys "$second" Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
}

@test "a terminal of another locale is asked in ASCII" {
	export LC_ALL=C
	on_terminal '"$PGWAIT" -t 0 -W -U $(printf "m\\303\\274\\305\\233") jobs'
	wait_for screen 'Password for user m\\xc3\\xbc\\xc5\\x9b (postgres@'
	keys C-c
	wait_for test -e "$TMP/ended"
}

@test "-W asks though no password is needed" {
	on_terminal '"$PGWAIT" -t 0 -W -U postgres jobs'
	wait_for screen 'Password for user postgres'
	keys anything Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
}

@test "-W asks though a password is known, as psql does" {
	export PGPASSWORD=wrong
	on_terminal '"$PGWAIT" -t 0 -W -U app jobs'
	wait_for screen 'Password for user app'
	keys 'se cret' Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
}

@test "a wrong answer is an error" {
	on_terminal '"$PGWAIT" -t 0 -U app jobs'
	wait_for screen 'Password for user app'
	keys wrong Enter
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 2 ]]
	grep -q 28P01 "$ERR"
}

@test "two connections: one prompt after the other; the good one receives meanwhile" {
	on_terminal '"$PGWAIT" -n 2 user=app user=other user=postgres jobs'
	wait_for screen 'Password for user'
	[[ $(tmux -S "$TMP/tmux" capture-pane -p | grep -c 'Password for user') -eq 1 ]]
	notify jobs meanwhile
	wait_for grep -q meanwhile "$OUT"
	if screen 'user app'; then first='se cret' second=hidden next=other; else first=hidden second='se cret' next=app; fi
	keys "$first" Enter
	wait_for screen "Password for user $next"
	keys "$second" Enter
	wait_for grep -q listening "$ERR"
	notify jobs x
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 0 ]]
}

@test "^C at the prompt: death by SIGINT, the terminal echoes again" {
	on_terminal 'exec "$PGWAIT" -U app jobs'
	wait_for screen 'Password for user app'
	keys C-c
	wait_for test -e "$TMP/stty.done"
	[[ $(<"$TMP/ended") -eq 130 ]]
	grep -q ' echo ' "$TMP/stty"
}

@test "a prompt is cancelled: the next one gets the terminal as it was, and what is typed then" {
	printf "connect one 'user=app'\nconnect two 'user=other'\nlisten * jobs\n" >"$TMP/conf"
	on_terminal 'echo $$ >"$TMP/pid"; exec "$PGWAIT" --config "$TMP/conf" -e 60'
	wait_for screen 'Password for user'
	if screen '(one)'; then stays="two 'user=other'" next='other (two)' answer=hidden; else stays="one 'user=app'" next='app (one)' answer='se cret'; fi
	keys half
	printf 'connect %s\nlisten * jobs\n' "$stays" >"$TMP/conf"
	PID=$(<"$TMP/pid")
	kill -HUP "$PID"
	wait_for screen "Password for user $next"
	keys "$answer" Enter
	wait_for grep -q 'listening on jobs' "$ERR"
	run -1 screen -e half -e "$answer"
	kill "$PID"
	wait_for test -e "$TMP/stty.done"
	grep -q ' echo ' "$TMP/stty"
	[[ $(<"$TMP/ended") -eq 0 ]]
}

@test "the last prompt is cancelled: the terminal echoes while pgwait goes on" {
	printf "connect one 'user=app'\nconnect two 'user=postgres'\nlisten * jobs\n" >"$TMP/conf"
	on_terminal 'echo $$ >"$TMP/pid"; exec "$PGWAIT" --config "$TMP/conf" -e 60'
	wait_for screen 'Password for user app (one)'
	terminal=$(tmux -S "$TMP/tmux" display -p '#{pane_tty}')
	echoes() { stty -F "$terminal" -a | grep -q ' echo '; }
	run -1 echoes
	printf "connect two 'user=postgres'\nlisten * jobs\n" >"$TMP/conf"
	kill -HUP "$(<"$TMP/pid")"
	wait_for echoes
	wait_for grep -q 'listening on jobs' "$ERR"
}

@test "a terminal that another job has is not asked" {
	on_terminal 'set -m; "$PGWAIT" -t 0 -U app jobs & wait $!'
	wait_for test -e "$TMP/stty.done"
	[[ $(<"$TMP/ended") -eq 2 ]]
	grep -q 'a password is needed, and there is no terminal to ask for it' "$ERR"
	run -1 screen Password
	grep -q ' echo ' "$TMP/stty"
}

@test "^Z at the prompt: it asks again, without echo, once it has the terminal back" {
	export PGWAIT TMP
	tmux -S "$TMP/tmux" -f /dev/null new-session -d -x 150 -y 40 bash --norc --noprofile -i
	keys '"$PGWAIT" -t 0 -U app jobs 2>"$TMP/err"' Enter
	wait_for screen '^Password for user app'
	keys C-z
	wait_for screen Stopped
	keys bg Enter
	keys 'echo for the "shell"' Enter
	wait_for screen '^for the shell'
	keys 'fg; echo "status $?"' Enter
	asked_again() { [[ $(tmux -S "$TMP/tmux" capture-pane -p | grep -c '^Password for user app') -eq 2 ]]; }
	wait_for asked_again
	keys 'se cret' Enter
	wait_for screen '^status 0'
	run -1 screen 'se cret'
}
