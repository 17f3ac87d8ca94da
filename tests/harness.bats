# The tests' own ground: what a test starts is as it would be at a terminal, and nothing of it stays.

load helper

# run_file PREFIX...: a file of tests, from standard input, in a sandbox of its own; its TAP is in $output. A test
# begins with TEST there, since bats looks for its own word everywhere. Where a test fails, bats 1.13 with bash 5.3 ends
# only when the test's time is over: so the time is shorter here than that of the test around it.
run_file() {
	{
		printf 'load %q/tests/helper\n' "$top_srcdir"
		sed 's/^TEST /@test /'
	} >"$TMP/inner.bats"
	# Without the programs that bats has for itself alone.
	run env -i PATH="$(tr : '\n' <<<"$PATH" | grep -v '/bats-core$' | paste -sd :)" PGBIN="${PGBIN-}" PGWAIT="$PGWAIT" top_builddir="$top_builddir" top_srcdir="$top_srcdir" \
		NOTE="$TMP/note" DEADLINE="$DEADLINE" BATS_TEST_TIMEOUT=90 "$@" "$top_srcdir/tests/run-bats" "$TMP/inner.bats"
	echo "$output"
}

# all_gone N: there were so many processes in $TMP/note, and none of them is left.
all_gone() {
	local pid pids
	mapfile -t pids <"$TMP/note"
	((${#pids[@]} == $1))
	for pid in "${pids[@]}"; do
		wait_for gone "$pid"
	done
}

@test "a parent that ignores signals, or blocks them, and has another umask, does not show" {
	type -P perl >/dev/null || skip 'perl is not installed'
	run_file perl -MPOSIX -e 'umask 0; $SIG{$_} = "IGNORE" for qw(HUP INT TERM PIPE);
		sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1, SIGHUP)); exec @ARGV' <<-'END'
		TEST "signals" {
			start_pgwait jobs
			mask() { awk -v name="Sig$1:" '$1 == name { print $2 }' "/proc/$PID/status"; }
			echo "$(mask Ign) $(mask Blk)"
			# What pgwait ignores itself: SIGPIPE and SIGXFSZ; 32 and 33 are the C library's own.
			(((16#$(mask Ign) & 0x7fffffff) == (1 << 12 | 1 << 24)))
			[[ $(mask Blk) == 0000000000000000 ]]
			kill -HUP "$PID"
			end_pgwait
			[[ $status -eq 0 && $(umask) == 0022 ]]
		}
	END
	[[ $status -eq 0 && ${lines[-1]} == 'ok 1 signals' ]]
}

@test "a test that failed leaves nothing to the next one" {
	run_file <<-'END'
		TEST "fails" {
			start_silent
			start_pgwait jobs
			echo "$PID" >>"$NOTE"
			start_plain "host=127.0.0.1 port=$port connect_timeout=1000 sslmode=disable gssencmode=disable" jobs
			echo "$PID" >>"$NOTE"
			runs() { [[ $(<"/proc/$PID/comm") == pgwait ]]; }
			wait_for runs
			kill -STOP "$PID"
			echo "$silent" >>"$NOTE"
			PID= silent=
			false
		}
		TEST "is alone" {
			sql -c ''
			while read -r pid; do gone "$pid"; done <"$NOTE"
		}
	END
	[[ $output == *'not ok 1 fails'* && ${lines[-1]} == 'ok 2 is alone' ]]
	all_gone 3
}

@test "the end of a sandbox ends what its command has left, and no more" {
	needs_socat
	socat -u "UNIX-RECV:$TMP/mine" OPEN:/dev/null 3>&- &
	mine=$!
	"$top_srcdir/tools/sandbox" bash -c 'sleep 1000 & echo $!; "$0" jobs 2>/dev/null & echo $!
		setsid bash -c "trap : TERM; kill -STOP \$\$" & echo $!' "$PGWAIT" >"$TMP/note" 3>&-
	all_gone 3
	run -1 gone "$mine"
}
