# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# --work-sql: microseconds by the clock for a row of a table that is worked off, with so many in a transaction, beside a
# libpq loop that does the same. And microseconds from right before a row is sent (BEGIN, INSERT, NOTIFY, COMMIT in one
# query) to the start of its command: the median and the 99th percentile of 500, one at a time.

psql -qX -c 'CREATE TABLE bench_jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text)'

fill() {
  psql -qX -c 'TRUNCATE bench_jobs' -c "INSERT INTO bench_jobs (payload) SELECT lpad(n::text, 60, 'x') FROM generate_series(1, $count) n" \
    -c 'VACUUM ANALYZE bench_jobs'
}

floor_drains() {
  fill
  "$programs/measure" : "$programs/queue" drain "$limit" | per "$count" wall
}

take() {
  echo "DELETE FROM bench_jobs WHERE id IN (SELECT id FROM bench_jobs ORDER BY id FOR UPDATE SKIP LOCKED LIMIT $1) RETURNING payload"
}

we_drain() {
  fill
  "$programs/measure" : "$pgwait" -t 0 --work-sql "$(take "$limit")" bench | per "$count" wall
}

for limit in 1 10 100; do
  count=$((limit == 1 ? 5000 : 20000))
  compare floor_drains we_drain "us for a row of --work-sql, LIMIT $limit" -
done

latencies() {
  sort -n "$work/stamps" | awk '{ v[NR] = $1 } END { print v[int(NR / 2)], v[int(NR * 0.99)] }'
}

# starts OPTION...: pgwait with these options, and 500 rows for it.
starts() {
  mkfifo "$work/ready"
  "$pgwait" -q -n 500 --notify-cmd "exec '$programs/stamp'" --ready-fd 9 "$@" bench >"$work/stamps" 9>"$work/ready" &
  read -r _ <"$work/ready"
  "$programs/queue" send 500
  wait $!
  rm "$work/ready"
  latencies
}

work_starts() {
  psql -qX -c 'TRUNCATE bench_jobs'
  starts --work-sql "$(take 10)"
}

rounds=3
for ((i = 0; i < rounds; i++)); do work_starts; done >"$work/starts"
printf '%-44s %24s %24s %7s %7s\n' 'us from a row to its command, median' - "$(awk '{ print $1 }' "$work/starts" | summary)" - -
printf '%-44s %24s %24s %7s %7s\n' 'us from a row to its command, p99' - "$(awk '{ print $2 }' "$work/starts" | summary)" - -
