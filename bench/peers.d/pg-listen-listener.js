// usage: pg-listen-listener.js CHANNEL COUNT
const fs = require('fs')
const createSubscriber = require('pg-listen').default

async function main(channel, left) {
  const subscriber = createSubscriber({}, { parse: (text) => text })
  subscriber.notifications.on(channel, (payload) => {
    process.stdout.write(`${channel}\t${payload}\n`)
    if (--left === 0) subscriber.close()
  })
  await subscriber.connect()
  await subscriber.listenTo(channel)
  fs.writeSync(9, '\n')
}

if (process.argv.length > 3) main(process.argv[2], Number(process.argv[3]))
