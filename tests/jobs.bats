# --jobs: several commands of --notify-cmd at a time.

load helper

send() {
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(1, $1) i" >/dev/null
}

# The commands of the tests say what they do by files: started.N, ended.N; N goes on once go.N is there.
setup() {
	mkdir "$TMP/s"
	step='touch "'$TMP'/s/started.$PGWAIT_PAYLOAD"; until [ -e "'$TMP'/s/go.$PGWAIT_PAYLOAD" ]; do sleep 0.02; done; touch "'$TMP'/s/ended.$PGWAIT_PAYLOAD"'
}

started() {
	[[ -e $TMP/s/started.$1 ]]
}

ended() {
	[[ -e $TMP/s/ended.$1 ]]
}

go() {
	local n
	for n; do touch "$TMP/s/go.$n"; done
}

# Its commands wait until as many as N run: 1 to N, then N + 1 to 2 N, and so on. More than N at a time leave "many".
meet() {
	local s=$TMP/s
	echo "touch $s/in.\$PGWAIT_PAYLOAD $s/runs.\$PGWAIT_PAYLOAD
		set -- $s/runs.*
		[ \$# -le $1 ] || touch $s/many
		last=\$(((PGWAIT_PAYLOAD - 1) / $1 * $1 + $1))
		until set -- $s/in.*; [ \$# -ge \$last ]; do sleep 0.02; done
		rm $s/runs.\$PGWAIT_PAYLOAD"
}

met() {
	set -- "$1" "$TMP"/s/in.*
	[[ $# -eq $(($1 + 1)) && ! -e $TMP/s/many ]]
}

@test "as many at a time as it says, and no more" {
	start_pgwait -n 80 --jobs 8 --notify-cmd "$(meet 8)" jobs
	send 80
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 ]]
	met 80
}

@test "rows of a catch-up, and of a spool, as well" {
	sql -c 'CREATE TABLE many (id int, payload text)' -c 'INSERT INTO many SELECT i, i FROM generate_series(1, 24) i'
	run_split "$PGWAIT" -t 0 --jobs 6 --notify-cmd "$(meet 6)" --catchup-sql 'DELETE FROM many RETURNING payload' jobs
	[[ $status -eq 0 && -z $errors && $(sql -c 'SELECT count(*) FROM many') == 0 ]]
	met 24
	rm -r "$TMP/s" && mkdir "$TMP/s"
	# More than a drain reads at a time.
	start_pgwait -n 520 --spool "$TMP/spool" jobs
	send 520
	end_pgwait
	run_split "$PGWAIT" --from-spool "$TMP/spool" --jobs 8 --notify-cmd "$(meet 8)"
	[[ $status -eq 0 && -z $errors && $(sqlite3 "$TMP/spool" 'SELECT count(*) FROM record') == 0 ]]
	met 520
}

@test "they start in order, and one that ends makes room for the next, whichever it is" {
	start_pgwait -n 5 --jobs 2 --notify-cmd "$step" jobs
	send 5
	wait_for started 1
	wait_for started 2
	go 2
	wait_for started 3
	run -1 started 4
	go 3
	wait_for started 4
	run -1 started 5
	run -1 ended 1
	go 1 4 5
	end_pgwait
	[[ $status -eq 0 ]]
	ended 5
}

@test "without it, and with 1, they run one after another" {
	for jobs in '' '--jobs 1'; do
		rm -f "$TMP"/s/*
		start_pgwait -n 2 $jobs --notify-cmd "$step" jobs
		send 2
		wait_for started 1
		kill -USR1 "$PID" # some passes of the loop later
		wait_for grep -q 'ok: status' "$ERR"
		run -1 started 2
		go 1 2
		end_pgwait
		[[ $status -eq 0 ]]
	done
}

@test "other commands run one after another all the same" {
	start_pgwait --jobs 4 -f %p --notify-cmd : \
		--batch-cmd "mkdir '$TMP/alone' || touch '$TMP/two'; cat >>'$TMP/got'; sleep 0.05; rmdir '$TMP/alone'" jobs
	for n in {1..20}; do notify jobs "$n"; done
	all() { [[ -e $TMP/got ]] && lines "$TMP/got" 20; }
	wait_for all
	[[ ! -e $TMP/two ]]
	cmp "$TMP/got" <(seq 20)
}

# --- What is delivered

has_rows() {
	[[ $(sqlite3 "$TMP/spool" 'SELECT group_concat(payload) FROM (SELECT payload FROM record ORDER BY id)') == "$1" ]]
}

@test "a row of a spool goes when its own command has ended well, and not when it failed" {
	start_pgwait -n 5 --spool "$TMP/spool" jobs
	send 5
	end_pgwait
	start_plain --from-spool "$TMP/spool" --jobs 3 --notify-cmd "$step; [ \$PGWAIT_PAYLOAD != 2 ]"
	wait_for started 3
	go 2 3
	wait_for started 4
	wait_for started 5
	wait_for has_rows 1,2,4,5
	go 5
	wait_for has_rows 1,2,4
	run -1 ended 1
	kill -KILL "$PID"
	end_pgwait
	has_rows 1,2,4
	go 1 4
	run_split "$PGWAIT" --from-spool "$TMP/spool" --jobs 3 --notify-cmd "$step; [ \$PGWAIT_PAYLOAD != 2 ]"
	[[ $status -eq 1 && $errors == *'1 record was not delivered, and stays in the spool'* ]]
	has_rows 2
}

@test "a catch-up is committed when the last has ended, whichever that is, and not if any failed" {
	sql -c 'CREATE TABLE work (id int, payload text)' -c 'INSERT INTO work SELECT i, i FROM generate_series(1, 4) i'
	left() { [[ $(sql -c 'SELECT count(*) FROM work') == "$1" ]]; }
	for bad in 1 2 4; do
		run_split "$PGWAIT" -t 0 --jobs 3 --notify-cmd "[ \$PGWAIT_PAYLOAD != $bad ]" --catchup-sql 'DELETE FROM work RETURNING payload' jobs
		[[ $status -eq 1 && $errors == *'not every row could be delivered'* ]]
		left 4
	done
	start_pgwait --jobs 4 --notify-cmd "$step" --catchup-sql 'DELETE FROM work RETURNING payload' jobs
	wait_for started 4
	go 2 3 4
	wait_for ended 4
	kill -USR1 "$PID"
	wait_for grep -q 'ok: status' "$ERR"
	left 4
	go 1
	wait_for left 0
}

# The server has answered the empty query of a drain.
asked() {
	[[ $(sql -c "SELECT query || state FROM pg_stat_activity WHERE application_name = 'pgwait'") == idle ]]
}

@test "drain waits for what came before it, in whatever order that ends, and for nothing else" {
	mkfifo "$TMP/control"
	exec 7<>"$TMP/control"
	start_pgwait --control "$TMP/control" --jobs 3 --notify-cmd "$step; [ \$PGWAIT_PAYLOAD != 2 ]" jobs
	send 2
	wait_for started 2
	echo drain >&7
	go 2
	wait_for grep -q 'command ended with status 1' "$ERR"
	run -1 grep drain "$ERR"
	go 1
	wait_for grep -q 'error: drain: not everything could be delivered' "$ERR"
	# That is over: another one does not see it, nor what comes behind it.
	notify jobs 3
	wait_for started 3
	echo channels >&7
	wait_for grep -q 'ok: channels' "$ERR"
	echo drain >&7
	wait_for asked
	notify jobs 4
	notify jobs 5
	wait_for started 5
	go 3
	wait_for grep -q 'ok: drain' "$ERR"
	run -1 ended 4
}

@test "what was discarded is no command's, while others run" {
	start_pgwait --buffer 4KiB --overflow drop --jobs 2 --notify-cmd "$step; echo \$PGWAIT_PAYLOAD >>'$TMP/got'" jobs
	send 2
	wait_for started 2
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series(3, 200) i" >/dev/null
	wait_for grep -q 'the oldest notifications are discarded' "$ERR"
	wait_for server_done
	go {2..200}
	wait_for started 200
	run -1 ended 1
	go 1
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	dropped=$(sed -nE 's/^pgwait: warning: ([0-9]+) notifications were discarded: .*/\1/p' "$ERR")
	((dropped > 0 && $(wc -l <"$TMP/got") == 200 - dropped))
	[[ $(sort "$TMP/got" | uniq -d) == '' ]]
}

@test "only what the spool has committed runs, several at a time" {
	start_pgwait -n 16 --spool "$TMP/spool" --jobs 4 --notify-cmd "$(meet 4)" jobs
	send 16
	end_pgwait
	[[ $status -eq 0 && $(sqlite3 "$TMP/spool" 'SELECT count(*) FROM record') == 16 ]]
	met 16
}

# --- The end

@test "each has its own --cmd-timeout" {
	start_pgwait -n 3 --jobs 3 --cmd-timeout 0.2 --notify-cmd '[ $PGWAIT_PAYLOAD = 2 ] || exec sleep 1000' jobs
	send 3
	end_pgwait
	[[ $status -eq 0 && $(grep -c 'notification command was ended by signal 15' "$ERR") -eq 2 ]]
}

@test "the end waits for all" {
	start_pgwait --jobs 3 --notify-cmd "$step" jobs
	send 4
	wait_for started 3
	kill "$PID"
	wait_for signals_taken "$PID"
	go 3
	wait_for started 4
	go 4 2
	wait_for ended 2
	wait_for ended 4
	run -1 gone "$PID"
	go 1
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a second signal ends all, and says what was not done" {
	start_pgwait --jobs 3 --notify-cmd "[ \$PGWAIT_PAYLOAD != 2 ] || exit 0; echo \$\$ >'$TMP/s/started.'\$PGWAIT_PAYLOAD; exec sleep 1000" jobs
	send 6
	pids() { cat "$TMP"/s/started.{1,3,4} 2>/dev/null | wc -l | grep -qx 3; }
	wait_for pids
	wait_for server_done
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID"
	end_pgwait
	[[ $status -eq 1 ]]
	grep -qx 'pgwait: error: notification command was not run to its end for 5 notifications' "$ERR"
	for n in 1 3 4; do wait_for gone "$(<"$TMP/s/started.$n")"; done
}

@test "no zombie after many runs, and no descriptor more" {
	start_pgwait --jobs 5 --notify-cmd "cat >/dev/null; echo >>'$TMP/ran'" jobs
	send 20
	ran() { [[ -e $TMP/ran ]] && lines "$TMP/ran" "$1"; }
	none() { ! ps -o stat= --ppid "$PID" | grep -q .; }
	wait_for ran 20
	wait_for none
	fds=$(ls "/proc/$PID/fd" | wc -l)
	send 100
	wait_for ran 120
	wait_for none
	[[ $(ls "/proc/$PID/fd" | wc -l) -eq $fds ]]
}

# --- The command line

@test "a number from 1 to 1000, and --notify-cmd" {
	for bad in 0 -1 1001 1.5 two '' 99999999999999999999; do
		run_split "$PGWAIT" --notify-cmd : --jobs "$bad" jobs
		[[ $status -eq 1 && $errors == "pgwait: error: invalid --jobs \"$bad\": accepted is a whole number from 1 to 1000"* ]]
	done
	for other in '' '--batch-cmd :' '--idle-cmd : -t 1'; do
		run_split "$PGWAIT" $other --jobs 2 jobs
		[[ $status -eq 1 && $errors == 'pgwait: error: --jobs needs --notify-cmd: '* ]]
	done
	run_split "$PGWAIT" --check --notify-cmd : --jobs 2
	[[ $status -eq 1 && $errors == *'--check takes no --'* ]]
}
