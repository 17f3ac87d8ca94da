# usage: psycopg2-listener.py CHANNEL COUNT
import os, select, sys
import psycopg2

if len(sys.argv) < 3:
    sys.exit()
left = int(sys.argv[2])
conn = psycopg2.connect("")
conn.autocommit = True
conn.cursor().execute(f"LISTEN {sys.argv[1]}")
os.write(9, b"\n")
while left > 0:
    select.select([conn], [], [])
    conn.poll()
    sys.stdout.write("".join(f"{n.channel}\t{n.payload}\t{n.pid}\n" for n in conn.notifies))
    sys.stdout.flush()
    left -= len(conn.notifies)
    conn.notifies.clear()
