# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Microseconds by the clock for a row of the spool, of 60 bytes: written when a burst comes, and taken out by a drain.
# Beside it, sqlite3 with the same rows and as many commits: pgwait commits some 700 rows of a burst together, and takes
# 500 rows at a time.

count=50000

for ((i = 0; i < count; i += 700)); do
  cat <<END
INSERT INTO record (kind, channel, payload, pid, time, connection)
  WITH RECURSIVE n(i) AS (SELECT $i UNION ALL SELECT i + 1 FROM n WHERE i < min($count, $i + 700) - 1)
  SELECT 'notification', 'bench', printf('%060d', i), 1, 1, 'postgres@server' FROM n;
END
done >"$work/insert.sql"
for ((i = 0; i < count; i += 500)); do
  echo "SELECT channel, payload, pid FROM record WHERE id > $i ORDER BY id LIMIT 500;"
  echo "DELETE FROM record WHERE id BETWEEN $i + 1 AND $i + 500;"
done >"$work/delete.sql"

sqlite_write() {
  rm -f "$work/table"*
  sqlite3 "$work/table" 'PRAGMA journal_mode = WAL;
    CREATE TABLE record (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, channel TEXT, payload TEXT, pid INTEGER,
      time INTEGER, connection TEXT)' >/dev/null
  "$programs/measure" : sqlite3 "$work/table" 'PRAGMA synchronous = FULL' ".read $work/insert.sql" | per "$count" wall
}

our_write() {
  rm -f "$work/spool"*
  "$programs/measure" "$(load 60 "$count")" "$pgwait" -q -n "$count" --spool "$work/spool" --ready-fd 9 bench |
    per "$count" wall
}

sqlite_read() {
  "$programs/measure" : sqlite3 "$work/table" 'PRAGMA synchronous = FULL' ".read $work/delete.sql" | per "$count" wall
}

our_read() {
  "$programs/measure" : "$pgwait" --from-spool "$work/spool" | per "$count" wall
}

# A drain empties it: each pair has a spool of its own.
sqlite_both() {
  echo "$(sqlite_write) $(sqlite_read)"
}

our_both() {
  echo "$(our_write) $(our_read)"
}

compare sqlite_both our_both 'us for a row into the spool (sqlite3)' 1.0 'us for a row out of the spool (sqlite3)' -
