# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# 1,000 connections over TLS with SCRAM that lose their server together, by a restart: processor time to open one again, beside
# what the floor (bench/crowd.c) takes to open one; how long after the server was back all listened; memory, when all listen
# for the first time and when all listen again; and the longest
# that a notification of a healthy connection, to another server, waited meanwhile, beside the longest that another process
# (bench/floor.c) waited for the same notifications. Both wait for the processors, which 1,000 processes of the server want
# as well. What pgwait itself adds is the longest turn of its loop, in processor time (bench/turns.c): so long it cannot
# read the healthy one.

count=1000
tab=$'\t'
other=$SANDBOX_DIR/healthy

as_server() {
  "$SANDBOX_RUN" "$@" >/dev/null
}

restart() {
  as_server pg_ctl -D "$SANDBOX_DATA" -l "$SANDBOX_LOG" -s -w -m fast restart
}

"$SANDBOX_RUN" openssl req -new -x509 -nodes -days 2 -subj /CN=localhost -out "$SANDBOX_DATA/server.crt" \
  -keyout "$SANDBOX_DATA/server.key" 2>/dev/null
"$SANDBOX_RUN" chmod 600 "$SANDBOX_DATA/server.key"
psql -qX -c "CREATE ROLE crowd LOGIN PASSWORD 'crowd'" -c 'ALTER SYSTEM SET ssl = on' \
  -c 'ALTER SYSTEM SET max_connections = 1050'
as_server sed -i '1i hostssl all crowd 127.0.0.1/32 scram-sha-256' "$SANDBOX_DATA/pg_hba.conf"
restart
as_server initdb -D "$other" -U postgres -A trust --no-sync
as_server pg_ctl -D "$other" -l "$other.log" -s -w \
  -o "-p $((PGPORT + 1)) -c listen_addresses='' -c unix_socket_directories='$SANDBOX_DIR'" start

export PGCONNECT_TIMEOUT=200 PGPASSWORD=crowd
mapfile -t connections < <(seq -f 'host=127.0.0.1 user=crowd sslmode=require application_name=c%.0f' 1 "$count")

listening() {
  [[ $(psql -qAtX -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'crowd' AND query LIKE 'LISTEN%'
    AND state = 'idle'" 2>/dev/null) == "$count" ]]
}

# on_the_way: reads lines with a time, and writes how many microseconds it was ago.
on_the_way() {
  local line now
  while read -r line; do
    now=${EPOCHREALTIME/./}
    line=${line#*"$tab"}
    echo $((now - ${line%%"$tab"*}))
  done
}

# longest FILE LINES: the most, in milliseconds, behind so many lines.
longest() {
  tail -n "+$(($2 + 1))" "$1" | sort -n | tail -n 1 | awk '{ print $1 / 1000 }'
}

# cpu_of PID: microseconds so far.
cpu_of() {
  awk '{ print int($1 / 1000) }' "/proc/$1/schedstat"
}

open_floor() {
  "$programs/measure" : "$programs/crowd" 0 bench "${connections[@]}" | per 1 cpu | awk -v n="$count" '{ print int($1 / n) }'
  "$programs/measure" "$(load 60 1)" "$programs/crowd" 1 bench "${connections[@]}" | per 1024 resident
}

resident() { # PID: MiB
  awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$1/status"
}

lose_all() {
  local before ours_seen floor_seen lost back pids rests
  mkfifo "$work/ready"
  PGPORT=$((PGPORT + 1)) psql -qAtX >/dev/null <<<"SELECT pg_notify('healthy', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text) \\watch 0.005" &
  pids=$!
  PGPORT=$((PGPORT + 1)) "$programs/floor" text healthy 1000000000 9>/dev/null > >(on_the_way >"$work/floor.way") &
  pids+=" $!"
  TURNS=$work/turns LD_PRELOAD=$programs/turns.so "$pgwait" -q --ready-fd 9 "port=$((PGPORT + 1))" healthy "${connections[@]}" bench 9>"$work/ready" 2>"$work/told" > >(on_the_way >"$work/ours.way") &
  pid=$!
  read -r _ <"$work/ready"
  rm "$work/ready"
  rests=$(resident "$pid") before=$(cpu_of "$pid") ours_seen=$(wc -l <"$work/ours.way") floor_seen=$(wc -l <"$work/floor.way") lost=${EPOCHREALTIME/./}
  restart
  back=${EPOCHREALTIME/./}
  until listening; do sleep 0.05; done
  echo "$((($(cpu_of "$pid") - before) / count))" "$(resident "$pid")" \
    "$(longest "$work/ours.way" "$ours_seen")" $(((${EPOCHREALTIME/./} - back) / 1000)) \
    "$(longest "$work/floor.way" "$floor_seen")" \
    "$(awk -v lost="$lost" '$1 >= lost && $2 > most { most = $2 } END { print most / 1000 }' "$work/turns")" \
    "$rests" >"$work/lost"
  # shellcheck disable=SC2086  # they are several
  kill "$pid" $pids
  wait "$pid" || :
  rm "$work/turns"
  cat "$work/lost"
}

# What the floor opens, and what it waited beside pgwait, is one row.
both() {
  local opened lost
  for ((i = 0; i < rounds; i++)); do
    mapfile -t opened < <(open_floor)
    read -ra lost < <(lose_all)
    echo "${opened[0]}" >>"$work/floor.cpu"
    echo "${opened[1]}" >>"$work/floor.rests"
    echo "${lost[4]}" >>"$work/floor.wait"
    echo "${lost[0]}" >>"$work/ours.cpu"
    echo "${lost[1]}" >>"$work/ours.again"
    echo "${lost[6]}" >>"$work/ours.rests"
    echo "${lost[2]}" >>"$work/ours.wait"
    echo "${lost[3]}" >>"$work/ours.back"
    echo "${lost[5]}" >>"$work/ours.turn"
  done
}

both
row 'CPU us to open one of 1,000 (TLS, SCRAM)' 1.20 "$work/floor.cpu" "$work/ours.cpu"
row 'MiB, 1,000 of them' 1.03 "$work/floor.rests" "$work/ours.rests"
row 'MiB, 1,000 of them that came back' - "$work/floor.rests" "$work/ours.again"
row 'ms that a healthy one waited at most' - "$work/floor.wait" "$work/ours.wait"
printf '%-44s %24s %24s %7s %7s\n' 'ms until all listen again' - "$(summary <"$work/ours.back")" - -
printf '%-44s %24s %24s %7s %7s\n' 'CPU ms of the longest turn meanwhile' - "$(summary <"$work/ours.turn")" - 20
