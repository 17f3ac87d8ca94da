# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# What it costs to run commands: beside xargs, which does nothing else.

# Processor time for a run, the command's included, in microseconds.
xargs_cpu() {
  "$programs/measure" : sh -c 'seq 200 | xargs -n1 sh -c "echo >&2"' 2>/dev/null | per 200 cpu
}

idle_cpu() {
  "$programs/measure" : "$pgwait" -q -t 0.01 -m 2 --idle-cmd 'echo >&2' --ready-fd 9 bench \
    2>"$work/runs" >"$work/cost"
  per "$(wc -l <"$work/runs")" cpu <"$work/cost"
}

# Microseconds by the clock for a run.
xargs_clock() {
  "$programs/measure" : sh -c 'seq 2000 | xargs -n1 true' | per 2000 wall
}

notify_clock() {
  "$programs/measure" "$(load 60 2000)" "$pgwait" -q -n 2000 --notify-cmd true --ready-fd 9 bench | per 2000 wall
}

compare xargs_cpu idle_cpu 'CPU us for a run of --idle-cmd (xargs)' -
compare xargs_clock notify_clock 'us for a run of --notify-cmd (xargs)' -
