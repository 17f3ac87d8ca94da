# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# 1,000 connections that all receive: processor time for a line, in microseconds.

allow_connections 1050
mapfile -t connections < <(printf 'application_name=c%d\n' {1..1000})
count=20000

floor_fanout() {
  "$programs/measure" "$(one_by_one 60 $((count / 1000)))" "$programs/crowd" "$count" bench "${connections[@]}" |
    per "$count" cpu
}

our_fanout() {
  "$programs/measure" "$(one_by_one 60 $((count / 1000)))" \
    "$pgwait" -q -n "$count" --ready-fd 9 "${connections[@]}" bench | per "$count" cpu
}

compare floor_fanout our_fanout 'CPU us, 1,000 connections receive' -
