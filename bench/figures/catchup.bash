# shellcheck shell=bash disable=SC2154,SC2034  # bench/run sets the variables, and uses them
# --catchup-sql with 1,000,000 rows of 60 bytes, beside a libpq loop in single-row mode that escapes and writes the same: a
# row's processor time and time by the clock, in microseconds; and its instructions, which hardly depend on the machine.

rows() {
  echo "SELECT lpad(n::text, 60, 'x') FROM generate_series(1, $1) n"
}

floor_rows() { # COUNT
  "$programs/measure" : "$programs/queue" rows "$(rows "$1")" | per "$1" cpu startup_cpu wall | awk '{ print $1 + $2, $3 }'
}

our_rows() {
  "$programs/measure" : "$pgwait" -t 0 --catchup-sql "$(rows "$1")" bench | per "$1" cpu startup_cpu wall | awk '{ print $1 + $2, $3 }'
}

compare 'floor_rows 1000000' 'our_rows 1000000' 'CPU us, a row of a catch-up of 1,000,000' 1.2 'us by the clock' 1.2

counted() { # PROGRAM ARG...
  valgrind -q --tool=callgrind --callgrind-out-file="$work/profile" "$@" >/dev/null
  sed -n 's/^totals: //p' "$work/profile"
}

# each PROGRAM ARG...: for one row, without the start. The last argument is the statement.
each() {
  local few=5000 many=25000
  echo $((($(counted "$@" "$(rows "$many")" bench) - $(counted "$@" "$(rows "$few")" bench)) / (many - few)))
}

floor_each() {
  local few=5000 many=25000
  echo $((($(counted "$programs/queue" rows "$(rows "$many")") - $(counted "$programs/queue" rows "$(rows "$few")")) / (many - few)))
}

rounds=1
compare floor_each "each $pgwait -t 0 --catchup-sql" 'instructions, a row of a catch-up' 1.2
