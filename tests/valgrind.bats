# No leak and no error in a run with 3 connections, 1,000 notifications and 5 idle events; no data race in a drain.

load helper

@test "valgrind finds nothing" {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "valgrind cannot run a program with sanitizers"
	mkfifo "$TMP/ready"
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible --child-silent-after-fork=yes \
		"$PGWAIT" --ready-fd 9 -j --events -t 0.1 --idle-cmd "echo >>'$TMP/idle'" \
		--print --batch-cmd "wc -l >>'$TMP/batch'" --listen-cmd : \
		application_name=a application_name=b host=localhost jobs >"$OUT" 2>"$ERR" 9>"$TMP/ready" 3>&- &
	PID=$!
	DEADLINE=$((DEADLINE * 3))
	read -r -t "$DEADLINE" _ <"$TMP/ready"
	sql -c "SELECT count(pg_notify('jobs', i || E'\\x01é')) FROM generate_series(1, 334) i" >/dev/null
	idle() { [[ -e $TMP/idle ]] && lines "$TMP/idle" 5 && lines "$OUT" 1002; }
	wait_for idle
	kill "$PID"
	end_pgwait
	cat "$ERR"
	[[ $status -eq 0 ]]
}

@test "helgrind finds no data race" {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "valgrind cannot run a program with sanitizers"
	# A name is resolved in a thread: in one, since the C library has unproven ones among several of its own. Nor
	# is anything else that it says of libraries our affair.
	run_split valgrind --tool=helgrind -q "$PGWAIT" -t 0 host=localhost jobs
	[[ $status -eq 0 && $errors != *'data race'* ]] || { cat "$ERR"; return 1; }
}
