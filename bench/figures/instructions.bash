# shellcheck shell=bash disable=SC2154,SC2034  # bench/run sets the variables, and uses them
# Instructions of the listener for a notification that comes in a burst, libpq's and the C library's among them: what
# callgrind counts hardly depends on the machine, so that one pair is enough.

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
  compare "each $size $programs/floor text bench" "each $size $pgwait -q --ready-fd 9 bench -n" \
    "instructions, text, $size bytes" 1.05
  compare "each $size $programs/floor json bench" "each $size $pgwait -q -j --ready-fd 9 bench -n" \
    "instructions, json, $size bytes" 1.05
done
