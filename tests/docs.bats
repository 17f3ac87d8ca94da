# The documentation: it says what --help says, and its examples run.

load helper

man=$top_srcdir/man/pgwait.1
readme=$top_srcdir/README.md
completions=$top_srcdir/completions

setup() {
	"$PGWAIT" --help | grep -q -- --spool || skip 'the documents describe pgwait with SQLite'
	PATH=$(dirname "$PGWAIT"):$PATH
}

# --- What is compared

# The options in --help, as SHORT|LONG|VALUE|DESCRIPTION, sorted. The description is the first clause.
help_options() {
	"$PGWAIT" --help | awk '
		match($0, /^  (-., |    )--[a-z-]+( [^ ]+)?  /) {
			text = substr($0, RLENGTH + 1)
			sub(/^ +/, "", text)
			sub(/;.*| \(.*/, "", text)
			if (text ~ /^%c/) text = "output format"
			split(substr($0, 7), word, " ")
			print substr($0, 3, 2) "|" word[1] "|" ($0 ~ /--[a-z-]+ [^ ]/ ? word[2] : "") "|" text
		}' | sed 's/^  |/|/' | sort
}

# FIELD...: only these fields of help_options, an option without SHORT keeping its place.
help_fields() {
	help_options | cut -d'|' -f"$1" | sort
}

# Every spelling of every option, one a line.
help_spellings() {
	help_options | awk -F'|' '$1 != "" { print $1 } { print $2 }' | sort
}

rendered() {
	mandoc -T ascii "$man" | sed 's/.\x08//g'
}

same() {
	diff -u <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

@test "--help lists options in the form that these tests read" {
	[ "$(help_options | wc -l)" -ge 23 ]
	same "$("$PGWAIT" --help | grep -oE '^  (  |-.),? +--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)" \
		"$(help_fields 2)"
	help_options | grep -qxF -- '-d|--dbname|NAME|CONNINFO|database name or connection string'
	help_options | grep -qxF -- '|--idle-cmd|CMD|run CMD at each idle event'
}

# --- The manual page

@test "the manual page has no complaint from mandoc" {
	need mandoc
	# What other manual pages are installed, and how fresh their index is, depends on the system.
	run mandoc -T lint "$man"
	complaints=$(grep -v -e 'referenced manual not found' -e 'mandoc.db' <<<"$output" || true)
	same '' "$complaints"
}

@test "the manual page has the options of --help, and no others" {
	need mandoc
	same "$("$PGWAIT" --help | grep -oE '^  (-., |    )--[a-z-]+( [^ ]+)?  ' |
		sed 's/^ *//; s/ *$//' | sort)" \
		"$(rendered | sed -n '/^OPTIONS/,/^OUTPUT/p' | grep -E '^     (-., )?--[a-z]' | sed 's/^ *//' | sort)"
}

@test "the manual page has the usage lines of --help, and one for --help itself" {
	need mandoc
	same "$("$PGWAIT" --help | sed -n '/^Usage:/,/^$/s/^  //p')"$'\npgwait --help | --version' \
		"$(rendered | sed -n '/^SYNOPSIS/,/^DESCRIPTION/s/^     //p' | sed ':a; N; s/\n  */ /; ta; P; D' |
			sed 's/\[\([A-Z]*\) \.\.\.\]/[\1].../g; s/ \.\.\./.../g')"
}

@test "no document speaks of an option that --help lacks" {
	known=$(help_fields 2)
	need mandoc
	for word in $({ rendered; cat "$readme" "$top_srcdir/NEWS.md" "$top_srcdir"/examples/*; } |
		grep -v -e 'jq ' -e 'tools/' -e 'configure' | grep -oE -- '(^|[^-a-z])--[a-z][a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u); do
		grep -qxF -- "$word" <<<"$known" || {
			echo "$word is documented, but not in --help"
			return 1
		}
	done
}

@test "the manual page has the format's letters that the program accepts" {
	run_split "$PGWAIT" -f %Z jobs
	[ "$status" -eq 1 ]
	accepted=$(sed -n 's/.*accepted are \(.*\) after a percent sign.*/\1/p' <<<"$errors" | tr ' ' '\n' | sort)
	[ -n "$accepted" ]
	same "$accepted" "$(sed -n 's/^\.It Li \(\\&\)\{0,1\}%//p' "$man" | sort)"
	for letter in $accepted; do
		"$PGWAIT" --help | grep -qE "[ ]%$letter([ ,]|\$)" || [ "$letter" = % ]
	done
}

# The variables that the manual page's section ENVIRONMENT has for a kind of event.
variables_of() {
	sed -n '/^\.Sh ENVIRONMENT/,/^\.Sh EXIT/p' "$man" |
		awk -v item=".It Ql $1" '/^\.(It|El)/ { here = 0 } $0 == item { here = 1 } here' | grep -oE 'PGWAIT_[A-Z_]+'
	printf 'PGWAIT_%s\n' EVENT TIME
}

@test "the manual page has the variables that commands get, by the kind of event" {
	append="env | grep -E ^PGWAIT_ | sed s/=.*// >>'$TMP'/variables.\$PGWAIT_EVENT"
	start_pgwait --exclusive docs -t 0.2 --notify-cmd "$append" --batch-cmd "$append" --idle-cmd "$append" --listen-cmd "$append" \
		--lost-cmd "$append" jobs
	notify jobs x
	# What comes while it does not have the lock.
	takes_over() {
		sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" -c "SELECT pg_sleep(0.1)" \
			-c 'NOTIFY jobs' >/dev/null
		grep -qs TAKEOVER "$TMP/variables.notification" && grep -qs TAKEOVER "$TMP/variables.batch"
	}
	wait_for takes_over
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgwait'" >/dev/null
	for event in notification batch idle listening lost; do
		has_all() { same "$(variables_of "$event" | sort)" "$(sort -u "$TMP/variables.$event")" >"$TMP/difference" 2>&1; }
		wait_for has_all || {
			cat "$TMP/difference"
			return 1
		}
	done
	kill "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
	same "$(sort -u "$TMP"/variables.*)" "$(sed -n 's/^\.It Ev \(PGWAIT_\)/\1/p' "$man" | sort)"
}

@test "the exit statuses are those of the manual page and --help" {
	same $'0\n1\n2\n3\n124' "$(sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' "$man")"
	same $'0\n1\n2\n3\n124' "$("$PGWAIT" --help | sed -n '/^Exit status:/,$p' | grep -oE '[0-9]+ [a-zL]' |
		grep -oE '[0-9]+')"

	run_split "$PGWAIT" -t 0 jobs
	[ "$status" -eq 0 ]
	run_split "$PGWAIT" --no-such-option jobs
	[ "$status" -eq 1 ]
	run_split "$PGWAIT" -d no_such_database jobs
	[ "$status" -eq 2 ]
	sql -c "CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"
	run_split "$PGWAIT" -d latin 通知
	[ "$status" -eq 3 ]
	run_split "$PGWAIT" -t 0 -n 1 jobs
	[ "$status" -eq 124 ]
}

@test "the manual page says in its first screen what it must" {
	need mandoc
	screen=$(rendered | head -n 40)
	grep -q 'NOTIFY is no mailbox' <<<"$screen"
	grep -qF "pgwait -f '%c\\t%i\\t%e' jobs" <<<"$screen"
	grep -qE 'use -0' <<<"$screen"
	"$PGWAIT" --help | grep -q 'NOTIFY is no mailbox'
	"$PGWAIT" --help | grep -qF "pgwait -f '%c\\t%i\\t%e' jobs"
}

# --- README and HACKING

@test "README has --help word for word" {
	same "$("$PGWAIT" --help)" "$(sed -n '/^```text$/,/^```$/p' "$readme" | sed '1d;$d')"
}

@test "the picture in README is whole, and small" {
	(($(wc -c <"$top_srcdir/doc/demo.svg") < 60000))
	[[ $(head -c 4 "$top_srcdir/doc/demo.svg") == '<svg' && $(tail -n 1 "$top_srcdir/doc/demo.svg") == '</svg>' ]]
	jq -es '.[0].version == 2 and (.[1:] | all(length == 3))' "$top_srcdir/doc/demo.cast" >/dev/null
}

@test "README shows the unit as it is" {
	unit=$top_srcdir/examples/pgwait.service
	shown=$(sed -n '/^```ini$/,/^```$/p' "$readme" | sed '1d;$d')
	[ -n "$shown" ]
	while IFS= read -r line; do
		grep -qxF -- "$line" "$unit"
	done <<<"$shown"
}

@test "every link in README and HACKING leads to a file or a heading" {
	for file in README.md HACKING.md NEWS.md; do
		for link in $(grep -oE '\]\([^)]+\)' "$top_srcdir/$file" | sed 's/^](//; s/)$//'); do
			case $link in
				http*) ;;
				'#'*)
					grep -E '^#+ ' "$top_srcdir/$file" | sed 's/^#* //' | tr 'A-Z ' 'a-z-' |
						grep -qxF -- "${link#\#}"
					;;
				*) [ -e "$top_srcdir/$link" ] ;;
			esac || {
				echo "$file: $link leads nowhere"
				return 1
			}
		done
	done
}

@test "HACKING has every fact that a comment points to" {
	hacking=$top_srcdir/HACKING.md
	facts=$(grep -ohE 'facts? F[0-9]+' "$top_srcdir"/src/*.[ch] "$top_srcdir"/src/*/*.[ch] | grep -oE 'F[0-9]+' | sort -u)
	[ -n "$facts" ]
	for fact in $facts; do
		grep -qF -- "- **$fact** " "$hacking" || {
			echo "$fact is missing"
			return 1
		}
	done
	same "$(seq -f 'F%g' "$(grep -c '^- \*\*F[0-9]' "$hacking")")" "$(sed -nE 's/^- \*\*(F[0-9]+)\*\*.*/\1/p' "$hacking")"
}

@test "HACKING names files and functions that exist" {
	for name in $(grep -oE '`[a-z_/]+\.[ch]`' "$top_srcdir/HACKING.md" | tr -d '`' | grep -v '^sys/' | sort -u); do
		[ -e "$top_srcdir/src/$name" ] || [ -e "$top_srcdir/tests/$name" ] ||
			compgen -G "$top_srcdir/src/*/$name" || [ -e "$top_srcdir/$name" ]
	done
	for name in $(grep -oE '`[a-z_]+\(\)`' "$top_srcdir/HACKING.md" | tr -d '`()' | sort -u); do
		case $name in
			poll | pg_*) ;;
			*) grep -qE "\b$name\(" "$top_srcdir"/src/*.c "$top_srcdir"/src/*/*.c ;;
		esac || {
			echo "there is no $name()"
			return 1
		}
	done
}

# --- Completions

@test "the bash completion has the options of --help" {
	run bash --norc --noprofile -uc '
		source "$1"
		COMP_WORDS=(pgwait -) COMP_CWORD=1
		_pgwait pgwait - pgwait
		printf "%s\n" "${COMPREPLY[@]}" | sort' - "$completions/pgwait"
	same "$(help_spellings)" "$(sort <<<"$output")"
}

@test "the zsh completion has the options of --help, in its words" {
	need zsh
	head -n 1 "$completions/_pgwait" | grep -qx '#compdef pgwait'
	zsh -n "$completions/_pgwait"
	specs=$(zsh -fc '_arguments() { print -rl -- "$@" }; source $1' - "$completions/_pgwait" |
		sed -E 's/^(\([^)]*\)|\*)//' | grep -E '^-.*\[')
	# SPELLING|takes a value|DESCRIPTION
	same "$(help_options | awk -F'|' '{ text = $NF; value = NF > 4 || $3 != "" ? "value" : "" }
			$1 != "" { print $1 "|" value "|" text } { print $2 "|" value "|" text }' | sort)" \
		"$(sed -E 's/^(-[^+=[]*)[+=]\[([^]]*)\].*/\1|value|\2/; t; s/^(-[^[]*)\[([^]]*)\].*/\1||\2/' <<<"$specs" | sort)"
}

@test "the zsh completion loads as zsh loads it" {
	need zsh
	zsh -fc 'fpath=($1 $fpath); autoload -Uz compinit; compinit -u -D; print -r -- ${_comps[pgwait]}
		autoload +X _pgwait' - "$completions" </dev/null >"$OUT"
	[ "$(cat "$OUT")" = _pgwait ]
}

@test "the fish completion has the options of --help, in its words" {
	need fish
	export HOME=$TMP XDG_CONFIG_HOME=$TMP XDG_DATA_HOME=$TMP
	fish -n "$completions/pgwait.fish"
	fish --no-config -c 'source $argv[1]; complete -C "pgwait -"; complete -C "pgwait --"' \
		"$completions/pgwait.fish" </dev/null | tr '\t' '|' | sort -u >"$OUT"
	same "$(help_options | awk -F'|' '$1 != "" { print $1 "|" $NF } { print $2 "|" $NF }' | sort -u)" "$(cat "$OUT")"
}

# --- Examples

# What the examples expect to be there; and notifications on jobs and audit, as long as they run.
start_notifiers() {
	local database
	export PGSERVICEFILE=$TMP/services
	printf '[billing]\nhost=%s\nport=%s\ndbname=billing\n' "$PGHOST" "$PGPORT" >"$PGSERVICEFILE"
	sql <<-'END'
		DROP DATABASE IF EXISTS app WITH (FORCE);
		DROP DATABASE IF EXISTS billing WITH (FORCE);
		DROP ROLE IF EXISTS app;
		DROP TABLE IF EXISTS jobs;
		CREATE ROLE app LOGIN;
		CREATE DATABASE app;
		CREATE DATABASE billing;
		CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL);
	END
	mkdir "$TMP/bin"
	# It may read its standard input, which must not be what the loop around it reads.
	printf '%s\n' '#!/bin/sh' '[ "$PGWAIT_EVENT" ] || [ ! -p /dev/stdin ] || exit 1' \
		'psql -XqAtc "DELETE FROM jobs RETURNING id" </dev/null' >"$TMP/bin/work-off-jobs"
	printf '#!/bin/sh\necho "$(cat) handled" >&2\n' >"$TMP/bin/handle-job"
	chmod +x "$TMP/bin/work-off-jobs" "$TMP/bin/handle-job"
	PATH=$TMP/bin:$PATH
	notifiers=()
	for database in "$PGDATABASE" app billing; do
		while [[ ! -e $TMP/stop ]]; do
			if [[ $database == "$PGDATABASE" ]]; then
				echo "INSERT INTO jobs (payload) VALUES ('mail 17');"
			fi
			for channel in jobs audit; do
				echo "NOTIFY $channel, 'mail 17'; NOTIFY $channel, ''; NOTIFY $channel, E'two\\nlines';"
			done
			sleep 0.05
		done 3>&- | psql -qAtX -d "$database" -o /dev/null >/dev/null 2>&1 3>&- &
		notifiers+=($!)
	done
}

stop_notifiers() {
	touch "$TMP/stop"
	wait "${notifiers[@]}"
	rm "$TMP/stop"
	notifiers=()
}

clean_up() {
	[[ ! -e $TMP ]] || touch "$TMP/stop"
	if [[ ${group-} ]]; then
		kill -KILL -- "-$group" 2>/dev/null || true
	fi
	if [[ ${PID-} ]]; then
		kill -KILL "$PID" 2>/dev/null || true
	fi
	for pid in "${notifiers[@]}" ${group-} ${PID-}; do
		wait "$pid" 2>/dev/null || true
	done
}

# What an example writes: extended regular expressions in `patterns`, each of which matches a line. `ends` says
# whether it ends by itself.
expect() {
	local tab=$'\t'
	ends=no patterns=()
	case $(cat "$1") in
		*'--status-file'*)
			ends=yes patterns=('^true$')
			;;
		*'--work-sql'*)
			patterns=('^mail 17 handled$')
			;;
		*'--exclusive jobs'*)
			patterns=('^pgwait: active, with the lock "jobs"' '^mail 17 handled$')
			;;
		*'-t 0 --notify-cmd'*'--catchup-sql'*)
			ends=yes patterns=('^mail 17 handled$')
			;;
		'pgwait -d app jobs audit')
			patterns=("^jobs${tab}mail 17${tab}[0-9]+\$" "^audit${tab}${tab}[0-9]+\$"
				"^jobs${tab}two\\\\nlines${tab}[0-9]+\$")
			;;
		'pgwait --check -d app'*)
			ends=yes patterns=('^app@.*: notifications get through$' '^  delivery  20 of 20, median [0-9.]+ ms$')
			;;
		*'--check -j service=billing'*)
			ends=yes patterns=('^billing: ok, 0 problems$')
			;;
		*'-n 1 -m 30'*)
			ends=yes patterns=('^there is work$')
			;;
		*'read -r channel pid payload'* | *"read -rd ''"*)
			patterns=('^jobs from [0-9]+: <mail 17>$' '^audit from [0-9]+: <>$' '^jobs from [0-9]+: <two$'
				'^lines>$')
			;;
		*'coproc pgwait'*)
			ends=yes patterns=('"event":"listening","connection":"main"' '"command":"connect","ok":true'
				'"channel":"jobs"' '"command":"drain","ok":true' '"command":"quit","ok":true')
			;;
		*'pgwait -q --spool'*)
			ends=yes patterns=('^20[0-9-]+T[0-9:.]+Z jobs: mail 17$' '^20[0-9-]+T[0-9:.]+Z audit: $')
			;;
		*'-n 5 --spool'*)
			ends=yes patterns=('^mail 17$' '^lines$')
			;;
		*'--ready-fd 1'*)
			patterns=('^[1-9][0-9]*$')
			;;
		*'select(.payload'*)
			patterns=('^mail 17$' '^lines$')
			;;
		*'if .event then'*)
			patterns=('^event: listening$' '^event: idle$' '^mail 17$')
			;;
		*'--overflow drop'*)
			patterns=('^listening $' '^mail 17$')
			;;
		*'select(.channel'*)
			patterns=('^20[0-9-]+T[0-9:.]+Z mail 17$' '^20[0-9-]+T[0-9:.]+Z $')
			;;
		*'%T %d %c: %e'*)
			ends=yes patterns=('^20[0-9-]+T[0-9:.]+Z app@localhost:[0-9]+ jobs: mail 17$'
				'^[^ ]+ billing audit: two\\nlines$' '^[^ ]+ billing jobs: $')
			;;
		*'%d %c: %e'*)
			patterns=('^app@localhost:[0-9]+ jobs: mail 17$' '^billing audit: two\\nlines$' '^billing jobs: $')
			;;
		*'--notify-cmd'*)
			patterns=('^jobs: mail 17$' '^audit: $' '^lines$')
			;;
		*'--batch-cmd work-off-jobs'*)
			patterns=('^[1-9][0-9]*$')
			;;
		*'--lost-cmd'*)
			patterns=('^.+@.+ listens$')
			;;
		*'-m 3 -t 1 --idle-cmd'*)
			ends=yes patterns=('^[1-9][0-9]* notifications$')
			;;
		*'-t 1 --idle-cmd'*)
			patterns=('^[1-9][0-9]* notifications since the last time$')
			;;
	esac
}

matched() {
	local pattern
	for pattern in "${patterns[@]}"; do
		grep -qE -- "$pattern" "$1.out" "$1.err" || return
	done
}

ended_or_matched() {
	gone "$group" || { [[ $ends == no ]] && matched "$1"; }
}

# Runs an example, with the notifications that it waits for.
run_example() {
	echo "--- $1:"
	cat "$1"
	expect "$1"
	if ((${#patterns[@]} == 0)); then
		echo "tests/docs.bats does not know what this example writes"
		return 1
	fi
	try_example "$1" && return
	# Its -m may have been too short for this machine.
	grep -q -- '-m [1-9]' "$1" || return
	sed -i -E 's/-m ([0-9]+)/-m \10/' "$1"
	try_example "$1"
}

try_example() {
	local status=0
	cd "$TMP" || return
	setsid bash "$1" </dev/null >"$1.out" 2>"$1.err" 3>&- &
	group=$!
	wait_for ended_or_matched "$1" || status=1
	if [[ $ends == no ]] && ! gone "$group"; then
		kill -TERM -- "-$group"
		wait "$group" || true
	else
		[[ $ends == yes ]] && wait "$group" && matched "$1" || status=1
	fi
	((status == 0)) || cat "$1.out" "$1.err"
	group=
	return "$status"
}

@test "the examples of the manual page run" {
	need jq
	awk -v prefix="$TMP/man." '
		/^\.Sh/ { here = /EXAMPLES/ }
		here && /^\.Ed/ { close(file); file = "" }
		file { gsub(/\\e/, "\\"); print >file }
		here && /^\.Bd/ { file = sprintf("%s%02d", prefix, ++n) }' "$man"
	start_notifiers
	for example in "$TMP"/man.??; do
		run_example "$example"
	done
	stop_notifiers
	[ "$(cd "$TMP" && ls man.?? | wc -l)" -ge 8 ]
	run -1 grep 'app@localhost.* audit' "$TMP"/man.??.out
}

@test "the recipes of README run" {
	need jq
	awk -v prefix="$TMP/readme." '
		/^```$/ { close(file); file = "" }
		file { if (cron) sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, ""); print >file }
		/^```(sh|crontab)$/ { file = sprintf("%s%02d", prefix, ++n); cron = /crontab/ }' "$readme"
	start_notifiers
	for example in "$TMP"/readme.??; do
		run_example "$example"
	done
	stop_notifiers
	[ "$(cd "$TMP" && ls readme.?? | wc -l)" -ge 8 ]
	run -1 grep '^app@.* audit' "$TMP"/readme.??.out
}

# Of a recorded example: pid, time and port differ.
masked() {
	sed -E 's/\t[0-9]+$/\tPID/; s/"pid":[0-9]+/"pid":PID/; s/"time":"[^"]*"/"time":TIME/; s/localhost:[0-9]+/localhost/'
}

@test "README's first example writes what README says" {
	sql -c 'DROP DATABASE IF EXISTS app WITH (FORCE)' -c 'CREATE DATABASE app'
	recorded=$(sed -n '/^```console$/,/^```$/p' "$readme" | sed -n '/^\$ pgwait/,/^```$/p' | grep -v '^```')

	export PGHOST=localhost
	start_pgwait -d app -n 3 jobs audit
	sed -n '/^```sql$/,/^```$/p' "$readme" | sed '1d;$d' | sql -d app
	end_pgwait
	[ "$status" -eq 0 ]
	first=$(cat "$ERR" "$OUT")
	start_pgwait -d app -n 1 -j jobs
	sql -d app -c "NOTIFY jobs, 'mail 18'"
	end_pgwait
	[ "$status" -eq 0 ]
	same "$(masked <<<"$recorded")" "$(
		{
			echo '$ pgwait -d app -n 3 jobs audit'
			echo "$first"
			echo '$ pgwait -d app -n 1 -j jobs'
			cat "$ERR" "$OUT"
		} | masked)"
}

# --- examples/

@test "the example of a worker misses nothing, and deletes only what succeeded" {
	sql <<-'END'
		DROP TABLE IF EXISTS jobs;
		CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL);
		INSERT INTO jobs (payload) VALUES ('before it listens');
	END
	setsid "$top_srcdir/examples/worker" sed 's/.*/<&>/' </dev/null >"$OUT" 2>"$ERR" 3>&- &
	group=$!
	wait_for grep -qx '<before it listens>' "$OUT"
	sql -1 -c "INSERT INTO jobs (payload) VALUES (E'mail\\n17')" -c 'NOTIFY jobs'
	wait_for grep -qx '<17>' "$OUT"
	wait_for empty_table
	kill -0 "$group"
	kill -TERM -- "-$group"
	wait "$group" || true
	group=
	same '' "$(cat "$ERR")"

	# A command that fails keeps its row, and ends the worker once pgwait has something to write to it.
	sql -c "INSERT INTO jobs (payload) VALUES ('mail 18')"
	setsid "$top_srcdir/examples/worker" false </dev/null >"$OUT" 2>"$ERR" 3>&- &
	group=$!
	wait_for gone "$group"
	status=0
	wait "$group" || status=$?
	[ "$status" -ne 0 ]
	group=
	[ "$(sql -c 'SELECT payload FROM jobs')" = 'mail 18' ]
}

empty_table() {
	[[ $(sql -c 'SELECT count(*) FROM jobs') == 0 ]]
}

@test "the systemd unit is valid, and runs a command line that pgwait takes" {
	unit=$top_srcdir/examples/pgwait.service
	grep -qx 'Type=notify' "$unit"
	read -r -a command <<<"$(sed -n 's/^ExecStart=//p' "$unit")"
	[ "${command[0]##*/}" = pgwait ]
	start_pgwait "${command[@]:1}"
	notify jobs 'mail 17'
	wait_for lines "$OUT" 1
	kill -TERM "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
	grep -q '"payload":"mail 17"' "$OUT"

	need systemd-analyze
	# The program is not installed here, and there is no such user.
	sed -e "s|^ExecStart=[^ ]*|ExecStart=$(type -P sleep)|" -e 's/^User=.*/User=root/' "$unit" >"$TMP/pgwait.service"
	run systemd-analyze verify "$TMP/pgwait.service"
	echo "$output"
	run -1 grep "pgwait.service" <<<"$output"
}

@test "the example of a configuration file, and the unit that uses it" {
	unit=$top_srcdir/examples/pgwait-config.service
	sql -c 'DROP DATABASE IF EXISTS app' -c 'DROP DATABASE IF EXISTS billing'
	sql -c 'CREATE DATABASE app' -c 'CREATE DATABASE billing'
	grep -qx 'ExecReload=/bin/kill -HUP $MAINPID' "$unit"
	read -r -a command <<<"$(sed -n 's/^ExecStart=//p' "$unit")"
	cat "$top_srcdir/examples/pgwait.conf" >"$TMP/pgwait.conf" # which make distcheck has read-only
	start_pgwait "${command[@]:1:1}" "$TMP/pgwait.conf" "${command[@]:3}"
	notify 'two words' x -d billing
	wait_for grep -q '"channel":"two words".*"connection":"billing"' "$OUT"
	echo 'listen app more' >>"$TMP/pgwait.conf"
	kill -HUP "$PID"
	wait_for grep -q 'read ".*" again' "$ERR"
	notify more y -d app
	wait_for grep -q '"channel":"more".*"connection":"app"' "$OUT"
	need systemd-analyze
	sed -e "s|^ExecStart=[^ ]*|ExecStart=$(type -P sleep)|" -e 's/^User=.*/User=root/' "$unit" >"$TMP/pgwait.service"
	run systemd-analyze verify "$TMP/pgwait.service"
	run -1 grep -q "pgwait.service" <<<"$output"
}

# What the examples run for a job.
make_jobs() {
	sql -c 'DROP TABLE IF EXISTS jobs' \
		-c 'CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL)'
	mkdir "$TMP/bin"
	printf '#!/bin/sh\necho "mailed: $(cat)" >>"%s/mailed"\n' "$TMP" >"$TMP/bin/mail-job"
	chmod +x "$TMP/bin/mail-job"
	PATH=$TMP/bin:$PATH
}

add_job() {
	sql -v p="$1" >/dev/null <<-'END'
		WITH job AS (INSERT INTO jobs (payload) VALUES (:'p') RETURNING id)
		SELECT pg_notify('jobs', id::text) FROM job;
	END
}

@test "the example for cron empties the table, and prints nothing" {
	make_jobs
	line=$(sed -n 's/^\* \* \* \* \* app //p' "$top_srcdir/examples/pgwait.cron")
	[[ $line == 'pgwait '* && $line != *%* ]]
	add_job 'mail 17'
	add_job 'mail 18'
	run_split sh -c "$line"
	[ "$status" -eq 0 ]
	[ -z "$output$errors" ]
	same $'mailed: mail 17\nmailed: mail 18' "$(sort "$TMP/mailed")"
	empty_table

	# A command that fails keeps its row.
	add_job 'mail 19'
	printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/mail-job"
	run_split sh -c "$line"
	[ "$status" -ne 0 ]
	[ "$(sql -c 'SELECT payload FROM jobs')" = 'mail 19' ]
}

@test "the example of a unit with --exclusive works off what is there, what comes, and what another one left" {
	make_jobs
	unit=$top_srcdir/examples/pgwait-jobs.service
	line=$(sed -n 's|^ExecStart=/usr/local/bin/pgwait ||p' "$unit" | sed "s|/usr/local/bin/|$TMP/bin/|")
	eval "arguments=($line)"
	ln -s "$top_srcdir"/examples/* "$TMP/bin"
	add_job 'mail 17'
	start_pgwait "${arguments[@]}"
	add_job 'mail 18'
	wait_for empty_table
	first=$PID
	start_pgwait "${arguments[@]}"
	wait_for grep -q 'another process has the lock' "$ERR"
	kill -KILL "$first"
	wait "$first" || true
	add_job 'mail 19'
	wait_for empty_table
	same $'mailed: mail 17\nmailed: mail 18\nmailed: mail 19' "$(sort -u "$TMP/mailed")"
	kill "$PID"
	end_pgwait
	[ "$status" -eq 0 ]

	run "$top_srcdir/examples/handle-job" mail-job <<<"1; DROP TABLE jobs"
	[ "$status" -eq 1 ]
	[[ $output == 'handle-job: error: "1; DROP TABLE jobs" is no id of a job' ]]

	need systemd-analyze
	sed -e "s|^ExecStart=[^ ]*|ExecStart=$(type -P sleep)|" -e 's/^User=.*/User=root/' "$unit" >"$TMP/pgwait-jobs.service"
	run systemd-analyze verify "$TMP/pgwait-jobs.service"
	run -1 grep -q "pgwait-jobs.service" <<<"$output"
}

@test "no document names a place on the machine where it was written" {
	run -1 grep -nE '/(tmp|work|home|root)(/|\b)' "$man" "$readme" "$top_srcdir"/{NEWS,HACKING}.md "$completions"/* \
		"$top_srcdir"/examples/*
}
