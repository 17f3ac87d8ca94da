# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# The most memory while a reader does not read, in MiB: 120 MB wait for it, the buffer takes 64 MiB.

# The load has ended when pgwait says that its buffer is full.
blocked() {
  "$programs/measure" -r none "$(load 1000 120000) && until test -s '$work/warning'; do sleep 0.05; done" \
    "$pgwait" --ready-fd 9 bench 2> >(grep --line-buffered 'too slow' >"$work/warning") | per 1024 peak
  rm "$work/warning"
}

for ((i = 0; i < rounds; i++)); do
  blocked >>"$work/blocked"
done
printf '%-44s %24s %24s %7s %7s\n' 'MiB, the reader of a pipe is asleep' - "$(summary <"$work/blocked")" - 68
