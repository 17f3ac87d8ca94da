# Further servers beside the sandbox's own. Loaded by the tests that need them: load servers
# All of them end with the sandbox, which looks for their pid files.

# start_pgbouncer MODE [LINE...]: a pgbouncer in front of the sandbox's server, with these lines in its
# configuration too; its port of 127.0.0.1 is in $bouncer.
start_pgbouncer() {
	local mode=$1 file=$SANDBOX_DIR/bouncer.$1.$RANDOM
	shift
	bouncer=$(free_port)
	cat >"$file.ini" <<-END
		[databases]
		* = host=$PGHOST port=$PGPORT user=postgres
		[pgbouncer]
		listen_addr = 127.0.0.1
		listen_port = $bouncer
		unix_socket_dir =
		auth_type = any
		pool_mode = $mode
		pidfile = $file.pid
		logfile = $file.log
		$(printf '%s\n' "$@")
	END
	"$SANDBOX_RUN" pgbouncer -q -d "$file.ini" 3>&- 4>&-
	wait_for pg_isready -q -h 127.0.0.1 -p "$bouncer"
}

# copy_server DIRECTORY: the sandbox's server, to be a standby of it. pg_basebackup of an older version cannot do that;
# where the server's own is not there, SQL can.
copy_server() {
	local start="pg_backup_start('standby', true)" stop='pg_backup_stop()'
	if [[ -x $SANDBOX_BIN/pg_basebackup ]]; then
		"$SANDBOX_RUN" pg_basebackup -D "$1" -R -c fast -h "$PGHOST" -p "$PGPORT" -U postgres >/dev/null
		return
	fi
	if server_before 15; then
		start="pg_start_backup('standby', true, false)" stop='pg_stop_backup(false)'
	fi
	# A file that goes meanwhile is not missed.
	sql 2>/dev/null <<-END
		SELECT $start \\g /dev/null
		\\! "\$SANDBOX_RUN" cp -R "$SANDBOX_DATA" "$1"
		SELECT labelfile FROM $stop \\g '$TMP/label'
	END
	rm -f "$1/postmaster.pid" "$1/postmaster.opts"
	cp "$TMP/label" "$1/backup_label"
	touch "$1/standby.signal"
	echo "primary_conninfo = 'host=$PGHOST port=$PGPORT user=postgres'" >>"$1/postgresql.auto.conf"
	chown --reference="$1" "$1/backup_label" "$1/standby.signal"
}

# start_standby NAME: a standby of the sandbox's server on the port $standby, data in $standby_data.
start_standby() {
	standby_data=$SANDBOX_DIR/$1
	standby=$(free_port)
	copy_server "$standby_data"
	echo "port = $standby" >>"$standby_data/postgresql.conf"
	"$SANDBOX_RUN" pg_ctl -D "$standby_data" -l "$standby_data.log" -w start >/dev/null 3>&- 4>&-
}

# start_other NAME: a server of its own, beside the sandbox's, on the port $other of 127.0.0.1, data in $other_data.
# Its sockets are where those of the sandbox's server are.
start_other() {
	other_data=$SANDBOX_DIR/$1
	other=$(free_port)
	"$SANDBOX_RUN" initdb -D "$other_data" -U postgres -A trust -E UTF8 --no-sync --locale=C.UTF-8 >/dev/null
	printf '%s\n' "port = $other" "listen_addresses = '127.0.0.1'" "unix_socket_directories = '$PGHOST'" 'fsync = off' \
		>>"$other_data/postgresql.conf"
	"$SANDBOX_RUN" pg_ctl -D "$other_data" -l "$other_data.log" -w start >/dev/null 3>&- 4>&-
}

end_other() {
	[[ -z ${other_data-} ]] || "$SANDBOX_RUN" pg_ctl -D "$other_data" -m immediate -w stop >/dev/null 3>&- 4>&-
	other_data=
}

# pg NAME... : pg_ctl for the sandbox's own server: stop -m immediate, start, restart.
pg() {
	"$SANDBOX_RUN" pg_ctl -D "$SANDBOX_DATA" -l "$SANDBOX_LOG" -w "$@" >/dev/null 3>&- 4>&-
}

# start_proxy [OPTIONS]: forwards a port of 127.0.0.1, $proxy, to the server, as long as it is not frozen. $proxy_pid is
# its pid and its process group's. OPTIONS are socat's for the port.
start_proxy() {
	needs_socat
	proxy=$(free_port) proxy_options=${1-}
	proxy_to "$PGPORT"
}

# proxy_to PORT: from now on new connections to $proxy reach the server on that port. Those that are there stay.
proxy_to() {
	[[ -z ${proxy_pid-} ]] || kill -KILL "$proxy_pid" # it only listens; its children forward
	setsid socat "TCP-LISTEN:$proxy,bind=127.0.0.1,fork,reuseaddr${proxy_options:+,$proxy_options}" "UNIX-CONNECT:$PGHOST/.s.PGSQL.$1" \
		3>&- 4>&- >/dev/null 2>&1 &
	proxy_pid=$!
	wait_for pg_isready -q -h 127.0.0.1 -p "$proxy"
}

freeze_proxy() {
	kill -STOP -- "-$proxy_pid"
}

end_proxy() {
	[[ -z ${proxy_pid-} ]] || { kill -CONT -- "-$proxy_pid"; kill -TERM -- "-$proxy_pid"; } 2>/dev/null || true
	proxy_pid=
}

# start_network [WITHIN]: a network of its own, in which nothing is up but the loopback interface; $network is the pid
# by which it is known, also as WITHIN to make another one that it can be linked with. Only the network is another one:
# what has to mount something works in no chroot.
start_network() {
	local enter=() make=(unshare -n)
	((EUID == 0)) || [[ ${1-} ]] || make=(unshare -r -n)
	[[ -z ${1-} ]] || set_enter "$1"
	"${enter[@]}" "${make[@]}" true 2>"$TMP/refused" || skip "no network namespace is permitted here: $(<"$TMP/refused")"
	"${enter[@]}" "${make[@]}" tail -f /dev/null 3>&- 4>&- &
	network=$!
	made() { [[ $(<"/proc/$network/comm") == tail ]]; }
	wait_for made
	in_network "$network" ip link set lo up
}

# start_linked_networks: two of them, $server at 192.0.2.1 and $client at 192.0.2.2, with a cable between; or the test is
# skipped.
start_linked_networks() {
	start_network
	server=$network
	start_network "$server"
	client=$network
	in_network "$server" ip link add eth0 type veth peer name eth0 netns "$client" ||
		skip 'this kernel links no network namespaces'
	in_network "$server" ip addr add 192.0.2.1/30 dev eth0
	in_network "$client" ip addr add 192.0.2.2/30 dev eth0
	in_network "$server" ip link set eth0 up
	in_network "$client" ip link set eth0 up
}

# set_enter NETWORK: `enter` is what a command there begins with.
set_enter() {
	enter=(nsenter --target "$1" --net)
	((EUID == 0)) || enter+=(--user --preserve-credentials)
}

# in_network NETWORK COMMAND...
in_network() {
	local enter
	set_enter "$1"
	"${enter[@]}" "${@:2}"
}

# pgwait_in_network NETWORK: PGWAIT is pgwait there.
pgwait_in_network() {
	local enter
	set_enter "$1"
	printf '#!/bin/sh\nexec %s %q "$@"\n' "${enter[*]}" "$PGWAIT" >"$TMP/pgwait"
	chmod +x "$TMP/pgwait"
	PGWAIT=$TMP/pgwait
}

# The server takes TLS from now on: host=127.0.0.1 sslmode=require.
start_tls() {
	openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -out "$TMP/server.crt" -keyout "$TMP/server.key" 2>/dev/null
	cp "$TMP/server.crt" "$TMP/server.key" "$SANDBOX_DATA/"
	chown --reference="$SANDBOX_DATA" "$SANDBOX_DATA"/server.*
	chmod 600 "$SANDBOX_DATA/server.key"
	sql -c 'ALTER SYSTEM SET ssl = on' -c 'SELECT pg_reload_conf()' >/dev/null
	encrypted() { psql -qX 'host=127.0.0.1 sslmode=require' -c '' 2>/dev/null; }
	wait_for encrypted
}
