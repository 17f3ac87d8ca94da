# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Many connections of which one receives: memory for each (KiB), and processor time for a notification
# (microseconds). The others are in another database, so that the server leaves them alone.

allow_connections 1050
createdb -T template0 idle

connections() { # COUNT: sets `list`
  mapfile -t list < <(printf 'application_name=c1\n'; (($1 < 2)) || seq -f 'dbname=idle application_name=c%.0f' 2 "$1")
}

floor_cpu() { # CONNECTIONS NOTIFICATIONS
  local list
  connections "$1"
  "$programs/latency" bench "$2" "$programs/crowd" $(($2 + 100)) bench "${list[@]}" | cut -d' ' -f3
}

our_cpu() {
  local list
  connections "$1"
  "$programs/latency" bench "$2" "$pgwait" -q -n $(($2 + 100)) --ready-fd 9 "${list[@]}" bench | cut -d' ' -f3
}

resident() { # LISTENER CONNECTIONS
  local list
  connections "$2"
  if [[ $1 == floor ]]; then
    "$programs/measure" "$(load 60 1)" "$programs/crowd" 1 bench "${list[@]}"
  else
    "$programs/measure" "$(load 60 1)" "$pgwait" -q -n 1 --ready-fd 9 "${list[@]}" bench
  fi | per 1 resident
}

memory() { # LISTENER: what 999 connections add
  echo $(($(resident "$1" 1000) - $(resident "$1" 1))) | awk '{ print $1 / 999 }'
}

for n in 1 10 100 1000; do
  target=$([[ $n == 1000 ]] && echo 1.15 || echo -)
  compare "floor_cpu $n 2000" "our_cpu $n 2000" "CPU us, one at a time, $n connections" "$target"
done
compare 'memory floor' 'memory ours' 'KiB for each of 1,000 connections' '+1 KiB'
