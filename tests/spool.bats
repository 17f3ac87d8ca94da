# The spool: --spool appends what is received to an SQLite file, --from-spool takes from it.

load helper

setup() {
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
	SPOOL=$TMP/spool
	umask 022
}

# As in helper.bash; and the disk of a test that failed.
clean_up() {
	[[ ! -d $TMP/disk ]] || umount -l "$TMP/disk" 2>/dev/null || true
}

# send FROM TO: notifications on jobs, one transaction.
send() {
	sql -c "SELECT count(pg_notify('jobs', i::text)) FROM generate_series($1, $2) i" >/dev/null
}

# fill N: a new spool with the notifications 1 to N on jobs.
fill() {
	start_pgwait -q -n "$1" --spool "$SPOOL" jobs
	send 1 "$1"
	end_pgwait
	[[ $status -eq 0 && ! -s $OUT ]]
}

look() {
	sqlite3 -batch -noheader "$SPOOL" "$@"
}

# rows N: the spool has so many.
rows() {
	[[ $(look 'SELECT count(*) FROM record') == "$1" ]]
}

drain() {
	run_split "$PGWAIT" --from-spool "$SPOOL" "$@"
}

# refused ERROR ARG...: a single error with this in it, and nothing else.
refused() {
	local error=$1
	shift
	run_split timeout "$DEADLINE" "$PGWAIT" "$@"
	[[ $status -eq 1 && -z $output ]] || { echo "status $status: $output$errors"; return 1; }
	[[ $errors == "pgwait: error: "*"$error"* && $(grep -vc '^pgwait: hint: ' "$ERR") -eq 1 ]] || {
		echo "$errors"
		return 1
	}
}

# --- What is in it

@test "what is received is in the spool, and not on standard output" {
	umask 0
	start_pgwait -n 3 --spool "$SPOOL" jobs audit
	before=$(date +%s)
	pid=$(sql -c "NOTIFY jobs, 'one'" -c "NOTIFY audit, E'two\\nlines'" -c 'NOTIFY jobs' -c 'SELECT pg_backend_pid()')
	end_pgwait
	[[ $status -eq 0 && ! -s $OUT ]]
	[[ $(stat -c %a "$SPOOL") == 600 ]]
	look "SELECT id, kind, connection, channel, replace(payload, char(10), '/'), typeof(payload), encoding IS NULL, pid
		FROM record ORDER BY id" | diff - <(
		echo "1|notification|postgres@$PGHOST:$PGPORT|jobs|one|text|1|$pid"
		echo "2|notification|postgres@$PGHOST:$PGPORT|audit|two/lines|text|1|$pid"
		echo "3|notification|postgres@$PGHOST:$PGPORT|jobs||text|1|$pid"
	)
	[[ $(look "SELECT count(*) FROM record WHERE time / 1000000 BETWEEN $before AND $(date +%s)") -eq 3 ]]
	[[ $(look 'PRAGMA user_version; PRAGMA application_id; PRAGMA journal_mode' | tr '\n' ' ') == '1 1885828980 wal ' ]]
}

@test "a drain writes what is in the spool, in order, and removes it" {
	fill 1203
	drain -f %p
	[[ $status -eq 0 && -z $errors ]]
	cmp "$OUT" <(seq 1203)
	rows 0
	drain
	[[ $status -eq 0 && -z $output$errors ]]
}

@test "a spool goes on where the last run stopped, and ids are never used again" {
	fill 3
	drain
	fill 2
	[[ $(look 'SELECT id FROM record' | tr '\n' ' ') == '4 5 ' ]]
	drain -f %p
	[[ $output == $'1\n2' ]]
}

# same_as_direct FORMAT-ARG...: what is drained is what --print wrote. SEND sends $count notifications.
same_as_direct() {
	rm -f "$SPOOL"*
	start_pgwait -q -n "$count" --spool "$SPOOL" --print "$@" "${connection[@]}"
	send_odd
	end_pgwait
	[[ $status -eq 0 ]]
	cp "$OUT" "$TMP/direct"
	drain "$@"
	[[ $status -eq 0 && -z $errors && -s $OUT ]]
	cmp "$OUT" "$TMP/direct" || { diff -a "$OUT" "$TMP/direct"; return 1; }
}

all_formats() {
	same_as_direct
	same_as_direct -0
	same_as_direct -j
	same_as_direct -j -0
	same_as_direct -f '%c %p %e %l %i %d %T %s %% %j\0'
}

@test "every format writes from the spool what it writes directly: UTF-8" {
	connection=(jobs 'prix€') count=4
	send_odd() {
		notify jobs $'a\tb\\\n\x01\u0085'
		notify 'prix€' 'déjà vu €'
		notify jobs ''
		sql -c "SELECT pg_notify('jobs', repeat('é', 3999))" >/dev/null
	}
	all_formats
	[[ $(look 'SELECT DISTINCT typeof(payload) FROM record' | wc -l) -eq 0 ]]
}

@test "every format writes from the spool what it writes directly: bytes that are not valid UTF-8" {
	sql -c "CREATE DATABASE bytes ENCODING SQL_ASCII LOCALE 'C' TEMPLATE template0"
	connection=(-d bytes jobs) count=3
	send_odd() {
		PGCLIENTENCODING=SQL_ASCII sql -d bytes >/dev/null <<-'END'
			SELECT pg_notify('jobs', convert_from('\x41ff42'::bytea, 'SQL_ASCII'));
			SELECT pg_notify('jobs', convert_from('\xc3a9'::bytea, 'SQL_ASCII'));
			SELECT pg_notify('jobs', convert_from('\xc3'::bytea, 'SQL_ASCII'));
		END
	}
	all_formats
	start_pgwait -n 3 --spool "$SPOOL" -d bytes jobs
	send_odd
	end_pgwait
	[[ $(look 'SELECT typeof(payload), hex(payload) FROM record' | tr '\n' ' ') == 'blob|41FF42 text|C3A9 blob|C3 ' ]]
}

@test "every format writes from the spool what it writes directly: encodings that are converted" {
	sql -c "CREATE DATABASE latin9 ENCODING LATIN9 LOCALE 'C' TEMPLATE template0" \
		-c "CREATE DATABASE kyoto ENCODING EUC_JP LOCALE 'C' TEMPLATE template0"
	connection=(-d latin9 'prix€') count=1
	send_odd() { PGCLIENTENCODING=UTF8 sql -d latin9 -c "NOTIFY \"prix€\", '10 €'"; }
	all_formats
	# Two characters that mean nothing to iconv: their bytes must not become one that nobody sent.
	connection=(-d kyoto jobs) count=2
	send_odd() {
		PGCLIENTENCODING=EUC_JP sql -d kyoto -c "SELECT pg_notify('jobs', convert_from('\\xa4a2', 'EUC_JP'))" \
			-c "SELECT pg_notify('jobs', convert_from('\\x41a9feC3a942', 'EUC_JP'))" >/dev/null
	}
	all_formats
	start_pgwait -n 2 --spool "$SPOOL" -d kyoto jobs
	send_odd
	end_pgwait
	[[ $(look 'SELECT typeof(payload), encoding FROM record' | tr '\n' ' ') == 'text| blob|EUC_JP ' ]]
}

# --- Gaps

lose_connection() {
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
}

make_gap() {
	start_pgwait --spool "$SPOOL" jobs audit
	notify jobs before
	lose_connection
	wait_for grep -q 'listening again' "$ERR"
	notify jobs after
	wait_for rows 4
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}

@test "a gap in listening is a record of its own: a line on standard error, or an event" {
	make_gap
	[[ $(look 'SELECT kind, channel FROM record ORDER BY id' | tr '\n' ' ') == \
		'notification|jobs gap|jobs gap|audit notification|jobs ' ]]
	cp "$SPOOL" "$TMP/copy"
	told=$(grep 'listening again' "$ERR")
	drain
	[[ $status -eq 0 && $output == $'jobs\tbefore\t'*$'\njobs\tafter\t'* ]]
	[[ $errors == "$told" ]]
	rows 0
	cp "$TMP/copy" "$SPOOL"
	drain -j --events
	[[ $status -eq 0 && -z $errors ]]
	jq -sce '[.[] | .event // .payload] == ["before", "listening", "after"]' "$OUT"
	jq -sce 'map(select(.event))[0] | .channels == ["jobs", "audit"] and .gap_seconds > 0 and (.since < .time) and
		(keys == ["backend_pid", "channels", "connection", "event", "gap_seconds", "since", "time"])' "$OUT"
}

@test "a gap goes with the channels that are taken, and -n does not count it; --listen-cmd runs for it" {
	make_gap
	drain -f %p audit
	[[ $status -eq 0 && -z $output && $errors == *'listening again on audit ('* ]]
	drain -n 2 -f %p --listen-cmd "env | grep ^PGWAIT_ >'$TMP/env'"
	[[ $status -eq 0 && $output == $'before\nafter' && $errors == *'listening again on jobs ('* ]]
	grep -q '^PGWAIT_GAP=' "$TMP/env"
	rows 0
}

# --- What is taken

@test "-n takes that many; with fewer it is 124" {
	fill 1000
	drain -n 3 -f %p
	[[ $status -eq 0 && $output == $'1\n2\n3' ]]
	drain -n 700 -f %p
	cmp "$OUT" <(seq 4 703)
	drain -n 700 -f %p
	[[ $status -eq 124 ]]
	cmp "$OUT" <(seq 704 1000)
	rows 0
}

@test "channels select: operands and -l" {
	start_pgwait -n 4 --spool "$SPOOL" -l a=b jobs audit
	for channel in audit jobs a=b jobs; do notify "$channel" "$channel"; done
	end_pgwait
	drain -f %p nothing
	[[ $status -eq 0 && -z $output ]]
	drain -f %p audit -l a=b
	[[ $status -eq 0 && $output == $'audit\na=b' ]]
	drain -f %p
	[[ $output == $'jobs\njobs' ]]
}

@test "no server is needed" {
	fill 1
	PGHOST=/nowhere PGSERVICE=none drain -f %p
	[[ $status -eq 0 && $output == 1 ]]
}

# --- Commands

@test "--notify-cmd acknowledges: what it fails for stays, and the rest goes on" {
	fill 5
	drain --notify-cmd 'read -r p; [ "$p" != 2 ] && [ "$p" != 4 ] && echo "$p"'
	[[ $status -eq 1 && $output == $'1\n3\n5' && $errors == *'2 records were not delivered, and stay in the spool'* ]]
	[[ $(look 'SELECT payload FROM record' | tr '\n' ' ') == '2 4 ' ]]
	drain --notify-cmd cat
	[[ $status -eq 0 && $output == 24 && -z $errors ]]
	rows 0
}

@test "--batch-cmd acknowledges all that it was given" {
	fill 700
	drain --batch-cmd 'cat; exit 3'
	[[ $status -eq 1 && $errors == *'batch command ended with status 3'* ]]
	rows 700
	drain -f %p --batch-cmd "cat >>'$TMP/got'"
	[[ $status -eq 0 ]]
	cmp "$TMP/got" <(seq 700)
	rows 0
}

@test "what a command has acknowledged is removed though pgwait is killed before the next one ends" {
	fill 5
	start_plain --from-spool "$SPOOL" --notify-cmd "read -r p; [ \$p != 3 ] || { touch '$TMP/third'; sleep 60; }"
	wait_for test -e "$TMP/third"
	kill -KILL "$PID"
	wait_for gone "$PID"
	[[ $(look 'SELECT payload FROM record' | tr '\n' ' ') == '3 4 5 ' ]]
}

@test "a resident pgwait runs a command only for what it has committed" {
	start_pgwait --spool "$SPOOL" --notify-cmd "sqlite3 '$SPOOL' \"SELECT payload FROM record WHERE payload = '\$PGWAIT_PAYLOAD'\"" jobs
	send 1 20
	wait_for lines "$OUT" 20
	cmp "$OUT" <(seq 20)
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}

# first_batch: how many notifications were committed together, of 1,000 that wait for it in its socket.
first_batch() {
	rm -f "$SPOOL"* "$TMP/sizes"
	start_pgwait -n 1000 --spool "$SPOOL" --batch-cmd "wc -l >>'$TMP/sizes'" -f %p jobs
	stop "$PID"
	send 1 1000
	wait_for server_done
	kill -CONT "$PID"
	end_pgwait
	[[ $status -eq 0 && $(awk '{ n += $1 } END { print n }' "$TMP/sizes") -eq 1000 ]]
	rows 1000
	head -n 1 "$TMP/sizes"
}

@test "what several reads bring is committed together" {
	# A busy machine can keep it from reading for longer than it gathers.
	for _ in {1..20}; do
		size=$(first_batch)
		echo "$size"
		((size < 1000)) || return 0
	done
	false
}

# --- Files

@test "what is no spool is refused and left as it is" {
	echo 'text' >"$TMP/text"
	sqlite3 "$TMP/other" 'CREATE TABLE t (a)'
	fill 1
	cp "$SPOOL" "$TMP/newer"
	sqlite3 "$TMP/newer" 'PRAGMA user_version = 2' >/dev/null
	head -c 1000 /dev/zero >"$TMP/zeros"
	mkdir "$TMP/directory" "$TMP/here"
	mkfifo "$TMP/fifo"
	md5sum "$TMP"/{text,other,newer,zeros} >"$TMP/here/sums"
	others() { find "$TMP" ! -name 'spool*' ! -path "$TMP/here/*" ! -path "$OUT" ! -path "$ERR" | sort; }
	others >"$TMP/here/before"
	for option in --spool --from-spool; do
		refused 'could not open the spool "'"$TMP"'/text": it is not a spool, but some other file' "$option" "$TMP/text" jobs
		refused 'zeros": it is not a spool, but some other file' "$option" "$TMP/zeros" jobs
		refused 'other": it is not a spool, but some other SQLite database' "$option" "$TMP/other" jobs
		refused 'newer": it is a spool of a newer version of pgwait' "$option" "$TMP/newer" jobs
		refused 'directory": Is a directory' "$option" "$TMP/directory" jobs
		refused 'fifo": it is not a regular file' "$option" "$TMP/fifo" jobs
		refused 'nowhere/spool": No such file or directory' "$option" "$TMP/nowhere/spool" jobs
		if ((EUID != 0)); then
			chmod 0 "$TMP/other"
			refused 'other": Permission denied' "$option" "$TMP/other" jobs
			chmod 644 "$TMP/other"
		fi
	done
	refused 'missing": No such file or directory' --from-spool "$TMP/missing" jobs
	for mode in 620 602 660 606; do
		chmod "$mode" "$SPOOL"
		for option in --spool --from-spool; do
			refused 'spool": others own it or may write to it; accepted is a file that only you can write to (chmod 600)' \
				"$option" "$SPOOL" jobs
		done
	done
	if ((EUID == 0)); then
		chmod 600 "$SPOOL"
		chown nobody "$SPOOL"
		refused 'spool": others own it' --from-spool "$SPOOL" jobs
		chown 0 "$SPOOL"
	fi
	chmod 644 "$SPOOL"
	drain
	[[ $status -eq 0 && $output == jobs* ]]
	md5sum -c --quiet "$TMP/here/sums"
	diff "$TMP/here/before" <(others)
}

@test "a reserve that cannot be had is an error, and what has its name is left alone" {
	fill 1
	rm "$SPOOL.reserve"
	for make in 'mkdir' 'mkfifo' 'ln -s nowhere'; do
		$make "$SPOOL.reserve"
		refused "could not open the spool \"$SPOOL\": the reserve beside it: " --from-spool "$SPOOL"
		[[ ! -e $TMP/nowhere ]]
		rm -r "$SPOOL.reserve"
	done
	drain
	[[ $status -eq 0 && $output == jobs* ]]
}

@test "an empty file is an empty spool" {
	: >"$SPOOL"
	drain
	[[ $status -eq 0 && -z $output$errors ]]
	rm "$SPOOL"
	: >"$SPOOL"
	fill 2
	rows 2
}

@test "names that mean something to SQLite are names of files" {
	cd "$TMP"
	for SPOOL in :memory: 'file:x?mode=memory' 'a b'; do
		fill 1
		[[ -f $SPOOL ]]
		drain -f %p
		[[ $output == 1 ]]
	done
}

@test "options that make no sense beside each other" {
	refused '--print needs --notify-cmd, --batch-cmd or --spool' --print jobs
	refused 'invalid --spool ""' --spool '' jobs
	refused 'invalid --from-spool ""' --from-spool= jobs
	for option in '-d app' '-h db1' '-p 1' '-U app' -w -W '--reconnect never' '--heartbeat 1' '-e 1' '-t 0' '-t 1' \
		--idle-restart '--overflow drop' '--idle-cmd x' '--lost-cmd x' '--control -' '--config /x' '--ready-fd 1' \
		'--spool x'; do
		# shellcheck disable=SC2086
		refused '--from-spool and --' --from-spool "$SPOOL" $option
		[[ $errors == *"$("$PGWAIT" --help | grep -oE -- "^  +(${option:0:2}, )?--[a-z-]+" | grep -F -- "${option%% *}" |
			grep -oE -- '--[a-z-]+' | head -n 1) exclude"* ]]
	done
	refused 'a connection string stands beside --from-spool' --from-spool "$SPOOL" 'postgresql://app:hunter2@db1/app'
	[[ $errors != *hunter2* ]]
	refused 'a connection string stands beside --from-spool' --from-spool "$SPOOL" /run/postgresql
	refused 'a connection string stands beside --from-spool' --from-spool "$SPOOL" app:hunter2@db1/app
	[[ $errors != *hunter2* ]]
	refused '--print needs' --from-spool "$SPOOL" --print
	refused 'channel' --from-spool "$SPOOL" ''
	[[ ! -e $SPOOL && ! -e x ]]
}

# --- One beside the other

@test "a drain that finds another at work ends with 0" {
	fill 3
	start_plain --from-spool "$SPOOL" --notify-cmd "touch '$TMP/begun'; until [ -e '$TMP/go' ]; do sleep 0.02; done"
	wait_for test -e "$TMP/begun"
	first_out=$OUT OUT=$TMP/out2 ERR=$TMP/err2
	drain
	[[ $status -eq 0 && -z $output$errors ]]
	drain -n 1
	[[ $status -eq 124 && -z $output$errors ]]
	drain -v
	[[ $errors == *'another pgwait takes from the spool'* ]]
	rows 3
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 && ! -s $first_out ]]
	rows 0
}

@test "a drain finds another at work though all that is beside the spool was removed" {
	fill 3
	start_plain --from-spool "$SPOOL" --notify-cmd "echo x >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done"
	wait_for test -s "$TMP/ran"
	rm "$SPOOL"?*
	OUT=$TMP/out2 ERR=$TMP/err2
	drain
	[[ $status -eq 0 && -z $output$errors ]]
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 ]]
	lines "$TMP/ran" 3
	run -1 lines "$TMP/ran" 4
	rows 0
}

@test "a lock that somebody else holds on a file beside the spool does not matter" {
	fill 2
	(
		flock -n 7
		"$PGWAIT" --from-spool "$SPOOL" -f %p >"$OUT"
	) 7>"$SPOOL.lock"
	cmp "$OUT" <(seq 2)
}

@test "a drain that waits for its reader holds no lock, and what is appended meanwhile comes too" {
	start_pgwait --spool "$SPOOL" jobs
	resident=$PID
	sql -c "SELECT count(pg_notify('jobs', i || repeat('x', 1000))) FROM generate_series(1, 400) i" >/dev/null
	wait_for rows 400
	mkfifo "$TMP/pipe"
	exec 7<>"$TMP/pipe"
	"$PGWAIT" --from-spool "$SPOOL" -f %p >"$TMP/pipe" 2>"$TMP/err2" 3>&- 7>&- &
	PID=$!
	locked() { grep -Eq "^[0-9]+: (OFDLCK|POSIX) .* WRITE .*:$(stat -c %i "$SPOOL") $((1 << 40)) " /proc/locks; }
	wait_for locked # (who asks for the lock himself may keep pgwait from it)
	for n in 1 2 3; do
		notify jobs "more $n"
		appended() { [[ $(look "SELECT count(*) FROM record WHERE payload = 'more $n'") -eq 1 ]]; }
		wait_for appended
		# No reader and no writer stands in the way of emptying the log.
		truncated() { [[ $(look 'PRAGMA wal_checkpoint(TRUNCATE)') == 0* ]]; }
		wait_for truncated
	done
	head -n 403 <&7 >"$TMP/got" 3>&- &
	reader=$!
	end_pgwait
	wait_for gone "$reader"
	exec 7>&-
	PID=$resident
	[[ $status -eq 0 && $(wc -l <"$TMP/got") -eq 403 ]]
	rows 0
}

@test "one appends while another drains: everything comes once" {
	start_pgwait --spool "$SPOOL" jobs
	for n in {0..39}; do
		send $((n * 50 + 1)) $((n * 50 + 50))
	done 3>&- &
	sender=$!
	SECONDS=0
	until ((SECONDS >= DEADLINE)) || { gone "$sender" && [[ $(wc -l <"$TMP/got") -ge 2000 ]]; }; do
		"$PGWAIT" --from-spool "$SPOOL" -f %p >>"$TMP/got"
	done
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$ERR") -eq 1 ]]
	cmp "$TMP/got" <(seq 2000)
}

# lock: another program has the spool; unlock ends that.
lock() {
	mkfifo "$TMP/to"
	sqlite3 "$SPOOL" <"$TMP/to" >"$TMP/shell" 2>&1 3>&- &
	shell=$!
	exec 7>"$TMP/to"
	printf '%s\n' '.bail on' ".timeout ${DEADLINE}000" "BEGIN IMMEDIATE; SELECT 'locked';" >&7
	wait_for grep -q locked "$TMP/shell"
}

unlock() {
	echo 'COMMIT;' >&7
	exec 7>&-
	wait "$shell"
	rm "$TMP/to"
}

@test "another program that holds the lock only delays: nothing is lost" {
	start_pgwait --spool "$SPOOL" jobs
	lock
	send 1 10
	# It goes on receiving, and says after a while why it does not commit.
	wait_for grep -q 'database is locked; what is received waits' "$ERR"
	send 11 20
	rows 0
	unlock
	wait_for rows 20
	wait_for grep -q 'can be written to again' "$ERR"
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	drain -f %p
	cmp "$OUT" <(seq 20)
}

# send_long FROM TO: the same as send, with payloads of these lengths.
send_long() {
	sql -c "SELECT count(pg_notify('jobs', repeat('x', i))) FROM generate_series($1, $2) i" >/dev/null
}

@test "--overflow drop: no command runs for what the spool has discarded" {
	# Of a batch, less waits in the command than in the spool.
	for option in '--notify-cmd echo $PGWAIT_PAYLOAD_LENGTH' '--batch-cmd cat'; do
		rm -f "$SPOOL"* "$TMP"/{ran,go}
		start_pgwait --buffer 20000 --overflow drop --spool "$SPOOL" -f %l "${option%% *}" \
			"${option#* } >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
		# What is committed, but waits for the command, comes first.
		send_long 1 1
		wait_for test -s "$TMP/ran"
		send_long 2 20
		wait_for rows 20
		lock
		send_long 21 21 # which it tries to commit, so that it can discard the others
		wait_for server_done
		send_long 101 400
		wait_for grep -q 'warning: the spool is too slow' "$ERR"
		wait_for server_done
		unlock
		committed() { look 'SELECT length(payload) FROM record' | grep -qx 1000; }
		send_long 1000 1000
		wait_for committed
		touch "$TMP/go"
		wait_for grep -qx 1000 "$TMP/ran"
		kill "$PID"
		end_pgwait
		[[ $status -eq 0 ]]
		look "SELECT length(payload) FROM record WHERE kind = 'notification'" >"$TMP/committed"
		discarded=$(look "SELECT sum(count) FROM record WHERE kind = 'dropped'")
		((discarded > 0 && discarded + $(wc -l <"$TMP/committed") == 322))
		# Some may be missing for which the command was too slow.
		[[ $option != *cat ]] || cmp "$TMP/ran" "$TMP/committed"
		run -1 grep '^<' <(diff "$TMP/ran" "$TMP/committed")
	done
}

@test "a row that is too large for SQLite is not delivered: the catch-up keeps it, and says so" {
	needs_faults
	sql -c 'DROP TABLE IF EXISTS large' -c 'CREATE TABLE large (payload text)'
	start_pgwait --spool "$SPOOL" jobs # which makes the tables
	kill "$PID"
	end_pgwait
	take() {
		if [[ ${PGWAIT_SANITIZERS:-no} != no ]]; then
			local -x ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
		fi
		run_split env SQLITE_LENGTH=2000 LD_PRELOAD="$TMP/faults.so" timeout "$DEADLINE" "$PGWAIT" -t 0 --spool "$SPOOL" \
			--notify-cmd 'cat >/dev/null; echo "$PGWAIT_PAYLOAD_LENGTH"' --catchup-sql 'DELETE FROM large RETURNING payload' jobs
	}
	sql -c "INSERT INTO large VALUES ('small'), (repeat('x', 3000))"
	take
	[[ $status -eq 1 && $output == 5 && $errors == *'a row of 3'???' bytes is too large for it; it takes 2000 at most'* ]]
	[[ $errors == *'not every row could be delivered'* ]]
	[[ $(sql -c 'SELECT count(*) FROM large') -eq 2 && $(look 'SELECT payload FROM record') == small ]]
	sql -c "DELETE FROM large WHERE payload <> 'small'"
	take
	[[ $status -eq 0 && $output == 5 && $errors != *pgwait:* ]] # ld.so may say that timeout has 64 bits, and the library 32
	rows 2
}

# --- Endings

@test "signals and -m end a drain: what was delivered is gone, the rest stays" {
	for how in 'kill -TERM' 'kill -INT' '-m'; do
		rm -f "$SPOOL"* "$TMP/go" "$TMP/run"
		fill 5
		mkfifo "$TMP/go"
		args=()
		[[ $how != -m ]] || args=(-v -m 2)
		start_plain --from-spool "$SPOOL" "${args[@]}" --notify-cmd "echo >>'$TMP/run'; read -r _ <'$TMP/go'"
		wait_for test -e "$TMP/run"
		echo >"$TMP/go"
		wait_for lines "$TMP/run" 2
		if [[ $how == -m ]]; then
			wait_for grep -q 'the time is up' "$ERR"
		else
			$how "$PID"
			wait_for signals_taken "$PID"
		fi
		echo >"$TMP/go"
		end_pgwait
		case $how in
			*INT) [[ $status -eq 130 ]] ;;
			*) [[ $status -eq 0 ]] ;;
		esac
		[[ $(look 'SELECT payload FROM record' | tr '\n' ' ') == '3 4 5 ' ]]
	done
}

@test "a second signal ends the command: its row stays" {
	fill 2
	start_plain --from-spool "$SPOOL" --notify-cmd "touch '$TMP/run'; sleep 60"
	wait_for test -e "$TMP/run"
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID"
	end_pgwait
	[[ $status -eq 1 ]]
	rows 2
}

@test "what cannot be written stays" {
	fill 3
	status=0
	"$PGWAIT" --from-spool "$SPOOL" >/dev/full 2>"$ERR" || status=$?
	[[ $status -eq 1 ]]
	grep -q 'could not write to standard output: No space left on device' "$ERR"
	grep -q 'stay in the spool' "$ERR"
	rows 3
	status=0
	"$PGWAIT" --from-spool "$SPOOL" 2>"$ERR" 1> >(:) || status=$?
	rows 3 || rows 0 # the kernel may have had them
}

@test "the reader leaves: status 1, and what was not written stays" {
	start_pgwait -n 2000 --spool "$SPOOL" jobs
	sql -c "SELECT count(pg_notify('jobs', i || repeat('x', 1000))) FROM generate_series(1, 2000) i" >/dev/null
	end_pgwait
	status=0
	{ "$PGWAIT" --from-spool "$SPOOL" -f %p 2>"$ERR" || echo $? >"$TMP/status"; } | head -n 1 >/dev/null
	[[ $(<"$TMP/status") -eq 1 ]]
	left=$(look 'SELECT count(*) FROM record')
	((left > 1000))
	grep -q 'the reader of standard output is gone' "$ERR"
	drain
	[[ $status -eq 0 && $(wc -l <"$OUT") -eq $left ]]
}

@test "with -n a resident pgwait ends with 0 once that many are committed" {
	fill 7
	rows 7
}

@test "a spool that is removed: pgwait says so, and ends with 1 for what it could not commit" {
	start_pgwait --spool "$SPOOL" jobs
	notify jobs 1
	wait_for rows 1
	mv "$SPOOL" "$TMP/moved"
	notify jobs 2
	wait_for grep -q 'could not write to the spool .*: the file was removed or moved' "$ERR"
	mv "$TMP/moved" "$SPOOL"
	wait_for rows 2
	rm "$SPOOL"
	notify jobs 3
	wait_for grep -q 'removed or moved' "$ERR"
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID" # no time for further attempts
	end_pgwait
	[[ $status -eq 1 ]]
	grep -q '1 record was not committed' "$ERR"
}

# has N [ARG...]: all that is in the spool, seen by somebody else, are the payloads 1 to N.
has() {
	[[ $(look 'SELECT group_concat(payload) FROM record' "${@:2}") == "$(seq -s, "$1")" ]]
}

@test "the log of a spool is removed: nothing is lost, and others see what comes" {
	start_pgwait --spool "$SPOOL" jobs
	for which in wal shm '*'; do
		# What is committed is in the log alone, the second time also for somebody who came after it was removed.
		for other in no yes; do
			send $((last + 1)) $((last + 1))
			wait_for has $((last += 1))
			# shellcheck disable=SC2086
			rm "$SPOOL"-$which
			[[ $other == no ]] || "$PGWAIT" --from-spool "$SPOOL" nothing 2>"$TMP/err2" || true
			send $((last + 1)) $((last + 1))
			wait_for has $((last += 1))
			[[ $(grep -c 'warning: somebody removed .*spool-.*nothing was lost' "$ERR") -eq $((last / 2)) ]]
		done
	done
	kill -KILL "$PID"
	wait_for gone "$PID"
	[[ $(look 'PRAGMA integrity_check') == ok ]]
	drain -f %p
	[[ $status -eq 0 ]]
	cmp "$OUT" <(seq "$last")
}

@test "the log of a spool is moved away and back: what was committed stays, and the rest follows" {
	start_pgwait --spool "$SPOOL" jobs
	send 1 3
	wait_for has 3
	mv "$SPOOL-wal" "$TMP/moved"
	echo 'something else' >"$SPOOL-wal"
	send 4 6
	wait_for grep -q 'warning: could not write to the spool .*another file took the place of its log' "$ERR"
	mv "$TMP/moved" "$SPOOL-wal"
	wait_for has 6
	wait_for grep -q 'can be written to again' "$ERR"
	mv "$SPOOL-wal" "$TMP/moved"
	echo 'something else' >"$SPOOL-wal"
	send 7 7
	wait_for lines "$ERR" 4
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID" # no time for further attempts
	end_pgwait
	[[ $status -eq 1 ]]
	grep -q '1 record was not committed' "$ERR"
	[[ $(<"$SPOOL-wal") == 'something else' ]]
	mv "$TMP/moved" "$SPOOL-wal"
	has 6
}

@test "the log of a spool is removed while a drain is at work: what it has delivered is gone" {
	fill 3
	start_plain --from-spool "$SPOOL" --notify-cmd "echo x >>'$TMP/ran'; until [ -e '$TMP/go' ]; do sleep 0.02; done"
	wait_for test -s "$TMP/ran"
	rm "$SPOOL-wal"
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 && $(wc -l <"$TMP/ran") -eq 3 ]]
	rows 0
}

# --- A full disk

# start_limited ARG...: the same as start_pgwait, where a file may not grow beyond 100 KiB: full, as far as SQLite can
# tell. make_room ends that.
start_limited() {
	type -P prlimit >/dev/null || skip 'prlimit is not installed'
	ulimit -Sf 100
	start_pgwait "$@"
	ulimit -Sf unlimited
}

make_room() {
	prlimit --pid "$PID" --fsize=unlimited:
}

# Too much for 100 KiB, in several transactions: 1 to 100, with trailing blanks. The first one is in the spool before
# the others come.
send_much() {
	local n
	for n in {0..19}; do
		sql -c "SELECT count(pg_notify('jobs', rpad(i::text, 4000))) FROM generate_series($((n * 5 + 1)), $((n * 5 + 5))) i" >/dev/null
		((n > 0)) || wait_for rows 5
	done
}

# numbers FILE: what comes of them, without the blanks.
numbers() {
	awk '{ print $1 }' "$1"
}

@test "a full disk: what was committed stays, what comes waits, and nothing is lost" {
	# The command's own file has no limit: as much as is in the spool and its log is more than 100 KiB.
	start_limited --spool "$SPOOL" --notify-cmd "ulimit -S -f unlimited; cat >>'$TMP/ran'; echo >>'$TMP/ran'" jobs
	send_much
	wait_for grep -q 'warning: could not write to the spool .*; what is received waits in the buffer' "$ERR"
	# No command runs ahead of the spool. (A further attempt may still find room.)
	all_ran() { lines "$TMP/ran" "$(look 'SELECT count(*) FROM record')"; }
	wait_for all_ran
	ran=$(wc -l <"$TMP/ran") committed=$(look 'SELECT count(*) FROM record')
	((ran > 0 && ran <= committed && committed < 100))
	make_room
	wait_for rows 100
	wait_for grep -q 'can be written to again' "$ERR"
	wait_for lines "$TMP/ran" 100
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	cmp <(numbers "$TMP/ran") <(seq 100)
	drain -f %p
	cmp <(numbers "$OUT") <(seq 100)
}

@test "a full disk at the end: status 1, and how many were not committed" {
	start_limited --spool "$SPOOL" --print -f %l jobs
	send_much
	wait_for grep -q 'could not write to the spool' "$ERR"
	wait_for lines "$OUT" 100
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID"
	end_pgwait
	[[ $status -eq 1 ]]
	committed=$(look 'SELECT count(*) FROM record')
	grep -q "error: could not write to the spool .*; $((100 - committed)) records were not committed" "$ERR"
	drain -f %p
	cmp <(numbers "$OUT") <(seq "$committed")
}

@test "a full disk and --overflow drop: how many were discarded stands in the spool" {
	start_limited --spool "$SPOOL" --buffer 64KiB --overflow drop jobs
	send_much
	wait_for grep -q 'the spool is too slow' "$ERR"
	make_room
	notify jobs last
	arrived() { [[ $(look "SELECT count(*) FROM record WHERE payload = 'last'") -eq 1 ]]; }
	wait_for arrived
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
	discarded=$(look "SELECT sum(count) FROM record WHERE kind = 'dropped'")
	kept=$(look "SELECT count(*) FROM record WHERE kind = 'notification'")
	((discarded > 0 && discarded + kept == 101))
	cp "$SPOOL" "$TMP/copy"
	drain -j --events
	[[ $(jq -s '[.[] | select(.event == "dropped") | .count] | add' "$OUT") -eq $discarded && -z $errors ]]
	cp "$TMP/copy" "$SPOOL"
	drain
	[[ $status -eq 0 && $errors == *'discarded here, at '* && $(wc -l <"$OUT") -eq $kept ]]
}

@test "a full disk: what is committed finds its place, drains make room, and the rest follows" {
	mkdir "$TMP/disk"
	mount -t tmpfs -o size=12m none "$TMP/disk" 2>/dev/null || skip 'cannot mount a file system'
	SPOOL=$TMP/disk/spool
	start_pgwait --spool "$SPOOL" jobs
	: >"$TMP/got"
	drained() {
		look 'PRAGMA wal_checkpoint' >/dev/null 2>>"$TMP/stuck" # what is in the log goes to the database
		"$PGWAIT" --from-spool "$SPOOL" -f %p | numbers - >>"$TMP/got"
		lines "$TMP/got" $((round * 2000))
	}
	for round in 1 2 3; do
		for n in {0..19}; do
			sql -c "SELECT count(pg_notify('jobs', rpad(i::text, 7000))) FROM generate_series($((n * 100 + 1)), $((n * 100 + 100))) i" >/dev/null
		done
		wait_for server_done
		wait_for drained
	done
	kill "$PID"
	end_pgwait
	umount "$TMP/disk"
	[[ $status -eq 0 ]]
	grep -qE 'could not write to the spool .*(full|No space left on device)' "$ERR"
	diff "$TMP/got" <(for round in 1 2 3; do seq 2000; done)
	diff /dev/null "$TMP/stuck"
}

@test "a full disk, and a log without any space: a drain takes the reserve" {
	mkdir "$TMP/disk"
	mount -t tmpfs -o size=24m none "$TMP/disk" 2>/dev/null || skip 'cannot mount a file system'
	SPOOL=$TMP/disk/spool
	start_pgwait -n 500 --spool "$SPOOL" jobs
	sql -c "SELECT count(pg_notify('jobs', rpad(i::text, 7000))) FROM generate_series(1, 500) i" >/dev/null
	end_pgwait # and the log is gone
	start_pgwait --spool "$SPOOL" jobs
	cat /dev/zero >"$TMP/disk/full" 2>/dev/null || true
	[[ ! -s $SPOOL-wal ]]
	drain -f %p
	[[ $status -eq 0 && -z $errors ]]
	cmp <(numbers "$OUT") <(seq 500)
	rows 0
	kill "$PID"
	end_pgwait
	umount "$TMP/disk"
}

# --- kill -9

@test "kill -9 at any moment: no committed record is lost, and none is there twice" {
	"$top_srcdir/bench/kill-spool" "$PGWAIT" 20
}
