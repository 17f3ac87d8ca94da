# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Microseconds by the clock for a control command that the server has to answer, beside psql with the same queries.

count=5000
for ((i = 0; i < count / 2; i++)); do
  printf 'listen one c%d\nunlisten one c%d\n' "$i" "$i" >&3
  printf 'LISTEN c%d;\nUNLISTEN c%d;\n' "$i" "$i" >&4
done 3>"$work/commands" 4>"$work/queries"

psql_queries() {
  "$programs/measure" : psql -qAtX -f "$work/queries" | per "$count" wall
}

our_commands() {
  "$programs/measure" : sh -c "{ echo connect one application_name=one; cat '$work/commands'; echo quit; } |
    '$pgwait' -q --control - 2>/dev/null" | per "$count" wall
}

compare psql_queries our_commands 'us for a control command (psql)' -
