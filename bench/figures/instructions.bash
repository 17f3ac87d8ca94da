# shellcheck shell=bash disable=SC2154,SC2034  # bench/run sets the variables, and uses them
# Instructions of the listener for a notification that comes in a burst, libpq's and the C library's among them: what
# callgrind counts hardly depends on the machine, so that one pair is enough. A floor that escapes as pgwait does, and
# does nothing else, is the one to be compared with: what it writes is the same for any payload.

# counted COUNT SIZE PROGRAM ARG...: for all of a run.
counted() {
  "$programs/measure" "$(load "$2" "$1")" \
    valgrind -q --tool=callgrind --callgrind-out-file="$work/profile" "${@:3}" >/dev/null
  sed -n 's/^totals: //p' "$work/profile"
}

# each SIZE PROGRAM ARG...: for one notification, without the start. The last argument is how many come.
each() {
  local few=5000 many=25000
  echo $((($(counted "$many" "$1" "${@:2}" "$many") - $(counted "$few" "$1" "${@:2}" "$few")) / (many - few)))
}

rounds=1
for size in 60 1000; do
  for mode in text json; do
    options=()
    [[ $mode == text ]] || options=(-j)
    compare "each $size $programs/floor $mode bench" "each $size $pgwait -q ${options[*]} --ready-fd 9 bench -n" \
      "instructions, $mode, $size bytes" -
    compare "each $size $programs/floor -e $mode bench" "each $size $pgwait -q ${options[*]} --ready-fd 9 bench -n" \
      "the same, beside a floor that escapes" "$([[ $size == 60 ]] && echo 1.08 || echo 1.03)"
  done
done
