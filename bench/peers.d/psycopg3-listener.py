# usage: psycopg3-listener.py CHANNEL COUNT
import os, sys
import psycopg

if len(sys.argv) < 3:
    sys.exit()
left = int(sys.argv[2])
conn = psycopg.connect("", autocommit=True)
conn.execute(f"LISTEN {sys.argv[1]}")
os.write(9, b"\n")
for n in conn.notifies():
    sys.stdout.write(f"{n.channel}\t{n.payload}\t{n.pid}\n")
    left -= 1
    if left == 0:
        break
