// Source text of the stories' functions, as a user would write them.

/** Returns its input. */
export const echo = 'export const main = (event) => event\n'

/**
 * Counts the words of an object and stores the result beside it. The input comes from an alarm, with the event as a list of
 * traits, or from a source.
 */
export const countWords = `
export async function main(event, { openstack }) {
  const { container, object } = event.object ? event : fromAlarm(event.reason_data.event.traits)
  const swift = openstack.endpoint('object-store')
  const headers = { 'X-Auth-Token': openstack.token }
  const found = await fetch(\`\${swift}/\${container}/\${object}\`, { headers })
  const words = (await found.text()).split(/\\s+/).filter((word) => word !== '').length
  console.log(\`\${object} has \${words} words\`)
  await fetch(\`\${swift}/\${event.out ?? container + '-out'}/\${object}.json\`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ object, words }),
  })
  return words
}

function fromAlarm(traits) {
  const of = Object.fromEntries(traits.map(([name, , value]) => [name, value]))
  return { container: of.target_metadata_container, object: of.target_metadata_object }
}
`

/** Gets the state of a service, and reports a failure to a queue. */
export const watchService = `
import { randomUUID } from 'node:crypto'

export async function main({ service, state }, { openstack }) {
  if (state === 'up') return 'nothing to report'
  const url = \`\${openstack.endpoint('messaging')}/v2/queues/\${process.env.QUEUE}/messages\`
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'X-Auth-Token': openstack.token, 'Client-ID': randomUUID(), 'Content-Type': 'application/json' },
    body: JSON.stringify({ messages: [{ ttl: 300, body: { service, state } }] }),
  })
  console.log(\`reported that \${service} is \${state}: \${answer.status}\`)
  return answer.status
}
`

/** Gets a report from the queue, and notifies somebody. */
export const notify = `
export async function main({ body }) {
  const text = \`\${body.service} is \${body.state}: please look at it.\`
  const answer = await fetch(process.env.NOTIFY_URL, { method: 'POST', body: text })
  return { text, status: answer.status }
}
`
