# usage: py-postgresql-listener.py CHANNEL COUNT
import os, sys
import postgresql.driver

if len(sys.argv) < 3:
    sys.exit()
left = int(sys.argv[2])
db = postgresql.driver.connect(
    user=os.environ["PGUSER"],
    database=os.environ["PGDATABASE"],
    unix=f"{os.environ['PGHOST']}/.s.PGSQL.{os.environ['PGPORT']}",
)
db.listen(sys.argv[1])
os.write(9, b"\n")
for channel, payload, pid in db.iternotifies():
    sys.stdout.write(f"{channel}\t{payload}\t{pid}\n")
    left -= 1
    if left == 0:
        break
