# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# A drain of 100 connections: milliseconds by the clock, and of processor time, the least of 5.

mapfile -t connections < <(printf 'application_name=c%d\n' {1..100})

least() { # COMMAND...
  local i
  for ((i = 0; i < 5; i++)); do
    "$programs/measure" : "$@" | per 1000 wall cpu
  done | awk 'NR == 1 { wall = $1; cpu = $2 } { if ($1 < wall) wall = $1; if ($2 < cpu) cpu = $2 } END { print wall, cpu }'
}

floor_drain() {
  least "$programs/crowd" 0 bench "${connections[@]}"
}

our_drain() {
  least "$pgwait" -t 0 "${connections[@]}" bench
}

compare floor_drain our_drain 'ms to drain 100 connections' 1.05 'CPU ms of that' -
