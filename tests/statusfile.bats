# --status-file: what a probe and a dashboard see.

load helper
load servers

setup() {
	S=$TMP/status.json
	P=$TMP/status.prom
}

clean_up() {
	pg status >/dev/null || pg start
}

# is FILTER: what is in the file matches. There is one connection in most tests: $c.
is() {
	[[ -e $S ]] && jq -e "(.connections | [.[]][0]) as \$c | $1" "$S" >/dev/null
}

# tells FILTER: now, or soon.
tells() {
	wait_for is "$1" || {
		cat "$S"
		return 1
	}
}

value() {
	jq -r "$1" "$S"
}

# Nothing is left beside the files that a test makes.
no_temporary() {
	[[ -z $(find "$TMP" -name '.pgwait-status.*') ]]
}

# --- What is in it

@test "a connection: its state, since when, channels, and what has come" {
	before=$(date -u +%FT%T.%6NZ)
	start_pgwait --status-file "$S" jobs audit
	tells '$c.state == "listening" and .state == "running"'
	jq -e --arg before "$before" '.time >= .started and .started >= $before and .version and .pid' "$S" >/dev/null
	[[ $(value '.connections | keys[0]') == "postgres@$PGHOST:$PGPORT" && $(value .pid) == "$PID" ]]
	[[ $(value '.connections[].since') > $before ]]
	is '$c | .channels == ["jobs", "audit"] and .notifications == 0 and .last == null and .lost == 0 and .gaps == 0 and .gap_seconds == 0'
	[[ $(value '.connections[].backend_pid') == "$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgwait'")" ]]
	notify jobs 'déjà vu'
	notify audit x
	tells '$c.notifications == 2 and $c.bytes == 10 and .destinations.output == {"taken": 2, "waiting": 0, "bytes": 0, "discarded": 0}'
	is '$c.last > .started and .buffer == {"bytes": 0, "size": 67108864, "full": false} and (has("exclusive") or has("spool") | not)'
	[[ $(stat -c %a "$S") == 644 ]]
}

@test "the server goes, and comes back" {
	start_pgwait --status-file "$S" jobs
	tells '$c.state == "listening"'
	pid=$(value '.connections[].backend_pid') since=$(value '.connections[].since')
	pg stop -m immediate
	tells '$c.state == "garbage" and $c.lost == 1 and $c.backend_pid == null and $c.attempts >= 1 and ($c.reason | length > 0)'
	[[ $(value '.connections[].since') > $since ]]
	pg start
	tells '$c.state == "listening" and $c.gaps == 1 and $c.gap_seconds > 0 and ($c | has("reason") or has("attempts") | not)'
	[[ $(value '.connections[].backend_pid') != "$pid" ]]
	is '$c.lost == 1'
}

@test "a change of a state is there before a change of counts would be" {
	start_pgwait --status-file "$S" jobs
	tells '$c.state == "listening"'
	# A slow machine may be late now and then. Who waited a second for each would not be in time six times in a row.
	streak=0
	for ((i = 1; i <= 12 && streak < 6; i++)); do
		sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
		tells "\$c.lost == $i"
		if is '.unix_time - ($c.since | (sub("[.][0-9]+Z"; "Z") | fromdate) + (capture("[.](?<us>[0-9]+)Z").us | tonumber / 1000000)) < 0.3'; then
			streak=$((streak + 1))
		else
			streak=0
		fi
		tells '$c.state == "listening"'
	done
	((streak == 6))
}

@test "it is written every 5 seconds, and not more often while nothing happens" {
	start_pgwait --status-file "$S" jobs
	tells '$c.state == "listening"'
	times=("$(value .unix_time)")
	while ((${#times[@]} < 4)); do
		newer() { [[ $(value .unix_time) != "${times[-1]}" ]]; }
		wait_for newer
		times+=("$(value .unix_time)")
	done
	echo "${times[@]}"
	# The state that has just changed may have been the first that was seen.
	jq -en --argjson a "${times[1]}" --argjson b "${times[2]}" --argjson c "${times[3]}" '$b - $a >= 4.9 and $c - $b >= 4.9' >/dev/null
}

@test "what waits: a reader that does not read, and one that is gone" {
	mkfifo "$TMP/pipe"
	exec 9<>"$TMP/pipe"
	"$PGWAIT" --status-file "$S" --buffer 64KiB jobs >"$TMP/pipe" 2>"$ERR" 3>&- 9>&- &
	PID=$!
	tells '$c.state == "listening"'
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 500) i" >/dev/null
	tells '.destinations.output | .waiting > 0 and .bytes > 0'
	tells '.buffer.full and .buffer.size == 65536 and .buffer.bytes >= 65536'
	cat <&9 >"$OUT" 3>&- &
	tells '.destinations.output == {"taken": 500, "waiting": 0, "bytes": 0, "discarded": 0} and (.buffer.full | not)'
	kill $!
	exec 9>&-
	wait_for gone "$PID" # the reader was the last
	[[ ! -e $S ]]
}

@test "discarded, a command, and the end that waits for it" {
	start_pgwait --status-file "$S" --buffer 4KiB --overflow drop --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
	sql -c "SELECT pg_notify('jobs', repeat('x', 1000) || i) FROM generate_series(1, 50) i" >/dev/null
	tells '.destinations["notify-cmd"].discarded > 0 and .destinations["notify-cmd"].waiting > 0'
	is '(.destinations | has("output") | not) and $c.notifications == 50'
	kill "$PID"
	tells '.state == "ending"'
	touch "$TMP/go"
	end_pgwait
	[[ $status -eq 0 && ! -e $S ]]
}

@test "--exclusive: active or waiting; signs of life are no notifications" {
	start_pgwait --status-file "$S" --exclusive status jobs
	tells '.exclusive == "active"'
	"$PGWAIT" --status-file "$TMP/other.json" --exclusive status jobs >/dev/null 2>"$TMP/other.err" 3>&- &
	waits() { [[ -e $TMP/other.json && $(jq -r .exclusive "$TMP/other.json") == waiting ]]; }
	wait_for waits
	notify jobs x
	tells '$c.notifications == 1 and .destinations.output.taken == 1'
	other_has() { [[ $(jq '.connections[].notifications' "$TMP/other.json") == 1 ]]; }
	wait_for other_has
	jq -e '.destinations.output.taken == 0' "$TMP/other.json" >/dev/null
	# The sign that this one is delivered came meanwhile, or comes by the next one.
	notify jobs y
	tells '$c.notifications == 2'
	kill "$PID"
	takes_over() { [[ $(jq -r .exclusive "$TMP/other.json") == active ]]; }
	wait_for takes_over
	[[ $(jq '.connections[].notifications' "$TMP/other.json") == 2 ]]
}

@test "runs of --work-sql and --catchup-sql" {
	sql -c 'DROP TABLE IF EXISTS jobs' -c "CREATE TABLE jobs AS SELECT generate_series(1, 3)::text AS payload"
	start_pgwait --status-file "$S" --work-sql 'DELETE FROM jobs RETURNING payload' jobs
	tells '$c.work | .rows == 3 and .state == "idle" and .runs >= 1'
	notify jobs signal
	tells '$c.work.signals == 1 and $c.notifications == 1'
	kill "$PID"
	end_pgwait
	start_pgwait --status-file "$S" --catchup-sql 'SELECT generate_series(1, 5)' jobs
	tells '$c.catchup == {"state": "idle", "rows": 5, "runs": 1}'
}

@test "a spool: how many wait there, and since when" {
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
	start_pgwait --status-file "$S" --spool "$TMP/spool" jobs
	tells '.spool == {"records": 0, "oldest": null}'
	notify jobs one
	tells '.spool.records == 1 and .spool.oldest == $c.last'
	oldest=$(value .spool.oldest)
	sql -c "SELECT pg_notify('jobs', i::text) FROM generate_series(1, 20) i" >/dev/null
	tells '.spool.records == 21'
	[[ $(value .spool.oldest) == "$oldest" ]]
	run_split "$PGWAIT" --from-spool "$TMP/spool"
	[[ $status -eq 0 ]]
	tells '.spool == {"records": 0, "oldest": null} and .destinations.spool.taken == 21'
	sqlite3 "$TMP/spool" "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
		INSERT INTO record (kind, time, channel, payload) SELECT 'notification', i, 'jobs', i FROM n"
	tells '.spool.records == 10000 and .spool.oldest == "1970-01-01T00:00:00.000001Z"'
}

@test "the command status tells the same; connections come and go; a reload keeps the file" {
	echo "connect main dbname=$PGDATABASE" >"$TMP/conf"
	echo 'listen main jobs' >>"$TMP/conf"
	mkfifo "$TMP/control"
	exec 7<>"$TMP/control"
	start_pgwait --status-file "$S" -j --events --config "$TMP/conf" --control "$TMP/control" 7>&-
	tells '.connections.main.state == "listening"'
	notify jobs x
	tells '.connections.main.notifications == 1'
	echo status >&7
	wait_for grep -q '"event":"reply"' "$OUT"
	diff <(jq -S 'select(.event == "reply") | .connections, .version, .pid, .started, .state, .buffer.size' "$OUT") \
		<(jq -S '.connections, .version, .pid, .started, .state, .buffer.size' "$S")
	printf 'connect other dbname=%s\nlisten other audit\n' "$PGDATABASE" >"$TMP/conf"
	kill -HUP "$PID"
	tells '(.connections | keys) == ["other"] and .connections.other.channels == ["audit"]'
	echo "connect third 'dbname=no_such_database'" >&7
	echo "connect 'a \"name\" \\ here' dbname=$PGDATABASE" >&7
	tells '(.connections | keys) == ["a \"name\" \\ here", "other"]'
	exec 7>&-
}

# --- Prometheus

# check_metrics FILE [LEAST]: prints what is wrong in it: the lines, their order, the names; there are so many metrics.
check_metrics() {
	awk -v least="${2-15}" '
		function bad(why) { print FNR ": " why ": " $0; failed = 1 }
		/^# HELP [a-z_]+ [A-Z0-9].*[.]$/ {
			if ($3 in helped) bad("a second HELP")
			helped[$3] = 1
			name = $3
			next
		}
		/^# TYPE [a-z_]+ (counter|gauge)$/ {
			if ($3 != name || $3 in type) bad("TYPE is not behind HELP")
			type[$3] = $4
			if (($4 == "counter") != ($3 ~ /_total$/)) bad("_total is for counters")
			if ($3 ~ /time/ && $3 !~ /_seconds$/ || $3 ~ /_(ms|us|milliseconds|minutes|kb|count|sum|bucket|gauge|counter)(_|$)/) bad("no base unit")
			next
		}
		/^#/ { bad("no comment is expected"); next }
		{
			if (!match($0, /^[a-z_]+\{([a-z_]+="([^"\\]|\\["\\n])*",?)+\} [0-9]+([.][0-9]+)?$/)) { bad("no sample"); next }
			sample = $0
			sub(/\} [0-9.]+$/, "", sample)
			if (sample in seen) bad("a sample twice")
			seen[sample] = 1
			sub(/\{.*/, "", sample)
			if (sample != name || !(sample in type)) bad("a sample apart from its TYPE")
			samples[sample]++
		}
		END {
			for (n in type) if (!samples[n]) { print n ": no sample"; failed = 1 }
			if (length(type) < least) { print "only", length(type), "metrics"; failed = 1 }
			exit failed
		}' "$1" && [[ $(tail -c 1 "$1") == '' ]] && iconv -f UTF-8 -t UTF-8 "$1" >/dev/null || return
	! type -P promtool >/dev/null || promtool check metrics <"$1"
}

# metric NAME LABELS: the value of a sample, whose labels begin so.
metric() {
	awk -v sample="$1{$2" 'index($0, sample) == 1 { print $NF }' "$P"
}

counts() {
	[[ -e $P && $(metric "$1" "$2") == "$3" ]]
}

@test "metrics" {
	start_pgwait --status-file "$P" --exclusive k --catchup-sql 'SELECT 1' --notify-cmd true jobs
	one='process="status",connection="'
	wait_for counts pgwait_connection_listening "$one" 1
	wait_for counts pgwait_exclusive_active '' 1
	notify jobs abc
	wait_for counts pgwait_notifications_total "$one" 1
	wait_for counts pgwait_destination_records_total 'process="status",destination="notify-cmd"' 2
	counts pgwait_notification_bytes_total "$one" 3
	counts pgwait_rows_total "$one" 1
	counts pgwait_run_failed "$one" 0
	check_metrics "$P"
	# Unix time, of now.
	now=$(date +%s)
	for name in pgwait_start_time_seconds pgwait_status_time_seconds pgwait_connection_state_time_seconds pgwait_last_notification_time_seconds; do
		time=$(metric "$name" '')
		((${time%.*} > now - 600 && ${time%.*} <= now))
	done
	pg stop -m immediate
	wait_for counts pgwait_connection_listening "$one" 0
	counts pgwait_connection_losses_total "$one" 1
	check_metrics "$P"
	pg start
	wait_for counts pgwait_gaps_total "$one" 1
	check_metrics "$P"
	kill "$PID"
	end_pgwait
	[[ ! -e $P ]]
	no_temporary
}

@test "metrics: names of connections and of the file are escaped; the spool, and no connection at all" {
	P=$TMP/$'o"d\\d\nname\xff.prom'
	mkfifo "$TMP/control"
	exec 7<>"$TMP/control"
	spool=(--spool "$TMP/spool")
	"$PGWAIT" --help | grep -q -- --spool || spool=()
	start_pgwait --status-file "$P" --control "$TMP/control" "${spool[@]}" 7>&-
	wait_for test -e "$P"
	check_metrics "$P" 9
	echo "connect 'a \"name\" \\ here é' dbname=$PGDATABASE" >&7
	two='process="o\"d\\d\nname?",connection="a \"name\" \\ here é"'
	has_two() { grep -qF "pgwait_connection_listening{$two} 1" "$P"; }
	wait_for has_two
	check_metrics "$P"
	((${#spool[@]} == 0)) || grep -q '^pgwait_spool_records{.*} 0$' "$P"
	exec 7>&-
}

@test "examples/pgwait-alerts.yml has the names of metrics that there are" {
	start_pgwait --status-file "$P" --exclusive k --catchup-sql 'SELECT 1' jobs
	known=$(cd "$top_srcdir" && grep -ohE '"pgwait_[a-z_]+"' src/control/status_metrics.c | tr -d '"' | sort -u)
	used=$(grep -ohE 'pgwait_[a-z_]+' "$top_srcdir/examples/pgwait-alerts.yml" | sort -u)
	[[ $(wc -l <<<"$used") -ge 8 ]]
	[[ -z $(comm -13 <(echo "$known") <(echo "$used")) ]]
	! type -P promtool >/dev/null || promtool check rules "$top_srcdir/examples/pgwait-alerts.yml"
}

# --- The file

@test "every ordinary end removes it; kill -9 does not, and the next run replaces it" {
	start_pgwait --status-file "$S" jobs
	[[ -e $S ]]
	kill "$PID"
	end_pgwait
	[[ ! -e $S ]]
	start_pgwait --status-file "$S" -n 1 jobs
	[[ -e $S ]]
	notify jobs x
	end_pgwait
	[[ ! -e $S ]]
	run_split "$PGWAIT" --status-file "$S" -d no_such_database jobs
	[[ $status -eq 2 && ! -e $S ]]
	run_split "$PGWAIT" --status-file "$S" -t 0 jobs
	[[ $status -eq 0 && ! -e $S && -z $errors ]]
	start_pgwait --status-file "$S" jobs
	kill -KILL "$PID"
	end_pgwait
	is ".pid == $PID"
	start_pgwait --status-file "$S" jobs
	is ".pid == $PID"
	kill -INT "$PID"
	end_pgwait
	[[ $status -eq 130 && ! -e $S ]]
	no_temporary
}

# As by another process that writes it again and again: what it writes has the inode of what was there, if the file
# system uses one again.
replace_by_another() {
	local i inode
	inode=$(stat -c %i "$S")
	rm "$S"
	for ((i = 0; i < 50; i++)); do
		echo '{}' >"$TMP/another.$i"
		[[ $(stat -c %i "$TMP/another.$i") != "$inode" ]] || break
	done
	mv "$TMP/another.$((i < 50 ? i : 0))" "$S"
}

@test "of two processes with one file the last that writes has it, and the other one does not remove it" {
	start_pgwait --status-file "$S" jobs
	first=$PID
	start_pgwait --status-file "$S" jobs
	tells ".pid == $PID"
	stop "$PID"
	tells ".pid == $first"
	kill -TERM "$first"
	wait_for gone "$first"
	[[ ! -e $S ]]
	kill -CONT "$PID"
	tells ".pid == $PID"
	kill "$PID"
	end_pgwait

	# A slow machine may take so long that the first one writes once more before it ends.
	for _ in {1..5}; do
		rm -f "$TMP/go"
		start_pgwait --status-file "$S" --notify-cmd "until [ -e '$TMP/go' ]; do sleep 0.02; done" jobs
		notify jobs x
		tells '.destinations["notify-cmd"].waiting == 1'
		kill "$PID"
		tells '.state == "ending"'
		written=$(value .unix_time)
		written_again() { [[ $(value .unix_time) != "$written" ]]; }
		wait_for written_again
		replace_by_another
		touch "$TMP/go"
		end_pgwait
		[[ ! -e $S ]] || break
	done
	[[ $(<"$S") == '{}' ]]
}

# refused ERROR FILE ARG...: at the start.
refused() {
	run_split timeout "$DEADLINE" "$PGWAIT" --status-file "$2" "${@:3}" jobs
	[[ $status -eq 1 && $errors == "pgwait: error: $1" ]] || {
		echo "$status: $errors"
		return 1
	}
}

@test "a file that cannot be written is an error at the start, and what is no file is left alone" {
	refused "could not write the status file \"$TMP/no/status\": No such file or directory" "$TMP/no/status"
	refused "could not write the status file \"$TMP\": Is a directory" "$TMP"
	mkfifo "$TMP/fifo"
	refused "could not write the status file \"$TMP/fifo\": it is not a regular file" "$TMP/fifo"
	[[ -p $TMP/fifo ]]
	ln -s fifo "$TMP/link"
	refused "could not write the status file \"$TMP/link\": it is not a regular file" "$TMP/link"
	[[ -L $TMP/link ]]
	if ((EUID)); then
		mkdir -m 500 "$TMP/closed"
		refused "could not write the status file \"$TMP/closed/status\": Permission denied" "$TMP/closed/status"
	fi
	run_split "$PGWAIT" --status-file '' jobs
	[[ $status -eq 1 && $errors == *'invalid --status-file "": accepted is the path of a file'* ]]
	run_split "$PGWAIT" --check --status-file "$S"
	[[ $status -eq 1 && $errors == *'--check takes no --status-file'* && ! -e $S ]]
	no_temporary
}

@test "an old file is replaced, and a symbolic link left alone, also one to a file" {
	for S in "$TMP/status.json" "$TMP/status.prom"; do
		start_pgwait --status-file "$S" jobs
		kill -KILL "$PID"
		end_pgwait
		ln "$S" "$TMP/old" # it is not written to
		cp "$S" "$TMP/copy"
		start_pgwait --status-file "$S" jobs
		cmp "$TMP/old" "$TMP/copy"
		run -1 cmp "$S" "$TMP/copy"
		kill "$PID"
		end_pgwait
		[[ ! -e $S ]]
		rm "$TMP/old"
	done
	: >"$S"
	run_split "$PGWAIT" --status-file "$S" -t 0 jobs
	[[ $status -eq 0 && ! -e $S && -z $errors ]]
	mv "$TMP/copy" "$TMP/old"
	# As /dev/stdout is, if standard output is a file.
	ln -s old "$S"
	refused "could not write the status file \"$S\": it is not a regular file" "$S"
	[[ -L $S && -s $TMP/old ]]
	ln -sf missing "$S"
	refused "could not write the status file \"$S\": it is not a regular file" "$S"
	[[ -L $S && ! -e $S ]]
	no_temporary
}

@test "a file that somebody needs is not replaced" {
	echo 'connect main dbname=postgres' >"$TMP/config"
	refused "could not write the status file \"$TMP/config\": the file that is there is no status file" "$TMP/config" --config "$TMP/config"
	[[ $(<"$TMP/config") == connect* ]]
	start_pgwait --spool "$TMP/spool" -n 1 jobs
	notify jobs x
	end_pgwait
	refused "could not write the status file \"$TMP/spool\": the file that is there is no status file" "$TMP/spool" --spool "$TMP/spool"
	[[ $("$PGWAIT" --from-spool "$TMP/spool" -f %p) == x ]]
	# Also one that comes later.
	start_pgwait --status-file "$S" jobs
	mv "$TMP/config" "$S"
	wait_for grep -q "^pgwait: warning: could not write the status file \"$S\": the file that is there is no status file$" "$ERR"
	kill "$PID"
	end_pgwait
	[[ $(<"$S") == connect* ]]
	no_temporary
}

@test "every name that the system takes" {
	long=$(printf '%0255d' 0)
	S=$TMP/$long
	start_pgwait --status-file "$S" jobs
	is .pid
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 && ! -e $S ]]
	refused "could not write the status file \"${S}0\": File name too long" "${S}0"
	no_temporary
}

@test "what a process that was killed has left beside the file is removed, and nothing else" {
	mkdir "$TMP/run"
	cd "$TMP/run"
	left=(.pgwait-status.0123abcd .pgwait-status.ffffffff)
	others=(.pgwait-status.0123abc .pgwait-status.0123abcg .pgwait-status.0123abcde status.json.0123abcd)
	touch -d '2 minutes ago' "${left[@]}" "${others[@]}"
	mkdir .pgwait-status.00000000
	touch -d '2 minutes ago' .pgwait-status.00000000
	touch .pgwait-status.11111111 # somebody writes it now
	start_pgwait --status-file status.json jobs
	kill "$PID"
	end_pgwait
	[[ $(printf '%s\n' .[!.]* * | sort) == $(printf '%s\n' "${others[@]}" .pgwait-status.{00000000,11111111} | sort) ]]
}

@test "what cannot be written later is one warning, until it can be written again" {
	mkdir "$TMP/run"
	S=$TMP/run/status.json
	start_pgwait --status-file "$S" -j --events -t 1 jobs
	tells '$c.state == "listening"'
	mv "$TMP/run" "$TMP/away"
	notify jobs x
	wait_for grep -q "^pgwait: warning: could not write the status file \"$S\": No such file or directory$" "$ERR"
	# It has tried again by then, since it writes every 5 seconds.
	idle=$(grep -c '"idle"' "$OUT") || true
	seconds_passed() { (($(grep -c '"idle"' "$OUT") >= idle + 7)); }
	wait_for seconds_passed
	notify jobs x
	mkdir "$TMP/run"
	tells '$c.notifications == 2'
	notify jobs x
	tells '$c.notifications == 3'
	[[ $(grep -c 'could not write' "$ERR") -eq 1 ]]
	rm -r "$TMP/run"
	notify jobs x
	again() { [[ $(grep -c 'could not write' "$ERR") -eq 2 ]]; }
	wait_for again
	kill "$PID"
	end_pgwait
	[[ $status -eq 0 ]]
}

# The other one writes its file every 5 seconds, if nothing happens.
@test "it is one warning also while nothing happens, and the file is there once it can be written" {
	start_pgwait --status-file "$S" jobs
	mkdir "$TMP/run"
	start_pgwait --status-file "$TMP/run/status.json" jobs
	rm -r "$TMP/run"
	wait_for grep -q 'could not write' "$ERR"
	for _ in {1..3}; do
		written=$(value .unix_time)
		written_again() { [[ $(value .unix_time) != "$written" ]]; }
		wait_for written_again
	done
	[[ $(grep -c 'could not write' "$ERR") -eq 1 ]]
	mkdir "$TMP/run"
	wait_for test -e "$TMP/run/status.json"
	rm -r "$TMP/run"
	warned_again() { [[ $(grep -c 'could not write' "$ERR") -eq 2 ]]; }
	wait_for warned_again
}

# --- The probe

@test "examples/pgwait-probe" {
	probe() { run_split "$top_srcdir/examples/pgwait-probe" "$@"; }
	well() { probe ready "$S" && [[ $status -eq 0 && -z $output$errors ]]; }
	probe ready "$S"
	[[ $status -eq 1 && $errors == *'No such file or directory'* ]]
	: >"$S" # as after a power failure
	probe alive "$S"
	[[ $status -eq 1 && $errors == "$S: it is empty" ]]
	start_pgwait --status-file "$S" jobs
	wait_for well
	pg stop -m immediate
	lost() { probe ready "$S" && [[ $status -eq 1 && $errors == "$S: postgres@$PGHOST:$PGPORT: garbage: "* ]]; }
	wait_for lost
	probe alive "$S"
	[[ $status -eq 0 ]]
	pg start
	wait_for well
	stop "$PID"
	hangs() { probe alive "$S" 1 && [[ $status -eq 1 && $errors == "$S: it is "*' s old: pgwait hangs, or was killed' ]]; }
	wait_for hangs
	kill -CONT "$PID"
	wait_for well
}

@test "connections whose names differ in bytes that are no text have names of their own" {
	start_plain --status-file "$TMP/status" --reconnect always "host=$PGHOST" "port=1 dbname=x"$'\xff' "port=1 dbname=x"$'\xfe' jobs
	three() { [[ $(jq -c '.connections | keys | length' "$TMP/status") == 3 ]]; }
	wait_for three
}
