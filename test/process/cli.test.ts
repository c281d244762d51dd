import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cliOf } from '../support/cli-run.ts'
import { DataFolder } from '../support/data-folder.ts'
import { ServerProcess, serverEnvironment, serverProgram } from '../support/server-process.ts'

/** The command line against a real server: from an empty folder to a scheduled function, by person and by program. */

let server: ServerProcess
let folder: string
let run: ReturnType<typeof cliOf>

beforeAll(async () => {
  server = await ServerProcess.start()
  folder = mkdtempSync(join(tmpdir(), 'taibai-cli-'))
  run = cliOf({ localUrl: server.url, localDataDir: server.data.path, configDir: join(folder, 'config') })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

async function must(...argv: string[]) {
  const result = await run(argv)
  expect(result.code, `${argv.join(' ')}: ${result.stderr}`).toBe(0)
  return result
}

function project(name: string, files: Record<string, string>): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content)
  return path
}

const greet = 'export const main = (event) => { console.log("greeting"); return { hello: event?.name ?? "you" } }\n'

describe('A server with another token', () => {
  test('refuses, which is code 4', async () => {
    const stranger = cliOf({ url: server.url, token: 'tb_wrong' })
    expect(await stranger(['list'])).toMatchObject({ code: 4, stderr: expect.stringContaining('token') })
  })
})

describe('What is not there', () => {
  test.each([
    ['a function', ['show', 'nobody'], 5],
    ['a function to call', ['invoke', 'nobody'], 5],
    ['a function to call as HTTP', ['invoke', 'nobody', '--raw'], 5],
    ['a job', ['jobs', 'pause', 'nobody'], 5],
    ['an execution', ['explain', '01a229d7-28df-7000-b54c-3a1f0d8f205c'], 5],
  ])('%s is a sentence and code 5', async (_what, argv, code) => {
    const result = await run(argv)
    expect(result, result.stderr).toMatchObject({ code })
    expect(result.stdout + result.stderr).not.toMatch(/^\s+at /m)
  })
})

describe('A folder', () => {
  test('is deployed once, recognised as unchanged, and changed by what changed', async () => {
    const path = project('greet', { 'main.mjs': greet })
    expect((await must('deploy', path, '--dry-run', '--json')).json).toMatchObject({
      dry_run: true,
      steps: [{ kind: 'create' }],
    })
    expect((await run(['show', 'greet'])).code).toBe(5)
    await must('deploy', path)
    expect((await must('list')).stdout).toMatch(/^NAME +RUNTIME .*\ngreet +nodejs /)
    expect((await must('deploy', path, '--json')).json.steps).toEqual([])
    writeFileSync(join(path, 'main.mjs'), greet.replace('you', 'world'))
    expect((await must('deploy', path, '--timeout', '20', '--json')).json.steps).toEqual([
      { kind: 'change', what: 'function greet', details: ['code', 'timeout: 5 → 20'] },
    ])
    expect((await must('invoke', 'greet', '--json')).json).toMatchObject({
      status: 'success',
      output: { hello: 'world' },
    })
  })

  test('is called with its input, its phases drawn, and its log shown', async () => {
    expect((await must('invoke', 'greet', '{"name": "Du Fu"}', '--json')).json.output).toEqual({ hello: 'Du Fu' })
    const { stdout, stderr } = await must('invoke', 'greet', '--data', '{"name": "Li Bai"}', '-v')
    expect(stdout).toContain('"hello": "Li Bai"')
    expect(stdout).toMatch(/^run +[\d.]+ ms +█/m)
    expect(stderr).toContain('greeting')
    expect((await must('logs', 'greet')).stdout).toContain('greeting\n')
  })

  test('is called as HTTP with the bytes of standard input', async () => {
    const result = await run(['invoke', 'greet', '--raw', '--file', '-'], '{"name":"Du Fu"}')
    expect(result).toMatchObject({ code: 0, stdout: '{"hello":"Du Fu"}' })
  })

  test('is called later, waited for, and explained', async () => {
    expect((await must('invoke', 'greet', '--async')).stdout).toMatch(/is accepted/)
    const { json } = await must('invoke', 'greet', '--async', '--wait', '--json')
    expect(json).toMatchObject({ status: 'success', trigger: 'async' })
    expect((await must('explain', json.id)).stdout).toMatch(/It started (warm|prewarmed|cold)[\s\S]*It succeeded\./)
    expect((await must('executions', json.id)).stdout).toContain('"hello"')
    expect((await must('executions', '--function', 'greet', '--json')).json.at(-1).id).toBe(json.id)
  })

  test('that fails ends the command with code 10 and its stack', async () => {
    const path = project('broken', { 'main.py': 'def main(event, context):\n    return 1 / 0\n' })
    await must('deploy', path)
    const { code, stderr } = await run(['invoke', 'broken'])
    expect(code).toBe(10)
    expect(stderr).toContain('ZeroDivisionError')
    const [last] = (await must('executions', '--function', 'broken', '--json')).json
    expect((await must('explain', last.id)).stdout).toContain('The function failed by itself: ZeroDivisionError')
  })

  test('that does not load is refused by deploy --check, and what was there stays', async () => {
    const path = project('loads', { 'main.mjs': greet })
    await must('deploy', path, '--check')
    writeFileSync(join(path, 'main.mjs'), `console.log('on the way'); import('x'); throw new Error('no database')\n`)
    const { code, stderr } = await run(['deploy', path, '--check'])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/the code could not be loaded: Error: no database[\s\S]*It printed:\non the way/)
    expect((await must('invoke', 'loads', '--json')).json).toMatchObject({ output: { hello: 'you' } })
    await must('deploy', path)
    expect((await run(['invoke', 'loads'])).code).toBe(10)
    const [last] = (await must('executions', '--function', 'loads', '--json')).json.slice(-1)
    expect((await must('explain', last.id)).stdout).toContain('could not be loaded, so the function never ran: Error')
  })

  test('with a list of dependencies says in taibai.yaml that they are not installed', async () => {
    const path = project('listed', {
      'main.mjs': greet,
      'package.json': '{"dependencies": {"left-pad": "1.3.0"}}',
      'taibai.yaml': 'functions:\n  listed: {code: .}\n',
    })
    expect(await run(['deploy', path])).toMatchObject({ code: 2, stderr: expect.stringContaining('builds nothing') })
    writeFileSync(join(path, 'taibai.yaml'), 'functions:\n  listed: {code: ., build: false}\n')
    await must('deploy', path)
    expect((await must('deploy', path, '--json')).json.steps).toEqual([])
    await must('delete', 'listed', '--yes')
  })

  test('whose language nothing tells is refused', async () => {
    const path = project('what', { 'notes.txt': 'x' })
    expect(await run(['deploy', path])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('The runtime of what is not known'),
    })
  })
})

describe('A function', () => {
  test('is given secrets, limits, retries and destinations by options, and loses them by "none"', async () => {
    const path = project('fenced', { 'main.mjs': greet })
    await run(['secret', 'set', 'DB_URL'], 'x')
    await run(['secret', 'set', 'KEY'], 'y')
    const { stdout } = await run(['secret', 'set', 'BUILD_TOKEN'], 'z')
    expect(stdout).toContain("The project's builds see it as TOKEN.")
    const terms = ['--max-running', '3', '--max-rate', '9', '--record', 'summary', '--attempts', '4']
    await must('deploy', path, ...terms, '--on-success', 'greet', '--on-failure', 'https://shop.example.org/dead')
    await must('update', 'fenced', '--secret', 'DB_URL', '--secret', 'KEY=@key.pem')
    const shown = (await must('show', 'fenced', '--json')).json
    expect(shown).toMatchObject({
      max_running: 3,
      max_rate: 9,
      record: 'summary',
      retries: { max_attempts: 4, on: ['error', 'failed', 'timeout'] },
      on_success: { function: 'greet' },
      on_failure: { url: 'https://shop.example.org/dead' },
      secrets: [
        { name: 'DB_URL', as: 'env', to: 'DB_URL' },
        { name: 'KEY', as: 'file', to: 'key.pem' },
      ],
    })
    expect((await must('show', 'fenced')).stdout).toMatch(/^on failure +https:\/\/shop.example.org\/dead$/m)
    expect((await must('deploy', path, ...terms, '--json')).json.steps).toEqual([])
    writeFileSync(join(path, 'main.mjs'), `${greet}\n`)
    await must('deploy', path, '--max-running', 'none', '--attempts', 'none', '--on-success', 'none')
    const after = (await must('show', 'fenced', '--json')).json
    expect(after).toMatchObject({ max_running: null, max_rate: 9, retries: null, on_success: null })
  })

  test('of an image takes another tag; another mode is refused before anything changes', async () => {
    await must('deploy', '--image', 'taibai/tool:1', '--name', 'tool')
    const other = ['taibai/tool:2', '--mode', 'http']
    const refused = await run(['deploy', '--name', 'tool', '--timeout', '9', '--image', ...other])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/another name, or delete it first/) })
    expect((await must('deploy', '--image', 'taibai/tool:2', '--name', 'tool')).stdout).toContain(
      'image: taibai/tool:1 → taibai/tool:2',
    )
    expect((await must('update', 'tool', '--image', 'taibai/tool:1', '--json')).json.code.image).toBe('taibai/tool:1')
    expect((await must('deploy', '--image', 'taibai/tool:1', '--name', 'tool')).stdout).toBe('Nothing has changed.\n')
    await must('delete', 'tool', '--yes')
  })
})

describe('A taibai.yaml', () => {
  test('brings functions, jobs, webhooks and aliases, shows the difference, and again changes nothing', async () => {
    const path = project('shop', {
      'order.mjs': greet,
      'taibai.yaml': [
        'functions:',
        '  order:',
        '    code: order.mjs',
        '    memory_mb: 256',
        '    tmp_mb: 96',
        '    env: {CURRENCY: EUR}',
        '    access: public',
        '    cors: {origins: ["https://shop.example.org"], methods: [GET]}',
        '    hosts: [Shop.example.org]',
        '    max_running: 5',
        '    retries: {on: [failed], max_attempts: 3, backoff: {longest: 9, first: 2}}',
        '    on_failure: {function: greet}',
        '    jobs:',
        '      nightly: {pattern: "0 3 * * *", timezone: Europe/Berlin, input: {name: night}}',
        '    webhooks: {shop: }',
        '    aliases: {order-live: 0}',
      ].join('\n'),
    })
    const first = await must('deploy', path, '--json')
    expect(first.json.steps.map(({ what }: { what: string }) => what)).toEqual([
      'function order',
      'alias order-live',
      'job order/nightly',
      'webhook order/shop',
    ])
    expect((await must('deploy', path)).stdout).toBe('Nothing has changed.\n')
    writeFileSync(join(path, 'order.mjs'), greet.replace('you', 'new'))
    await must('deploy', path)
    expect((await must('invoke', 'order', '--json')).json.output).toEqual({ hello: 'new' })
    await must('env', 'set', 'order', 'EXTRA=1')
    await must('env', 'rm', 'order', 'EXTRA')
    expect((await must('invoke', 'order@order-live', '--json')).json.output).toEqual({ hello: 'new' })
    const [job] = (await must('jobs', 'list', '--json')).json
    expect(job).toMatchObject({ name: 'nightly', function_input: '{"name":"night"}', timezone: 'Europe/Berlin' })
    const [webhook] = (await must('webhooks', 'list', '--json')).json
    expect((await fetch(webhook.webhook_url, { method: 'POST' })).status).toBeLessThan(300)
    expect((await must('env', 'list', 'order')).stdout).toBe('CURRENCY=EUR\n')
    const mib = 1024 * 1024
    expect((await must('show', 'order', '--json')).json).toMatchObject({ memory_size: 256 * mib, tmp_size: 96 * mib })
    await must('update', 'order', '--tmp', '128')
    expect((await must('show', 'order')).stdout).toMatch(/\/tmp +128 MiB/)
    const tooSmall = await run(['update', 'order', '--memory', '1'])
    expect(tooSmall).toMatchObject({ code: 2, stderr: '--memory 1: it must be from 32 to 1024 MiB.\n' })
    expect((await must('show', 'order')).stdout).toMatch(/\nruntime +nodejs\n/)
    expect((await run(['rollback', 'order'])).stderr).toBe(
      'There is no alias "order"; "taibai aliases list" shows all.\n',
    )
    expect((await run(['env', 'rm', 'order', 'NOPE'])).stderr).toBe('order has no variable NOPE.\n')
  })
})

describe('Versions and aliases', () => {
  test('are published, pointed to and rolled back', async () => {
    const path = project('counted', { 'main.mjs': 'export const main = () => 1\n' })
    await must('deploy', path)
    await must('versions', 'publish', 'counted', '--alias', 'counted-live')
    writeFileSync(join(path, 'main.mjs'), 'export const main = () => 2\n')
    await must('deploy', path)
    await must('versions', 'publish', 'counted', '--alias', 'counted-live')
    expect((await must('invoke', 'counted@counted-live')).stdout).toBe('2\n')
    await must('rollback', 'counted-live')
    expect((await must('invoke', 'counted@counted-live')).stdout).toBe('1\n')
    expect(await run(['rollback', 'counted-live'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('oldest'),
    })
    expect((await must('versions', 'list', 'counted')).stdout).toMatch(/^ +1 .*\n +2 /m)
    await must('download', 'counted:1', join(folder, 'counted.zip'))
    expect(readFileSync(join(folder, 'counted.zip')).subarray(0, 2).toString()).toBe('PK')
  })
})

describe('A log that is followed', () => {
  test('shows what new runs print as they print it, and ends with Ctrl-C', async () => {
    const interrupted = new AbortController()
    const onText = (text: string) => text.includes('"text":"greeting') && interrupted.abort()
    const following = run(['logs', 'greet', '-f', '--limit', '0', '--json'], '', interrupted.signal, onText)
    // The stream is there when its first run shows; a run before that is not told of.
    const ticking = setInterval(() => void run(['invoke', 'greet']), 300)
    const { code, stdout } = await following
    clearInterval(ticking)
    expect(code).toBe(0)
    expect(stdout).toContain('"text":"greeting\\n"')
  })
})

describe('A job', () => {
  test('is added, run now, paused, resumed and removed by its name', async () => {
    await must('jobs', 'add', 'greet', '0 9 * * mon-fri', '--name', 'morning', '--input', '{"name": "job"}')
    const { json } = await must('jobs', 'run', 'morning', '--json')
    expect(json.status).toBe('running')
    expect((await must('jobs', 'pause', 'morning')).stdout).toBe('Job morning is paused.\n')
    expect((await must('jobs', 'resume', 'morning')).stdout).toMatch(/is running; its next run is at/)
    await must('jobs', 'rm', 'morning')
    expect((await run(['jobs', 'show', 'morning'])).code).toBe(5)
  })
})

describe('An export', () => {
  test('brings everything to another server, which shows the difference first', async () => {
    const file = join(folder, 'all.taibai')
    await must('export', file)
    await using other = await ServerProcess.start()
    const there = cliOf({ localUrl: other.url, localDataDir: other.data.path })
    const dry = await there(['import', file, '--dry-run'])
    expect(dry.stdout).toContain('+ function counted  2 versions')
    expect((await there(['list', '--json'])).json).toEqual([])
    for (const name of ['DB_URL', 'KEY']) await there(['secret', 'set', name], 'z')
    const imported = await there(['import', file, '--yes'])
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    expect((await there(['invoke', 'counted@counted-live'])).stdout).toBe('1\n')
    expect((await there(['invoke', 'counted'])).stdout).toBe('2\n')
    expect((await there(['jobs', 'list', '--json'])).json).toHaveLength(1)
    const settings = (row: Record<string, unknown>) => {
      const { id: _id, project_id: _project, created_at: _made, updated_at: _changed, count: _calls, ...rest } = row
      return rest
    }
    for (const name of ['order', 'fenced']) {
      const before = settings((await must('show', name, '--json')).json)
      expect(settings((await there(['show', name, '--json'])).json)).toEqual(before)
    }
    expect((await there(['import', file, '--dry-run'])).stdout).toBe('Nothing is different.\n')
  })
})

describe('A backup', () => {
  test('taken while calls run becomes a data folder on which a server starts', async () => {
    const calls = Promise.all(Array.from({ length: 20 }, () => run(['invoke', 'greet', '--async'])))
    await must('backup', join(folder, 'friday.tar'))
    await calls
    expect((await must('backups')).stdout).toContain('The server has no backups')
    await must('backup')
    expect((await must('backups', '--json')).json).toHaveLength(1)
    expect(await run(['restore', join(folder, 'friday.tar'), '--data-dir', server.data.path])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not empty'),
    })
    await using data = new DataFolder()
    rmSync(data.path, { recursive: true })
    await must('restore', join(folder, 'friday.tar'), '--data-dir', data.path)
    await using other = await ServerProcess.start({ data })
    const there = cliOf({ localUrl: other.url, localDataDir: data.path })
    expect((await there(['invoke', 'counted@counted-live'])).stdout).toBe('1\n')
  })
})

describe('The installation', () => {
  test('is looked over by the doctor, who finds the server and its data well', async () => {
    const { findings } = (await must('doctor', '--json')).json
    const of = (area: string) => findings.find((finding: { area: string }) => finding.area === area)
    expect(of('server')).toMatchObject({ says: expect.stringContaining(`answers at ${server.url}`) })
    expect(of('engine')).toMatchObject({ state: 'ok', says: expect.stringContaining('processes') })
    expect(of('permissions')).toMatchObject({ state: 'ok' })
    expect(of('databases')).toMatchObject({ state: 'ok' })
    expect((await must('doctor')).stdout).toContain('WITHOUT ISOLATION')
  })

  test('is replayed with other budgets: by the server, and from its ledger, the same calls', async () => {
    const asked = (await must('simulate', '--budget', '512', '256', '--keep', '60', '--json')).json
    expect(asked.calls).toBeGreaterThan(5)
    expect(asked.policies.map(({ policy }: { policy: string }) => policy)).toContain('fixed 1 min')
    const read = (await must('simulate', '--ledger', join(server.data.path, 'ledger.db'), '--json')).json
    expect(read.calls).toBeGreaterThanOrEqual(asked.calls)
    expect((await must('simulate')).stdout).toMatch(/^POLICY +BUDGET +COLD/m)
    expect((await run(['simulate', '--days', '0'])).stderr).toMatch(/No call ended/)
  })

  test('shows live what is called', async () => {
    const ticking = setInterval(() => void run(['invoke', 'greet']), 200)
    const { json } = await must('top', '--once', '--json')
    clearInterval(ticking)
    expect(json.functions[0]).toMatchObject({ name: 'greet', calls: expect.any(Number) })
    expect(json.server.workers).toBeDefined()
  })

  test('without containers has no images, and says so', async () => {
    expect(await run(['images', 'ls'])).toMatchObject({ code: 1, stderr: expect.stringContaining('plain processes') })
  })

  test('keeps credentials for registries and shows none', async () => {
    const login = await run(['registry', 'login', 'ghcr.io', '-u', 'me'], 'a-secret')
    expect(login, login.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('did not answer') })
    const listed = await must('registry', 'list')
    expect(listed.stdout).toMatch(/^ghcr\.io +me/m)
    expect(login.stdout + listed.stdout).not.toContain('a-secret')
    expect(readFileSync(join(server.data.path, 'registries.json'), 'utf8')).not.toContain('a-secret')
    await must('registry', 'logout', 'ghcr.io')
    expect((await run(['registry', 'logout', 'ghcr.io'])).code).toBe(5)
  })
})

describe('The program as a process', () => {
  const execute = promisify(execFile)
  const program = (...argv: string[]) =>
    execute(process.execPath, [serverProgram, ...argv], {
      env: serverEnvironment({ TAIBAI_URL: server.url, TAIBAI_TOKEN: server.data.adminToken }),
    })

  test('finds its server by the environment, and gives its exit code', async () => {
    expect(JSON.parse((await program('list', '--json')).stdout).length).toBeGreaterThan(2)
    await expect(program('show', 'nobody')).rejects.toMatchObject({ code: 5 })
    await expect(program('nonsense')).rejects.toMatchObject({ code: 2 })
  })

  test('shows the state of the server, its tokens, workers and numbers', async () => {
    expect((await program('status')).stdout).toContain('takes calls')
    const made = (await program('token', 'create', 'ci', '--json')).stdout
    expect(JSON.parse(made).token).toMatch(/^tb_/)
    expect((await program('token', 'list')).stdout).toContain('ci')
    expect((await program('workers')).stdout).toMatch(/^ *EVICTION +WORKER +FUNCTION.*\n(.*\n)* *\d*\.? +\w+ +greet /m)
    expect((await program('workers', 'greet')).stdout).toMatch(/^WORKER +VERSION\n\w+ +0/m)
    expect((await program('stats', 'greet')).stdout).toMatch(/^run +/m)
    expect((await program('usage')).stdout).toMatch(/^greet +\d+/m)
    expect((await program('usage', '--csv', '--by', 'day,function')).stdout).toMatch(
      /^\d{4}-\d\d-\d\d,default,.*,greet,/m,
    )
    expect(JSON.parse((await program('openapi')).stdout).openapi).toMatch(/^3\./)
  })
})
