# shellcheck shell=bash disable=SC2154
# What bench/run, its figures and bench/peers share.

# prepare DIR: sets programs (the directory of the programs in bench/), pgwait, rounds, and work (for temporary
# files).
prepare() {
  local build=${BUILD:-$1/../build}
  programs=$build/bench pgwait=${PGWAIT:-$build/pgwait} rounds=${ROUNDS:-7} work=$SANDBOX_DIR/bench
  [[ -x $programs/measure && -x $pgwait ]] || {
    echo "bench: error: \"$build\" has no programs to run: make -C \"$build\" bench-programs" >&2
    exit 1
  }
  mkdir "$work"
}

# Tables: a row for each figure, the floor's value, pgwait's, and the median of the ratios of pairs.
header() {
  printf '%-44s %24s %24s %7s %7s\n' "$1" "${2-floor}" pgwait ratio target
}

# Reads one number a line: "MEDIAN (MIN-MAX)".
summary() {
  sort -g | awk '
    function show(x) { return sprintf(x < 10 ? "%.3f" : x < 1000 ? "%.1f" : "%.0f", x) }
    { v[NR] = $1 }
    END { m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
          printf "%s (%s-%s)", show(m), show(v[1]), show(v[NR]) }'
}

median() {
  sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# row NAME TARGET FLOOR OURS: two files with a number for each round.
row() {
  printf '%-44s %24s %24s %7s %7s\n' "$1" "$(summary <"$3")" "$(summary <"$4")" \
    "$(paste "$3" "$4" | awk '{ print $2 / $1 }' | median)" "$2"
}

# compare FLOOR OURS NAME TARGET [NAME TARGET]...: FLOOR and OURS are commands that write a number for
# each NAME. They take turns, and who comes first does too.
compare() {
  local floor=$1 ours=$2 i column=1
  shift 2
  for ((i = 0; i < rounds; i++)); do
    if ((i % 2)); then
      $ours >"$work/ours.$i"
      $floor >"$work/floor.$i"
    else
      $floor >"$work/floor.$i"
      $ours >"$work/ours.$i"
    fi
  done
  while (($# > 0)); do
    for who in floor ours; do
      for ((i = 0; i < rounds; i++)); do
        awk -v c=$column '{ print $c }' "$work/$who.$i"
      done >"$work/$who"
    done
    row "$1" "$2" "$work/floor" "$work/ours"
    shift 2
    column=$((column + 1))
  done
}

# load SIZE COUNT: the shell command that sends COUNT notifications of SIZE bytes on channel `bench`.
load() {
  printf '%s' "psql -qAtX -c \"SELECT count(pg_notify('bench', lpad(i::text, $1, 'x')))" \
    " FROM generate_series(1, $2) i\" >/dev/null"
}

# one_by_one SIZE COUNT: the same, each in a transaction of its own.
one_by_one() {
  yes "NOTIFY bench, '$(printf "%0$1d" 1)';" | head -n "$2" >"$work/notify.sql"
  printf '%s' "psql -qAtX -f '$work/notify.sql'"
}

# allow_connections N: as many as that, instead of what a sandbox allows; and all the time that they take.
allow_connections() {
  export PGCONNECT_TIMEOUT=200
  "$SANDBOX_RUN" pg_ctl -D "$SANDBOX_DATA" -l "$SANDBOX_LOG" -s -w -o "-c max_connections=$1" restart
}

# per N NAME...: numbers that `measure` wrote, divided by N.
per() {
  awk -v n="$1" -v list="${*:2}" '{
    split("cpu startup_cpu startup wall resident peak", names, " ")
    for (i in names) value[names[i]] = $i
    k = split(list, asked, " ")
    for (i = 1; i <= k; i++) printf "%.10g ", value[asked[i]] / n
    print "" }'
}
