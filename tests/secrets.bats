# A password that stands anywhere, where libpq takes it for something else too, is never shown.

load helper

setup_file() {
	sql -c 'CREATE DATABASE g1' -c 'CREATE DATABASE g2'
}

pgwait() {
	run_split timeout "$DEADLINE" "$PGWAIT" "$@"
}

# keeps ARG...: a usage error in which there is no "cret".
keeps() {
	pgwait -t 0 "$@"
	[[ $status -eq 1 && -z $output && $errors == 'pgwait: error: '* && $errors != *cret* ]] || {
		printf 'pgwait %s: status %d, "%s", "%s"\n' "${*@Q}" "$status" "$output" "$errors"
		return 1
	}
}

# keeps_with TEXT ARG...: and there is this text.
keeps_with() {
	keeps "${@:2}" || return 1
	[[ $errors == *"$1"* ]] || {
		printf 'no "%s" in: %s\n' "$1" "$errors"
		return 1
	}
}

@test "connection strings that do not parse" {
	for conninfo in 'postgresql://app:se/cret@db1/x' 'postgresql://app:se?cret@db1/x' 'host=x password=secret nonsense' \
		"password='secret host=x" 'password=a secret' 'a secret=x' '=secret' 'sec=ret secret' \
		'host=x nosuch=secret' 'postgresql://u:secret@[::1/x' 'postgresql://u:%zzsecret@h/x' \
		'postgresql://u:secret@h/x?nosuch=secret' 'postgresql://h/x?secret' 'password = secret x' 'password secret=x' \
		'postgresql://u:secret%00x@h/x' 'postgres://u:se/cret@h/x' 'password:secret host=x' 'Password=secret' \
		'host=h user=u pass=secret' 'Host=h;Username=u;Password=secret' 'postgresql://h/x?user=u&amp;password=secret'; do
		keeps "$conninfo" jobs
		keeps -d "$conninfo" jobs
		keeps jobs "$conninfo" jobs
	done
}

@test "what libpq knows is quoted: the scheme, the first keyword" {
	keeps_with '"postgresql://..."' 'postgresql://u:secret@[::1/x' jobs
	keeps_with '"postgres://..."' 'postgres://h/x?nosuch=secret' jobs
	keeps_with '"host=..."' 'host=h secret' jobs
	keeps_with '" password..."' ' password = a secret' jobs
	keeps_with '"..."' 'nosuch=secret' jobs
}

@test "a keyword that libpq does not know is named, unless it can be a part of a password" {
	local keyword question conninfo
	while read -r keyword question conninfo; do
		question=${question#-}
		keeps_with "knows no \"$keyword\"${question//_/ }; accepted are" "$conninfo" jobs
		keeps_with "knows no \"$keyword\"" -d "$conninfo" jobs
	done <<'END'
nosuch - host=x nosuch=secret
nosuch - nosuch = secret
sslmod _(did_you_mean_sslmode?) host=x sslmod=secret password=secret
Host _(did_you_mean_host?) Host=h;Username=u;Password=secret
pass _(did_you_mean_password?) host=h user=u pass=secret
PassWord _(did_you_mean_password?) PassWord=secret
DATABASE_URL - DATABASE_URL=postgresql://u:secret@h/d
schema - postgresql://u:secret@h/x?schema=secret
pool_max_conns - postgres://db1:5432,db2:,db3/x?application_name=x&pool_max_conns=5
dbnam _(did_you_mean_dbname?) postgresql:///?dbnam=secret
END
	for conninfo in 'password=a cret=x' 'password = a cret = x' 'sslpassword=a cret=x' 'secret=' 'secret==' 'secret= ' \
		's3cret=x' 'se-cret=x' 'postgresql://app:a?cret=x' 'postgresql://app:a/?cret=x' 'postgresql://db1:1,db2:a/?cret=x' \
		'postgresql://h/x?password=a&cret=x' 'postgresql://h/x?user=u&amp;cret=x' 'postgresql://u:p@h/x?password=a&cret=x' \
		"$(printf 'secret%.0s' {1..9})=x" 'host=secret=x secret'; do
		keeps "$conninfo" jobs
	done
}

@test "passwords that were taken for a host, a port, a database" {
	for conninfo in 'postgresql://app:secret/x' 'postgresql://app:secret' 'postgresql://app:se@cret@127.0.0.1:1/x' \
		'postgresql://app:12@secret@127.0.0.1:1/x' 'postgresql://u:secret@127.0.0.1:port:/x' \
		'postgresql://app:secret:5432/x' 'postgresql://h:secret@/x?port=secret' 'port=secret host=/nowhere' \
		'postgresql://h/x;password=secret' 'postgresql://h/x&password=secret' \
		'postgresql://user=u;password=secret@h' 'postgresql://h/x password=secret'; do
		keeps "$conninfo" jobs
	done
}

@test "an empty value takes the next word for itself, a semicolon parts nothing" {
	for keyword in host hostaddr port dbname user service options sslmode connect_timeout sslcert application_name \
		target_session_attrs gssencmode client_encoding channel_binding; do
		keeps "$keyword= password=secret" jobs
		keeps "$keyword=x;password=secret" jobs
		keeps "$keyword=x,Password =secret" jobs
	done
	keeps_with "''" 'dbname=g1 host= password=secret' jobs
	keeps_with host 'dbname=g1 host= password=secret' jobs
}

@test "URIs and their like at other places" {
	local word variable
	for word in postgresql://app:secret@db1/x app:secret@db1/x 'postgresql://db1/x?user=app&password=secret'; do
		for variable in PGHOST PGHOSTADDR PGDATABASE PGUSER PGSERVICE PGPORT PGSSLMODE PGTARGETSESSIONATTRS PGCONNECT_TIMEOUT; do
			(
				export "$variable=$word"
				keeps jobs
			)
		done
		keeps -h "$word" jobs
		keeps -U "$word" jobs
		keeps "dbname=$word" jobs
		keeps "host=$word" jobs
		[[ $word == postgresql* ]] || keeps -d "$word" jobs
	done
	keeps //app:secret@db1/x jobs
	keeps -h h //app:secret@db1/x jobs
	keeps //app:secret@db1/.s.PGSQL.0 jobs
}

# options KIND: those of --help whose value is of this kind.
options() {
	"$PGWAIT" --help | sed -nE "s/^  .{4}(--[a-z-]+) ($1)  .*/\1/p"
}

@test "connection strings where an option has another value" {
	local option word
	for option in $(options '[A-Z]+' | grep -v -e --dbname -e --listen); do
		for word in postgresql://u:secret@h/d 'postgres://h/d?user=u&password=secret'; do
			keeps_with "$option" "$option=$word" jobs
		done
	done
	for option in $(options '[A-Z]+' | grep -v -e --dbname -e --listen -e -cmd -e --format -e -sql); do
		keeps "$option" password=secret jobs
		keeps "$option" 'host=h password = a secret' jobs
		[[ $option == --exclusive ]] || keeps "$option" u:secret@h/d jobs
	done
	# An option without its value takes the next word.
	keeps_with --config --config psql://u:secret@h/d
	keeps_with --spool --spool //u:secret@h/d jobs
	keeps --config first --config postgresql://u:secret@h/d jobs
	keeps --config postgresql://u:secret@h/d --config last jobs
	keeps -Wsecret jobs
	keeps -qtpostgresql://u:secret@h/d jobs
}

@test "what an option may well have is accepted" {
	start_pgwait -n 1 --exclusive jobs:mail@host -f 'u:%p@%c password=%p' \
		--listen-cmd "password=x; echo http://u:\$password@h >'$TMP/ran'" jobs
	wait_for grep -q 'active, with the lock' "$ERR"
	notify jobs x
	end_pgwait
	[[ $status -eq 0 && $(<"$OUT") == 'u:x@jobs password=x' && $(<"$TMP/ran") == http://u:x@h ]]
	mkdir "$TMP/a:b@c"
	start_pgwait --control "$TMP/a:b@c/password=x" jobs
}

# What looks like a connection and is none: passwords at the place of one, and without.
suspects=(psql://app:secret@db1/x POSTGRESQL://app:secret@db1/x jdbc:postgresql://app:secret@db1/x app:secret@db1/app
	u:secret@h:port/db u:secret@h postgresql:/u:secret@h/db postgresql:u:secret@h/db postgres//u:secret@h/db
	u/secret@h:port/db u/secret@h :secret@h @h:secret/x u@h/secret user@host:5432 user@host/db postgresql:secret POSTGRES:secret jdbc:postgresql:secret
	\"postgresql://u:secret@h/d\" ' postgresql://u:secret@h/d' $'\xef\xbb\xbfpostgresql://u:secret@h/d')
plain_suspects=(postgresql+asyncpg://db1/x jdbc:postgresql://db1/x pgsql://db1/x psql://db1 postgis://db1/x
	Postgresql://db1/x postgres//db1/x postgresql:/db1/x unix:///run/x ./.s.PGSQL.5432
	x/.S.pgsql.5432 ./run ../run tcp:/x)
channels=(a:b Jobs jobs/x user.created a@b mail@example.org jobs:42 a:b:c db1.example.org db1:5432 localhost:5432
	postgres postgresql_changes mypostgres/x 'a,b:c' 'x y' '#1' @ : a/ a: @a b@ .x ..x .a/b x. jobs? 'a;b' '[a]' '~'
	password:reset password u:secret jobs@2 C:x)

@test "what looks like a connection and is none is no channel by mistake, but by -l" {
	local word
	for word in "${suspects[@]}"; do
		keeps_with 'accepted are postgresql://[USER@]HOST' "$word" jobs
		keeps_with 'use -l' jobs "$word"
		keeps_with 'dbname=NAME' -d "$word" jobs
		keeps "$word?sslmode=require" jobs
		keeps "$word$(printf 'x%.0s' {1..60})"
	done
	for word in "${plain_suspects[@]}"; do
		keeps_with "invalid operand \"$word\": it looks like a connection" "$word" jobs
		keeps_with "invalid --dbname \"$word\"" -d "$word" jobs
	done
	keeps_with '"psql://..."' psql://app:secret@db1/x jobs
	keeps_with '"jdbc:postgresql://..."' jdbc:postgresql://app:secret@db1/x jobs
	keeps_with '"..."' app:secret@db1/x jobs
	# Named as channels, they are.
	local args=()
	for word in "${suspects[@]}" "${plain_suspects[@]}"; do args+=(-l "$word"); done
	start_pgwait -n $((${#args[@]} / 2)) -0f %c "${args[@]}"
	for word in "${suspects[@]}" "${plain_suspects[@]}"; do notify "$word"; done
	end_pgwait
	[[ $status -eq 0 ]]
	diff <(tr '\0' '\n' <"$OUT") <(printf '%s\n' "${suspects[@]}" "${plain_suspects[@]}")
}

@test "channels with odd names, which are no connections" {
	local word
	start_pgwait -n "${#channels[@]}" -0f %c "${channels[@]}"
	for word in "${channels[@]}"; do notify "$word"; done
	end_pgwait
	[[ $status -eq 0 ]]
	diff <(tr '\0' '\n' <"$OUT") <(printf '%s\n' "${channels[@]}")
}

@test "a connection string at the place of a name is not shown" {
	local word
	for word in psql://app:secret@db1/x app:secret@db1/x postgresql://app:secret@db1/x; do
		printf '%s\n' "listen $word jobs" >"$TMP/config"
		keeps_with 'no line connects "..."' --config "$TMP/config"
		printf '%s\n' "connect $word postgresql:///x" >"$TMP/config"
		keeps_with 'looks like a connection string' --config "$TMP/config"
	done
}

@test "a service file" {
	export PGSERVICEFILE=$TMP/services
	printf '[%s\n' "port]" "port=secret" "host]" "host=app:secret@db1" "mode]" "sslmode=password=secret" \
		"db]" "dbname=postgresql://app:secret@db1/x" "line]" "password secret" "bad]" "secret=x" \
		"options]" "options=password=secret" >"$PGSERVICEFILE"
	sed -i '/=\|secret/s/^\[//' "$PGSERVICEFILE"
	for service in port host mode db line bad options; do
		keeps service=$service jobs
		PGSERVICE=$service keeps jobs
	done
}

@test "what only looks like it is accepted" {
	mkdir "$TMP/a:b@c"
	ln -s "$PGHOST/.s.PGSQL.$PGPORT" "$TMP/a:b@c"
	for conninfo in "$TMP/a:b@c" "host='$TMP/a:b@c'" 'application_name=https://a:b@c' 'dbname=g1 password=password=x' \
		"options='-c some.password=x'" "application_name=mail@example.org"; do
		pgwait -t 0 "$conninfo" jobs
		[[ $status -eq 0 ]] || { echo "$conninfo: $errors"; return 1; }
	done
}

@test "advice to percent-encode" {
	keeps_with '"postgresql://..."' 'postgresql://app:se/cret@db1/x' jobs
	[[ $errors == *%2F*%3F*%40* ]]
	keeps_with %3F 'postgres://app:se?cret@db1/x' jobs
}

@test "a password is overwritten in argv" {
	local cmdline
	start_pgwait "host=$PGHOST password=secret1" -d "postgresql://postgres:secret2@127.0.0.1:$PGPORT/g1" \
		"--dbname=postgresql://postgres:secret3@127.0.0.1:$PGPORT/g2" \
		"-ddbname=g2 password=secret4" "postgresql:///?password=secret5" "sslpassword=secret6 dbname=g1" a
	cmdline=$(tr '\0' '\n' <"/proc/$PID/cmdline")
	[[ $cmdline == *"--ready-fd"* && $cmdline == *$'\na' ]]
	[[ $cmdline != *secret* ]]
	[[ $(<"$ERR") != *secret* ]]
}

@test "what has no password stays in argv" {
	start_pgwait "dbname=g1" "postgresql:///g2" a
	[[ $(tr '\0' '\n' <"/proc/$PID/cmdline") == *$'\ndbname=g1\npostgresql:///g2\na' ]]
}
