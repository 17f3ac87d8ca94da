# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Processor time of the listener for a notification that comes in a burst, in microseconds, without
# what it costs to start.

options_for() { # MODE: sets `options`
  case $1 in
    text) options=() ;;
    nul) options=(-0) ;;
    format) options=(-f '%c %i %e') ;;
    json) options=(-j) ;;
  esac
}

floor_cpu() { # MODE SIZE COUNT [MEASURE-OPTION]...
  "$programs/measure" "${@:4}" "$(load "$2" "$3")" "$programs/floor" "$1" bench "$3" | per "$3" cpu
}

our_cpu() {
  local options
  options_for "$1"
  "$programs/measure" "${@:4}" "$(load "$2" "$3")" \
    "$pgwait" -q "${options[@]}" -n "$3" --ready-fd 9 bench | per "$3" cpu
}

rows() { # WAY MEASURE-OPTION...
  local way=$1 size mode count
  shift
  for size in 60 1000; do
    count=$((size == 60 ? 300000 : 100000))
    for mode in text json format nul; do
      compare "floor_cpu $mode $size $count $*" "our_cpu $mode $size $count $*" \
        "CPU us, $mode, $size bytes, $way" 1.05
    done
  done
}

rows 'socket, /dev/null'
rows 'socket, pipe' -r fast
export PGHOST=127.0.0.1
rows 'TCP, pipe' -r fast
