# Recipes of README for the spool, with what they feed: real brokers, up and down.

load helper

setup() {
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
	PATH=$(dirname "$PGWAIT"):$PATH
	cd "$TMP" || return
	port=$(free_port)
}

clean_up() {
	for pid in ${PID-} ${broker-} ${subscriber-} ${group-}; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

# recipe WORD: the recipe of README with this in it, for a broker on $port.
recipe() {
	awk '/^```$/ { here = 0 } here; /^```bash$/ { here = 1 }' "$top_srcdir/README.md" | grep -F -- "$1" |
		sed "s/-h broker/-h 127.0.0.1 -p $port/" >"$TMP/recipe"
	lines "$TMP/recipe" 1
}

run_recipe() {
	run_split bash "$TMP/recipe"
}

rows() {
	[[ $(sqlite3 jobs.spool 'SELECT count(*) FROM record') == "$1" ]]
}

fill() {
	start_pgwait -n 4 --spool jobs.spool jobs audit
	notify jobs 'mail 17'
	notify audit "a'b \"c\" \$(d)"
	notify jobs $'two\nlines'
	notify jobs 'déjà vu'
	end_pgwait
	rows 4
}

@test "MQTT: what the broker does not acknowledge stays in the spool" {
	need mosquitto_pub
	need mosquitto
	recipe 'mosquitto_pub -h broker -q 1 -t "pg/$PGWAIT_CHANNEL"'
	fill
	run_recipe
	[[ $status -eq 1 && $errors == *'4 records were not delivered, and stay in the spool'* ]]
	rows 4
	printf 'listener %d 127.0.0.1\nallow_anonymous true\n' "$port" >broker.conf
	mosquitto -c broker.conf >broker.log 2>&1 3>&- &
	broker=$!
	wait_for port_taken
	# A session that the broker keeps, so that nothing depends on who is first.
	mosquitto_sub -h 127.0.0.1 -p "$port" -q 1 -i test -c -t 'pg/#' -E
	run_recipe
	[[ $status -eq 0 && -z $errors ]]
	rows 0
	mosquitto_sub -h 127.0.0.1 -p "$port" -q 1 -i test -c -t 'pg/#' -C 4 -W "$DEADLINE" -F '%t|%p' >got
	diff got - <<-'END'
		pg/jobs|mail 17
		pg/audit|a'b "c" $(d)
		pg/jobs|two
		lines
		pg/jobs|déjà vu
	END
}

@test "Redis: what the server does not take stays in the spool" {
	need redis-cli
	need redis-server
	recipe redis-cli
	fill
	run_recipe
	[[ $status -eq 1 && $errors == *'4 records were not delivered, and stay in the spool'* ]]
	rows 4
	redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly yes --dir "$TMP" >redis.log 2>&1 3>&- &
	broker=$!
	answers() { [[ $(redis-cli -p "$port" PING 2>&1) == PONG ]]; }
	wait_for answers
	# An error of the server, too: the key is no stream.
	redis-cli -p "$port" SET jobs x >/dev/null
	run_recipe
	[[ $status -eq 1 && $errors == *'3 records were not delivered'* ]]
	redis-cli -p "$port" DEL jobs >/dev/null
	run_recipe
	[[ $status -eq 0 && -z $errors ]]
	rows 0
	[[ $(redis-cli -p "$port" XLEN jobs) -eq 3 && $(redis-cli -p "$port" XLEN audit) -eq 1 ]]
	payload() { redis-cli -p "$port" --json XRANGE "$1" - + | jq -c 'map(.[1][1])' ; }
	[[ $(payload jobs) == '["mail 17","two\nlines","déjà vu"]' ]]
	[[ $(payload audit) == '["a'"'"'b \"c\" $(d)"]' ]]
}

@test "the drain of a crontab: what the command fails for stays" {
	recipe '* * * * *'
	cut -d' ' -f6- recipe >cron
	mv cron recipe
	mkdir bin
	printf '#!/bin/sh\n[ -e "%s/up" ] && echo "$@" && cat\n' "$TMP" >bin/mail
	chmod +x bin/mail
	PATH=$TMP/bin:$PATH
	fill
	run_recipe
	[[ $status -eq 1 ]]
	rows 4
	touch up
	run_recipe
	[[ $status -eq 0 && $output == $'-s jobs ops\nmail 17-s audit ops\n'* ]]
	rows 0
}

@test "the example of a resident spool and its drain" {
	export PAUSE=0.1
	"$top_srcdir/examples/spool" jobs.spool '[ -e up ] && cat && echo' jobs >"$OUT" 2>"$ERR" 3>&- &
	group=$!
	sent() { notify jobs "$1"; [[ -s jobs.spool ]] && [[ $(sqlite3 jobs.spool "SELECT count(*) FROM record WHERE payload = '$1'" 2>/dev/null) -gt 0 ]]; }
	wait_for sent first
	wait_for grep -q 'stay in the spool\|stays in the spool' "$ERR"
	touch up
	wait_for grep -qx first "$OUT"
	notify jobs second
	wait_for grep -qx second "$OUT"
	wait_for rows 0
	kill -TERM "$group"
	wait_for gone "$group"
	# The resident one ended with it.
	none() { [[ $(sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgwait'") == 0 ]]; }
	wait_for none
}
