// usage: pg-listener.js CHANNEL COUNT
const fs = require('fs')
const { Client } = require('pg')

async function main(channel, left) {
  const client = new Client()
  client.on('notification', (n) => {
    process.stdout.write(`${n.channel}\t${n.payload}\t${n.processId}\n`)
    if (--left === 0) client.end()
  })
  await client.connect()
  await client.query(`LISTEN ${channel}`)
  fs.writeSync(9, '\n')
}

if (process.argv.length > 3) main(process.argv[2], Number(process.argv[3]))
