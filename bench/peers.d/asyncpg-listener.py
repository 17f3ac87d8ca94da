# usage: asyncpg-listener.py CHANNEL COUNT
import asyncio, os, sys
import asyncpg

if len(sys.argv) < 3:
    sys.exit()
left = int(sys.argv[2])


async def main():
    done = asyncio.Event()

    def take(conn, pid, channel, payload):
        global left
        sys.stdout.write(f"{channel}\t{payload}\t{pid}\n")
        left -= 1
        if left == 0:
            done.set()

    conn = await asyncpg.connect()
    await conn.add_listener(sys.argv[1], take)
    os.write(9, b"\n")
    await done.wait()


asyncio.run(main())
