import { once } from 'node:events'
import mqtt from 'mqtt'

const { MQTT_URL, TOPIC, CLIENT_ID } = process.env
const most = 1000
/** Without a message for this time, nothing waits any more. */
const quietMs = 1000
/** Left for saying goodbye before the run has to end. */
const spareMs = 5000

/** Takes what the broker has kept for this name since the run before. */
export async function main(_event, context) {
  const client = mqtt.connect(MQTT_URL, { clientId: CLIENT_ID, clean: false, reconnectPeriod: 0, connectTimeout: 5000 })
  const counts = { handled: 0, failed: 0 }
  const quiet = Promise.withResolvers()
  let timer
  const wait = (ms) => {
    clearTimeout(timer)
    timer = setTimeout(quiet.resolve, ms)
  }
  // `done` acknowledges a message: one that was not, because the run was killed, comes again.
  client.handleMessage = (message, done) => {
    counts[taken(client, message)]++
    done()
    const isOver = counts.handled + counts.failed >= most || context.getRemainingTimeInMillis() < spareMs
    wait(isOver ? 0 : quietMs)
  }
  await once(client, 'connect')
  await client.subscribeAsync(TOPIC, { qos: 1 })
  wait(quietMs)
  await quiet.promise
  await client.endAsync()
  return counts
}

function taken(client, { topic, payload }) {
  try {
    handle(topic, payload.toString())
    return 'handled'
  } catch (error) {
    console.error('failed:', topic, error.message)
    client.publish(`failed/${topic}`, payload, { qos: 1 })
    return 'failed'
  }
}

function handle(topic, text) {
  console.log('handled', topic, JSON.parse(text))
}
