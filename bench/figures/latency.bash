# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# From sending NOTIFY to the line on a pipe, one at a time, in microseconds.

count=3000

floor_latency() {
  "$programs/latency" bench "$count" "$programs/floor" text bench $((count + 100))
}

our_latency() {
  "$programs/latency" bench "$count" "$pgwait" -q -n $((count + 100)) --ready-fd 9 bench
}

compare floor_latency our_latency 'latency us, median' 1.03 'latency us, 99th percentile' 1.15 \
  'CPU us, one at a time' -
