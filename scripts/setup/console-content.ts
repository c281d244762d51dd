import { strToU8, zipSync } from 'fflate'
import type { Connection } from '../../src/client/connection.ts'

/** What a server has after a busy day, long names, failures and what waits among it: for pictures of the console. */

// biome-ignore lint/suspicious/noExplicitAny: bodies of every shape
type Json = any

const inline = (filename: string, content: string) => ({ source: 'inline', filename, content })
const longName = 'resize-pictures-of-the-product-catalogue-and-tell-the-warehouse'

const failing = [
  'const deeper = (n) => {',
  '  if (n > 0) return deeper(n - 1)',
  '  throw new TypeError("The order of a customer with a name that is rather long has no address: it cannot be sent.")',
  '}',
  'export const main = () => {',
  '  console.error("checking the order")',
  '  return deeper(9)',
  '}\n',
].join('\n')

const functions: Json[] = [
  {
    ...{ name: 'greet', runtime: 'nodejs', description: 'Says hello to whoever calls.', min_workers: 1 },
    code: inline(
      'main.mjs',
      'export const main = (event) => { console.log("called"); return { hello: event?.name ?? "you" } }',
    ),
    env: {
      MOOD: 'good',
      A_NAME_THAT_IS_LONGER_THAN_THOSE_THAT_ONE_THINKS_OF: 'https://example.org/a/rather/long/value?of=it',
    },
    secrets: ['DATABASE_PASSWORD'],
  },
  {
    ...{ name: longName, runtime: 'python3', timeout: 120, memory_size: 134217728, cpu_max: 1500, max_workers: 4 },
    description:
      'Reads what the shop has uploaded since the last time, makes the five sizes, and says which products have new pictures.',
    code: inline(
      'main.py',
      'import time\n\ndef main(event, context):\n    time.sleep(event.get("s", 0))\n    print("resized", event)\n    return {"sizes": 5}\n',
    ),
  },
  {
    ...{ name: 'fails', runtime: 'nodejs', retries: { max_attempts: 1 } },
    code: inline('main.mjs', failing),
  },
  {
    name: 'slow',
    runtime: 'nodejs',
    timeout: 1,
    code: inline('main.mjs', 'export const main = () => new Promise((done) => setTimeout(done, 5000))'),
  },
  {
    name: 'web',
    runtime: 'nodejs',
    signature: 'http',
    code: inline('main.mjs', 'export default { fetch: () => new Response("hello") }'),
  },
  {
    name: 'image-of-a-registry',
    code: {
      source: 'image',
      image: 'registry.example.org/a-team-with-a-long-name/and-an-image-with-a-longer-one:2026-11-30',
    },
  },
]

const versions = ['the first', 'with a description that says in one long sentence what is different in this version']

const jobs: Json[] = [
  { name: 'every minute', pattern: '* * * * *', function_id: 'greet', function_input: '{"name":"job"}' },
  {
    name: 'pictures-of-the-night-with-a-name-that-is-long',
    pattern: '*/15 22-23,0-5 * * mon-fri',
    function_id: longName,
    timezone: 'America/Argentina/Buenos_Aires',
    overlap: 'queue',
  },
  { name: 'hourly', pattern: '0 * * * *', function_id: 'fails' },
  {
    name: 'once',
    first_execution_time: new Date(Date.now() + 7_200_000).toISOString().slice(0, 19),
    function_id: 'greet',
    count: 1,
  },
]

/** Takes a minute. What the engine at hand cannot do is left out, and said. */
export async function fillServer(connection: Connection): Promise<void> {
  const ask = async (method: string, path: string, json?: unknown): Promise<Json> => {
    const answer = await connection.request(method, path, json === undefined ? {} : { json })
    if (answer.status >= 400 && !path.startsWith('/fn/'))
      console.warn(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`)
    return answer.json ?? {}
  }
  await ask('POST', '/v1/secrets', { name: 'DATABASE_PASSWORD', value: 'not this one' })
  await ask('POST', '/v1/secrets', {
    name: 'A_SECRET_WITH_A_NAME_THAT_IS_AS_LONG_AS_NAMES_OF_SECRETS_MAY_BE_IN_PRACTICE',
    value: 'x',
  })
  for (const fn of functions) await ask('POST', '/v1/functions', fn)
  for (const [at, description] of versions.entries()) {
    const code = inline(
      'main.mjs',
      `export const main = (event) => ({ version: ${at + 1}, hello: event?.name ?? "you" })\n`,
    )
    await ask('PUT', '/v1/functions/greet', { code })
    await ask('POST', '/v1/functions/greet/versions', { description })
  }
  const { id } = await ask('GET', '/v1/functions/greet')
  const alias = { name: 'live', function_id: id, function_version: 1, description: 'for everybody' }
  await ask('POST', '/v1/aliases', { ...alias, weights: { 2: 0.1 } })
  for (const job of jobs) await ask('POST', '/v1/jobs', job)
  const { id: paused } = await ask('POST', '/v1/jobs', { name: 'paused', pattern: '30 6 * * *', function_id: 'greet' })
  await ask('PUT', `/v1/jobs/${paused}`, { status: 'paused' })
  const { id: hook } = await ask('POST', '/v1/webhooks', {
    function_id: 'greet',
    description: 'The shop tells of every order that was paid.',
  })
  await ask('POST', '/v1/webhooks', { function_alias: 'live' })
  for (let n = 0; n < 3; n++) await ask('POST', `/v1/webhooks/${hook}/invoke`, { name: `order ${n}` })
  for (const name of ['ci', 'a token of the people who look after the shop at night'])
    await ask('POST', '/v1/tokens', { name, project_id: 'shop', roles: ['member'] })
  await makeRuns(ask)
  await build(connection)
}

async function makeRuns(ask: (method: string, path: string, json?: unknown) => Promise<Json>): Promise<void> {
  for (let round = 0; round < 12; round++)
    await Promise.all([
      ...Array.from({ length: 25 }, (_, n) => ask('POST', '/fn/greet', { name: `caller ${n}` })),
      ask('POST', `/fn/${longName}`, { s: 1 }),
      ask('POST', '/fn/fails', {}),
      ask('GET', '/fn/web'),
    ])
  await ask('POST', '/fn/slow', {})
  for (let n = 0; n < 6; n++)
    await ask('POST', '/v1/executions', {
      function_id: 'fails',
      sync: false,
      input: `{"order": ${n}}`,
      description: n % 2 ? 'night' : null,
    })
  await ask('POST', '/v1/executions', { function_id: longName, sync: false, delay: 3600, input: '{}' })
  await ask('POST', '/v1/executions', { function_id: longName, sync: false, input: '{"s": 100}' })
}

/** One that is found, and one that no registry has. */
async function build(connection: Connection): Promise<void> {
  for (const [name, dependency] of [
    ['built', 'is-odd'],
    ['built-of-a-package-that-nobody-has', '@taibai-example/none'],
  ]) {
    const list = JSON.stringify({ dependencies: { [dependency as string]: '3.0.1' } })
    const body = Buffer.from(
      zipSync({ 'package.json': strToU8(list), 'main.mjs': strToU8('export const main = () => 1') }),
    )
    const query = { name: name as string, runtime: 'nodejs' }
    await connection.request('POST', '/v1/functions', { query, body, headers: { 'Content-Type': 'application/zip' } })
  }
}
