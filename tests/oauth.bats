# The login with OAuth: libpq 18 and later, a server that has a validator, and a provider. A user opens a URL meanwhile.

load helper

setup_file() {
	missing=$(missing_parts)
	export missing
	[[ ! $missing ]] || return 0
	sql -c 'CREATE ROLE app LOGIN' -c "ALTER SYSTEM SET oauth_validator_libraries = '$SANDBOX_DIR/validator'"
	start_provider
	sed -i "1i host all app 127.0.0.1/32 oauth issuer=\"$issuer\" scope=\"openid\"" "$SANDBOX_DATA/pg_hba.conf"
	sql -c 'SELECT pg_reload_conf()' >/dev/null
	needed() { ! psql -wqX -h 127.0.0.1 -U app -c '' 2>/dev/null; }
	wait_for needed
}

teardown_file() {
	[[ -z ${provider-} ]] || kill "$provider"
}

setup() {
	[[ ! $missing ]] || skip "$missing"
	rm -f "$SANDBOX_DIR"/{login,expires}
	here="host=127.0.0.1 user=app oauth_issuer=$issuer oauth_client_id=pgwait"
}

clean_up() {
	[[ -z ${PID-} ]] || kill -KILL "$PID" 2>/dev/null || true
	cat "$ERR" "$SANDBOX_DIR/requests" 2>/dev/null || true
	tmux -S "$TMP/tmux" kill-server 2>/dev/null || true
}

compile_validator() {
	cc -shared -fPIC -I "$("$SANDBOX_BIN/pg_config" --includedir-server)" -o "$SANDBOX_DIR/validator.so" \
		"$top_srcdir/tests/oauth_validator.c"
}

# Prints what there is none of here.
missing_parts() {
	if libpq_before 18; then
		echo 'this libpq does not know OAuth'
	elif server_before 18; then
		echo 'this server does not know OAuth'
	elif ! ldconfig -p | grep -q libpq-oauth && ! compgen -G '/usr/lib/*/libpq-oauth*.so' >/dev/null; then
		echo 'libpq-oauth is not installed'
	elif ! compile_validator >/dev/null 2>&1; then
		echo "the server's headers are not installed, or what they need"
	elif ! type -P tmux >/dev/null || ! type -P socat >/dev/null; then
		echo 'tmux or socat is not installed'
	fi
}

# start_provider: tests/oauth_provider answers at $issuer. Without TLS: so libpq is told that this is a test.
start_provider() {
	local port
	port=$(free_port)
	export PGOAUTHDEBUG=UNSAFE issuer=http://127.0.0.1:$port
	socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "EXEC:$top_srcdir/tests/oauth_provider $port $SANDBOX_DIR" 3>&- 4>&- &
	provider=$!
	export provider
	reachable() { (exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
	wait_for reachable
}

# on_terminal ARG...: pgwait, whose stderr is a terminal; its exit status comes in $TMP/ended.
on_terminal() {
	export PGWAIT TMP
	rm -f "$TMP/ended"
	tmux -S "$TMP/tmux" -f /dev/null new-session -d -x 150 -y 40 \
		"\"\$PGWAIT\" $(printf '%q ' "$@") >'$OUT'; echo \$? >'$TMP/ended'" \; set-option -g remain-on-exit on 3>&- 4>&-
}

shows() {
	local text
	text=$(tmux -S "$TMP/tmux" capture-pane -p -J -S -) || return 2
	grep -qF -- "$1" <<<"$text"
}

@test "at a terminal the URL and the code are shown, and other connections go on meanwhile" {
	on_terminal -f %p "$here connect_timeout=1" "host=$PGHOST user=postgres" jobs
	wait_for shows "to log in, open $issuer/login and enter the code WDJB-MJHT"
	# Longer than connect_timeout: who logs in has as long as the code is good.
	asked_thrice() { [[ $(grep -c /token "$SANDBOX_DIR/requests") -ge 3 ]]; }
	wait_for asked_thrice
	notify_until_written() { notify jobs meanwhile; [[ -s $OUT ]]; }
	wait_for notify_until_written
	[[ ! -e $TMP/ended ]]
	echo good >"$SANDBOX_DIR/login"
	logged_in() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") -eq 1 ]]; }
	wait_for logged_in
}

@test "a connection that was lost asks for a login again" {
	echo good >"$SANDBOX_DIR/login"
	on_terminal -v -f %p "$here" jobs
	wait_for shows 'ready -> listening'
	rm "$SANDBOX_DIR/login"
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'" >/dev/null
	asked_twice() { [[ $(tmux -S "$TMP/tmux" capture-pane -p -J -S - | grep -c 'enter the code') -eq 2 ]]; }
	wait_for asked_twice
	echo good >"$SANDBOX_DIR/login"
	notify_until_written() { notify jobs again; grep -q again "$OUT"; }
	wait_for notify_until_written
}

@test "without a terminal it is refused, at once and for good, and nothing goes to standard output" {
	run_split "$PGWAIT" "$here" jobs
	[[ $status -eq 2 && ! -s $OUT ]]
	[[ $errors == *'a login with OAuth is needed, and there is no terminal to ask for it'* ]]
	[[ $errors != *"to log in"* ]] # the code is in what libpq traces here
}

@test "-w: no login" {
	on_terminal -w "$here" jobs
	wait_for shows 'a login with OAuth is needed, and -w forbids to ask for it'
	wait_for test -s "$TMP/ended"
	[[ $(<"$TMP/ended") -eq 2 ]]
}

@test "nobody logs in, or the provider refuses" {
	echo refused >"$SANDBOX_DIR/login"
	on_terminal --reconnect never "$here" jobs
	wait_for test -s "$TMP/ended"
	shows access_denied
	[[ $(<"$TMP/ended") -eq 2 ]]
	tmux -S "$TMP/tmux" kill-server
	echo 2 >"$SANDBOX_DIR/expires"
	rm "$SANDBOX_DIR/login"
	on_terminal --reconnect never "$here" jobs
	wait_for test -s "$TMP/ended"
	shows 'the user did not log in in 2 s'
	[[ $(<"$TMP/ended") -eq 2 ]]
}
