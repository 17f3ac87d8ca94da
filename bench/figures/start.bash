# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Connecting, LISTEN, one round trip, the end: milliseconds, the least of 10.

least() { # COMMAND...
  local i
  for ((i = 0; i < 10; i++)); do
    "$programs/measure" : "$@" | per 1000 wall
  done | sort -g | head -n 1
}

floor_start() {
  least "$programs/floor" text bench 0
}

our_start() {
  least "$pgwait" -t 0 bench
}

compare floor_start our_start 'cold start ms' 1.10
