# shellcheck shell=bash disable=SC2154  # bench/run sets the variables
# Microseconds by the clock for a row of the spool, of 60 bytes: written when a burst comes, and taken out by a drain.
# Beside it, the same rows in one transaction of sqlite3.

count=50000

sqlite_write() {
  rm -f "$work/table"*
  sqlite3 "$work/table" 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE record (id INTEGER PRIMARY KEY, kind TEXT, channel TEXT, payload TEXT, pid INTEGER, time INTEGER,
      connection TEXT)' >/dev/null
  "$programs/measure" : sqlite3 "$work/table" "INSERT INTO record (kind, channel, payload, pid, time, connection)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $count)
    SELECT 'notification', 'bench', printf('%060d', i), 1, 1, 'postgres@server' FROM n" | per "$count" wall
}

our_write() {
  rm -f "$work/spool"*
  "$programs/measure" "$(load 60 "$count")" "$pgwait" -q -n "$count" --spool "$work/spool" --ready-fd 9 bench |
    per "$count" wall
}

sqlite_read() {
  "$programs/measure" : sqlite3 "$work/table" 'SELECT channel, payload, pid FROM record ORDER BY id; DELETE FROM record' |
    per "$count" wall
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

compare sqlite_both our_both 'us for a row into the spool (sqlite3)' - 'us for a row out of the spool (sqlite3)' -
