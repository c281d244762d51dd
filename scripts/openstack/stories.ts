// Four stories in which events in OpenStack run functions. `scripts/demo-openstack` shows them, tests check their results.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { CloudUser } from './cloud-user.ts'
import { countWords, echo, notify, watchService } from './functions.ts'

export interface Stage {
  user: CloudUser
  /** Sends an event to Aodh's message bus. */
  emitEvent(type: string, traits: Record<string, string>): Promise<void>
  /** Prefix of created names. */
  prefix: string
  say(line: string): void
  /** Registers clean-up for the end, in reverse order. */
  undo(what: () => Promise<unknown>): void
}

export interface Execution {
  id: string
  status: string
  trigger: string
  input: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever functions return
  output: any
  log?: string
  delivery?: object | null
}

const patienceMs = 60_000

/** A message posted to a Zaqar queue runs a function. */
export async function messageStory(stage: Stage): Promise<Execution> {
  const { user, prefix, say, undo } = stage
  const queue = `${prefix}-orders`
  const { id, url } = await webhookOf(stage, await deploy(stage, 'order', echo))
  await user.createQueue(queue)
  undo(() => user.deleteQueue(queue))
  await user.subscribe(queue, url)
  say(`the queue ${queue} has a subscription that calls the webhook of a function`)
  await user.postMessage(queue, { tea: 'green', cups: 2 })
  say('a message is posted: {"tea": "green", "cups": 2}')
  const run = await runOf(stage, `Created by Webhook ${id}`)
  say(`the function ran with it: ${JSON.stringify(run.output.body)}`)
  return run
}

/** An alarm of Aodh runs a function. */
export async function alarmStory(stage: Stage): Promise<Execution> {
  const { prefix, say, emitEvent } = stage
  const { id, url } = await webhookOf(stage, await deploy(stage, 'alarmed', echo))
  await alarm(stage, `${prefix}.instance.error`, { host: 'node-1' }, url)
  say('an alarm for errors of node-1 calls the webhook of a function')
  await emitEvent(`${prefix}.instance.error`, { host: 'node-2' })
  await emitEvent(`${prefix}.instance.error`, { host: 'node-1' })
  say('two events: one of node-2, one of node-1')
  const run = await runOf(stage, `Created by Webhook ${id}`)
  say(`the function ran once, for: ${run.output.reason_data.event.traits.find(isHost)?.[2]}`)
  return run
}

const isHost = ([name]: [string, number, string]): boolean => name === 'host'

/** A function reads an object uploaded to Swift and writes a result back; an alarm of Aodh triggers it. */
export async function uploadByAlarmStory(stage: Stage): Promise<{ run: Execution; result: string }> {
  const { user, prefix, say } = stage
  const container = await containers(stage, `${prefix}-a`)
  const { id, url } = await webhookOf(stage, await deploy(stage, 'count-a', countWords))
  const traits = { target_action: 'put', target_metadata_container: container }
  await alarm(stage, 'objectstore.http.request', traits, url)
  say(`an alarm for uploads to the container ${container} calls the webhook of a function`)
  await user.putObject(container, 'poem.txt', 'the moon over the mountain pass')
  say('poem.txt is uploaded')
  const run = await runOf(stage, `Created by Webhook ${id}`)
  return { run, result: await result(stage, container, 'poem.txt') }
}

/** The same without Aodh: Taibai watches the container. */
export async function uploadBySourceStory(stage: Stage): Promise<{ run: Execution; result: string; source: string }> {
  const { user, prefix, say, undo } = stage
  const container = await containers(stage, `${prefix}-s`)
  const functionId = await deploy(stage, 'count-s', countWords)
  const wish = { type: 'swift', container, function_id: functionId, interval: 1 }
  const source = await user.taibai('POST', '/v1/sources', wish)
  undo(() => user.taibai('DELETE', `/v1/sources/${source.id}`))
  say(`a source watches the container ${container} for a function, each second`)
  await user.putObject(container, 'song.txt', 'three short words')
  say('song.txt is uploaded')
  const run = await runOf(stage, `Created by Source ${source.id}`)
  return { run, result: await result(stage, container, 'song.txt'), source: source.id }
}

/** The result of an accepted run comes as a message into a Zaqar queue. */
export async function resultStory(stage: Stage): Promise<{ run: Execution; message: unknown }> {
  const { user, prefix, say, undo } = stage
  const queue = `${prefix}-results`
  undo(() => user.deleteQueue(queue))
  const functionId = await deploy(stage, 'brew', echo)
  await user.taibai('PUT', `/v1/functions/${functionId}`, { on_success: { queue, ttl: 300 } })
  say(`what a function returns goes to the queue ${queue}`)
  const wish = { function_id: functionId, sync: false, input: '{"tea":"green","cups":2}' }
  const { id } = await user.taibai('POST', '/v1/executions', wish)
  const [message] = await until('the result is in the queue', async () => {
    const messages = await user.messages(queue)
    return messages.length > 0 ? messages : undefined
  })
  say(`in the queue: ${JSON.stringify(message)}`)
  const run = await until('it is noted', async () => {
    const found = await user.taibai('GET', `/v1/executions/${id}`)
    return found.delivery?.state === 'pending' ? undefined : found
  })
  return { run, message }
}

/** A function learns of a failing service and reports it to a queue; a second function notifies somebody. */
export async function failingServiceStory(stage: Stage): Promise<{ told: string; runs: Execution[] }> {
  const { user, prefix, say, undo } = stage
  const listener = await listen(stage)
  const queue = `${prefix}-reports`
  await user.createQueue(queue)
  undo(() => user.deleteQueue(queue))
  const watch = await webhookOf(stage, await deploy(stage, 'watch', watchService, { QUEUE: queue }))
  const second = await webhookOf(stage, await deploy(stage, 'notify', notify, { NOTIFY_URL: listener.url }))
  await user.subscribe(queue, second.url)
  say(`a function reports failing services to the queue ${queue}; the queue's subscription runs a second function`)
  await call(watch.url, { service: 'database', state: 'down' })
  say('the first function is told: the database is down')
  const told = await until('somebody is notified', async () => listener.told[0])
  say(`somebody is notified: ${told}`)
  const runs = [
    await runOf(stage, `Created by Webhook ${watch.id}`),
    await runOf(stage, `Created by Webhook ${second.id}`),
  ]
  return { told, runs }
}

/** Returns its id. */
async function deploy(stage: Stage, name: string, content: string, env: Record<string, string> = {}): Promise<string> {
  const { user, prefix, undo } = stage
  const code = { source: 'inline', filename: 'main.mjs', content }
  const wish = { name: `${prefix}-${name}`, runtime: 'nodejs', code, env, timeout: 30 }
  const { id } = await user.taibai('POST', '/v1/functions', wish)
  undo(() => user.taibai('DELETE', `/v1/functions/${id}`))
  return id
}

async function webhookOf({ user, undo }: Stage, functionId: string): Promise<{ id: string; url: string }> {
  const { id, webhook_url: url } = await user.taibai('POST', '/v1/webhooks', { function_id: functionId })
  undo(() => user.taibai('DELETE', `/v1/webhooks/${id}`))
  return { id, url }
}

async function alarm(stage: Stage, type: string, traits: Record<string, string>, action: string): Promise<void> {
  const { user, prefix, undo } = stage
  const id = await user.createAlarm(`${prefix}-${type}`, type, traits, action)
  undo(() => user.deleteAlarm(id))
}

/** Creates a container for input, whose name is returned, and one for results. */
async function containers({ user, undo }: Stage, container: string): Promise<string> {
  for (const name of [container, `${container}-out`]) {
    await user.putContainer(name)
    undo(() => user.deleteContainer(name))
  }
  return container
}

async function result({ user, say }: Stage, container: string, object: string): Promise<string> {
  const found = await until('the result is there', () => user.getObject(`${container}-out`, `${object}.json`))
  say(`the function read it and wrote ${object}.json into ${container}-out: ${found}`)
  return found
}

/** The only run with this description, after its end. */
async function runOf({ user }: Stage, description: string): Promise<Execution> {
  const filter = `/v1/executions?description=has:${encodeURIComponent(description)}`
  const ended = await until(`a run is over that was ${description}`, async () => {
    const { executions } = (await user.taibai('GET', filter)) as { executions: Execution[] }
    if (executions.length > 1) throw new Error(`There are ${executions.length} runs ${description}.`)
    return executions.find(({ status }) => status !== 'running')
  })
  const run = (await user.taibai('GET', `/v1/executions/${ended.id}`)) as Execution
  if (run.status === 'success') return run
  throw new Error(`A run ended with ${run.status}: ${JSON.stringify(run)}`)
}

async function call(url: string, json: unknown): Promise<void> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(json), headers })
  if (!response.ok) throw new Error(`POST ${url}: ${response.status} ${await response.text()}`)
}

/** A receiver of notifications. */
async function listen({ undo }: Stage): Promise<{ url: string; told: string[] }> {
  const told: string[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    told.push(text)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, told }
}

async function until<T>(what: string, ask: () => Promise<T | null | undefined>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = await ask()
    if (found !== null && found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain until ${what}.`)
    await pause(100)
  }
}
