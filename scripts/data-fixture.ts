// Makes a fixture of data folders from a source tree: node scripts/data-fixture.ts TREE NAME
// Starts the server of TREE (a release, or the commit before a schema change) with the process engine, creates one object of each
// kind, and ends the server twice: killed with active and queued runs, and stopped. test/fixtures/NAME.tgz contains both folders
// and the server's responses; test/process/data-of-releases.test.ts opens them with the current program.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { strToU8, zipSync } from 'fflate'

/** The server's responses, by path. */
type Answers = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Json = any

const [tree, name] = process.argv.slice(2)
if (tree === undefined || name === undefined) throw new Error('Say the source tree and the name of the fixture.')

const workFolder = mkdtempSync(join(tmpdir(), 'taibai-fixture-'))
const url = 'http://127.0.0.1:7199'
/** Base URL of webhooks in the recorded responses; the test uses the same. */
const publicUrl = 'https://fixture.example'
const data = join(workFolder, 'data')

async function main(): Promise<void> {
  const first = await startServer()
  await makeEverything()
  await stop(first, 'SIGTERM')
  addSource()
  const second = await startServer()
  await settled()
  const stopped = await allAnswers()
  await stop(second, 'SIGTERM')
  cpSync(data, join(workFolder, 'stopped'), { recursive: true })

  const third = await startServer({ TAIBAI_MAX_ASYNC_RUNNING: '1' })
  const underWay = await leaveRunsUnderWay()
  const killed = await allAnswers()
  await stop(third, 'SIGKILL')
  cpSync(data, join(workFolder, 'killed'), { recursive: true })
  for (const folder of ['stopped', 'killed']) rmSync(join(workFolder, folder, 'workers'), { recursive: true })
  const answers = { stopped: { answers: stopped }, killed: { answers: killed, ...underWay } }
  writeFileSync(join(workFolder, 'answers.json'), JSON.stringify(answers, null, 1))
  const packed = resolve(import.meta.dirname, '../test/fixtures', `${name}.tgz`)
  execFileSync('tar', ['-czf', packed, '-C', workFolder, 'stopped', 'killed', 'answers.json'])
  rmSync(workFolder, { recursive: true })
  console.log(packed)
}

async function makeEverything(): Promise<void> {
  const inline = (content: string, filename = 'main.mjs') => ({ source: 'inline', filename, content })
  const greet = 'export const main = (event) => { console.log("greeting"); return { hello: event?.name ?? "you" } }'
  const made = await post('/v1/functions', {
    name: 'greet',
    runtime: 'nodejs',
    description: 'says hello',
    code: inline(greet),
    env: { MOOD: 'good', EMPTY: '' },
    concurrency: 4,
    min_workers: 1,
    max_workers: 3,
    idle_timeout: 600,
    network: 'none',
    cpu_max: 1500,
    memory_size: 134217728,
    timeout: 30,
  })
  const later = 'export const main = ({ ms = 0, n } = {}) => new Promise((resolve) => setTimeout(() => resolve(n), ms))'
  const sleeper = { name: 'later', runtime: 'nodejs', code: inline(later), timeout: 60, concurrency: 8 }
  const { id: laterId } = await post('/v1/functions', sleeper)
  const python = 'def main(event, context):\n    return {"python": event}\n'
  await post('/v1/functions', { name: 'snake', runtime: 'python3', code: inline(python, 'main.py') })
  const fails = 'def main(name="x", **kwargs):\n    raise ValueError(name)\n'
  await post('/v1/functions', { name: 'fails', runtime: 'qinling-python3', code: inline(fails, 'main.py') })
  const web = 'export default { fetch: (request) => new Response(request.url.split("/").at(-1), { status: 418 }) }'
  await post('/v1/functions', { name: 'web', runtime: 'nodejs', signature: 'http', code: inline(web) })
  const zip = zipSync({
    'app.mjs': strToU8('import { two } from "./lib/two.mjs"\nexport const handler = () => two\n'),
    'lib/two.mjs': strToU8('export const two = 2\n'),
  })
  await post('/v1/functions?name=zipped&runtime=nodejs&entry=app.handler', zip)
  await post('/v1/functions', { code: { source: 'image', image: 'example/none:1' }, name: 'image' })

  await post('/v1/functions/greet/versions', { description: 'the first' })
  await put('/v1/functions/greet', { code: inline(greet.replace('hello:', 'version: 2, hello:')) })
  await post('/v1/functions/greet/versions', {})
  await put('/v1/functions/greet', { code: inline(greet.replace('hello:', 'version: 0, hello:')) })
  await post('/v1/aliases', { name: 'live', function_id: made.id, function_version: 1, description: 'for everybody' })
  await post('/v1/aliases', { name: 'next', function_id: made.id, function_version: 2 })
  await makeRuns(laterId)
}

async function makeRuns(laterId: string): Promise<void> {
  await post('/v1/executions', { function_id: 'greet', input: '{"name": "sync"}' })
  await post('/v1/executions', { function_alias: 'live', input: '{"name": "alias"}' })
  await post('/v1/executions', { function_id: 'snake', input: 'no json' })
  await post('/v1/executions', { function_id: 'fails', input: '{"name": "boom"}' })
  await post('/v1/executions', { function_id: 'zipped', sync: false })
  await post('/fn/greet', { name: 'body' })
  await fetch(`${url}/fn/web/teapot`, { headers: token() })
  const hook = await post('/v1/webhooks', { function_id: 'greet', description: 'from outside' })
  await post('/v1/webhooks', { function_alias: 'next' })
  await post(`/v1/webhooks/${hook.id}/invoke`, { name: 'hook' })
  const every = {
    pattern: '* * * * * *',
    name: 'every second',
    function_id: laterId,
    count: 2,
    function_input: '{"n":7}',
  }
  await post('/v1/jobs', every)
  const yearly = { pattern: '0 3 29 2 *', timezone: 'Europe/Berlin', overlap: 'queue', missed: 'all', missed_limit: 5 }
  await post('/v1/jobs', { ...yearly, name: 'leap years', function_alias: 'live', function_input: '{"name":"job"}' })
  const { id } = await post('/v1/jobs', { pattern: '0 9 * * mon-fri', name: 'paused', function_id: 'snake' })
  await put(`/v1/jobs/${id}`, { status: 'paused' })
  await post('/v1/tokens', { name: 'ci', project_id: 'shop', roles: ['member'] })
  await post('/v1/tokens', { name: 'short', roles: ['admin'], expires_in: 400_000_000 })
  await pause(3000)
}

/** The API can create one only with Keystone. */
function addSource(): void {
  const database = new Sqlite(join(data, 'taibai.db'))
  const { id, project_id } = database.prepare("SELECT * FROM functions WHERE name = 'snake'").get() as Json
  const source = [
    ...['source-1', project_id, 'photos', 'swift', 'in', 'p/', '["created","deleted"]', id, 0, null],
    ...[10, 'paused', 1_760_000_000_000, 1_760_000_000_000, null],
  ]
  database.prepare(`INSERT INTO sources VALUES (${source.map(() => '?')})`).run(source)
  const object = ['source-1', 'p/one.jpg', 'etag-1', 12, '2026-01-02T03:04:05.678900']
  database.prepare(`INSERT INTO source_objects VALUES (${object.map(() => '?')})`).run(object)
  database.close()
}

/** Leaves an active sync run, an active async run, and five queued runs. */
async function leaveRunsUnderWay(): Promise<{ begun: string; queued: string[]; syncBegun: string }> {
  const input = (value: object) => JSON.stringify(value)
  const begun = await post('/v1/executions', { function_id: 'later', sync: false, input: input({ n: 0, ms: 5000 }) })
  const queued: string[] = []
  for (let n = 1; n <= 5; n++) {
    const json = { function_id: 'later', sync: false, input: input({ n }), description: `queued ${n}` }
    queued.push((await post('/v1/executions', json)).id)
  }
  void post('/v1/executions', { function_id: 'later', input: input({ n: 9, ms: 20_000 }) }).catch(() => {})
  await pause(1500)
  const { executions } = await get('/v1/executions?status=running')
  const { id: syncBegun } = executions.find((row: Json) => row.sync)
  return { begun: begun.id, queued, syncBegun }
}

async function settled(): Promise<void> {
  while ((await get('/v1/executions?status=running')).executions.length > 0) await pause(100)
  await pause(1000)
}

async function allAnswers(): Promise<Answers> {
  const answers: Answers = {}
  const ask = async (path: string) => {
    answers[path] = await get(path)
    return answers[path] as Json
  }
  for (const noun of ['runtimes', 'aliases', 'jobs', 'webhooks', 'sources', 'tokens']) await ask(`/v1/${noun}`)
  const { functions } = await ask('/v1/functions')
  for (const { id } of functions) await ask(`/v1/functions/${id}`)
  for (const { id, name } of functions) if (name === 'greet') await ask(`/v1/functions/${id}/versions`)
  const { executions } = await ask('/v1/executions')
  for (const { id } of executions) await ask(`/v1/executions/${id}`)
  return answers
}

async function ask(method: string, path: string, body?: unknown): Promise<Json> {
  const isZip = body instanceof Uint8Array
  const sent = {
    method,
    headers: { ...token(), 'Content-Type': isZip ? 'application/zip' : 'application/json' },
    body: isZip ? new Uint8Array(body) : body === undefined ? undefined : JSON.stringify(body),
  }
  const response = await fetch(url + path, sent)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

const token = () => ({ 'X-Auth-Token': readFileSync(join(data, 'admin.token'), 'utf8').trim() })

const get = (path: string): Promise<Json> => ask('GET', path)
const post = (path: string, body: unknown): Promise<Json> => ask('POST', path, body)
const put = (path: string, body: unknown): Promise<Json> => ask('PUT', path, body)

async function startServer(settings: Record<string, string> = {}): Promise<ChildProcess> {
  const env = {
    ...{ PATH: process.env.PATH, TAIBAI_ENGINE: 'process', TAIBAI_PORT: '7199', TAIBAI_DATA_DIR: data },
    ...{ TAIBAI_GENERIC_WORKERS: '1', TAIBAI_PUBLIC_URL: publicUrl, ...settings },
  }
  const child = spawn(process.execPath, ['src/main.ts'], { cwd: resolve(tree as string), env, stdio: 'inherit' })
  running.add(child)
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error('The server ended while it started.')
    await pause(100)
  }
  return child
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((done) => child.once('exit', done))
  child.kill(signal)
  await ended
  running.delete(child)
}

const running = new Set<ChildProcess>()

try {
  await main()
} finally {
  for (const child of running) child.kill('SIGKILL')
}
