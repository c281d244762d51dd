/** The programmable function of the conformance list: does what the event says (see runtimes/README.md). */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

let count = 0

const deeds = {
  echo: ({ value }) => value,
  text: ({ value, times = 1 }) => value.repeat(times),
  bytes: () => Uint8Array.from({ length: 256 }, (_, n) => n),
  nothing: () => undefined,
  sleep: async ({ ms }) => {
    await sleep(ms)
    return 'slept'
  },
  block,
  throw: ({ message }) => {
    throw new TypeError(message)
  },
  print,
  raw,
  at_end: ({ stdout }) => {
    process.on('SIGTERM', () => {
      console.log(stdout)
      process.exit()
    })
    return null
  },
  local_time: ({ seconds }) => {
    const it = new Date(seconds * 1000)
    return [it.getHours(), it.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
  },
  last_words: ({ stderr }) => {
    writeSync(2, stderr)
    process.kill(process.pid, 'SIGKILL')
  },
  chatter,
  flood,
  exit: ({ code }) => process.exit(code),
  loop: () => {
    for (;;);
  },
  memory: ({ mb }) => {
    Buffer.alloc(mb * 1024 * 1024, 1)
    return null
  },
  objects: ({ mb }) => {
    const held = Array.from({ length: mb }, (_, at) => new Array(131_072).fill(at + 0.5))
    return held.length
  },
  unserialisable: () => ({ big: 1n }),
  api: (_event, context) => {
    console.log(context, JSON.stringify(context))
    return context.api && { url: context.api.url, token: context.api.token, env: process.env.TAIBAI_API }
  },
  context: (_event, context) => ({
    execution_id: context.executionId,
    function_id: context.functionId,
    function_name: context.functionName,
    function_version: context.functionVersion,
    project_id: context.projectId,
    deadline_ms: context.deadlineMs,
    remaining_ms: context.getRemainingTimeInMillis(),
    trigger: context.trigger,
    traceparent: context.traceparent,
    language_version: context.languageVersion,
  }),
  cloudevent: (_event, { cloudevent = null }) => cloudevent,
  request: (_event, { request = null }) => request && { ...request, body: request.body?.toString('base64') ?? null },
  openstack: ({ type, region }, context) => {
    console.log(context, JSON.stringify(context))
    const { openstack } = context
    if (openstack === null) return null
    const { token, authUrl, projectId, userId, roles, catalog } = openstack
    const url = openstack.endpoint(type, { region })
    return { token, auth_url: authUrl, project_id: projectId, user_id: userId, roles, services: catalog.length, url }
  },
  env: ({ name }) => process.env[name] ?? null,
  count: () => ++count,
  aborted,
  read: ({ path }) => readFileSync(path, 'utf8'),
  write: ({ path, bytes }) => {
    writeFileSync(path, Buffer.alloc(bytes, 1))
    return bytes
  },
  list: ({ path }) => readdirSync(path).sort(),
  connect,
  spawn: spawnMany,
  run: ({ argv }) => {
    const { status, error, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
    if (error) throw error
    return { code: status, stdout, stderr }
  },
}

export function main(event, context) {
  if (event === null) return { none: true }
  if (typeof event === 'string') return { text: event }
  if (event instanceof Uint8Array) return { bytes: event.length, sum: event.reduce((sum, byte) => sum + byte, 0) }
  return deeds[event.do](event, context)
}

function block({ ms, stdout }) {
  if (stdout !== undefined) console.log(stdout)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  return 'blocked'
}

function print({ stdout, stderr }) {
  if (stdout !== undefined) console.log(stdout)
  if (stderr !== undefined) console.error(stderr)
  return null
}

async function chatter({ lines, tag }) {
  for (let line = 0; line < lines; line++) {
    console.log(`${tag} ${line}`)
    await sleep(1)
  }
  return tag
}

function flood({ bytes }) {
  const line = 'x'.repeat(99)
  for (let left = bytes; left > 0; left -= 100) console.log(left < 100 ? line.slice(0, left - 1) : line)
  return null
}

function raw({ by, stdout, ms = 0, before }) {
  if (before !== undefined) console.log(before)
  if (by === 'descriptor') writeSync(1, `${stdout}\n`)
  if (by === 'file') writeFileSync('/dev/stdout', `${stdout}\n`)
  if (by === 'child') spawnSync('echo', [stdout], { stdio: 'inherit' })
  if (by === 'flood') spawnSync('sh', ['-c', `yes | head -c ${stdout}`], { stdio: 'inherit' })
  if (by === 'late') spawn('sh', ['-c', 'sleep "$0"; echo "$1"', String(ms / 1000), stdout], { stdio: 'inherit' })
  return null
}

async function aborted({ ms }, { signal }) {
  console.log('begun')
  try {
    await sleep(ms, undefined, { signal })
    return false
  } catch {
    console.log('aborted')
    return true
  }
}

async function connect({ host, port }) {
  const socket = connectTcp({ host, port, timeout: 2000 })
  socket.once('timeout', () => socket.destroy(new Error('no connection within 2 s')))
  try {
    await once(socket, 'connect')
    return 'connected'
  } finally {
    socket.destroy()
  }
}

async function spawnMany({ count }) {
  for (let started = 0; started < count; started++) {
    if (!(await starts())) return started
  }
  return count
}

async function starts() {
  try {
    await once(spawn('sleep', ['10'], { stdio: 'ignore' }), 'spawn')
    return true
  } catch {
    return false
  }
}
