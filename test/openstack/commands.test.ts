import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { OpenStackClient } from '../support/openstack-client.ts'
import { type Mode, modes, runsClient } from '../support/openstack-modes.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Every command of the Qinling plugin, unmodified, against a whole server: what it prints, and how it ends. */

const unknownId = '01234567-89ab-4cde-8f01-23456789abcd'
const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

const greeting = `
def main(name='nobody', context=None, **kwargs):
    print('greeting', name)
    return {'hello': name}


def slow(context=None, **kwargs):
    import time
    print('began', flush=True)
    time.sleep(60)
`

/** The same bytes for the same text. */
const packaged = (text: string): Uint8Array =>
  zipSync(
    { 'app.py': strToU8(`def run(*args, context=None, **kwargs):\n    return [${text}, args, kwargs]\n`) },
    { mtime: '2024-01-02T03:04:05Z' },
  )

/** The columns of each resource, in the plugin's order. */
const columns = {
  runtime: 'id name image status description is_public trusted project_id created_at updated_at',
  function: 'id name description count code runtime_id entry project_id created_at updated_at cpu memory_size timeout',
  version: 'id function_id description version_number count project_id created_at updated_at',
  alias: 'name function_id description function_version project_id created_at updated_at',
  execution:
    'id function_alias function_id function_version description input result status sync project_id created_at updated_at',
  job: 'id name count status function_alias function_id function_version function_input pattern first_execution_time next_execution_time project_id created_at updated_at',
  webhook: 'id function_alias function_id function_version description project_id created_at updated_at webhook_url',
  worker: 'function_id worker_name',
}

const columnsOf = (resource: keyof typeof columns): string[] => columns[resource].split(' ')
const headersOf = (resource: keyof typeof columns): string[] => columnsOf(resource).map(capital)
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** The cells of a table as `openstack` draws it, its header first. */
function cells(table: string): string[][] {
  const rows = table.split('\n').filter((line) => line.startsWith('|'))
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function walkThrough(mode: Mode): void {
  let client: OpenStackClient
  let service: Awaited<ReturnType<Mode['start']>>
  const made: Record<string, string> = {}

  beforeAll(async () => {
    client = await OpenStackClient.start()
    service = await mode.start()
    client.env = service.env
    writeFileSync(join(client.folder, 'greet.py'), greeting)
    writeFileSync(join(client.folder, 'app.zip'), packaged('1'))
    writeFileSync(join(client.folder, 'second.zip'), packaged('2'))
  })
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]()
    await service?.[Symbol.asyncDispose]()
  })

  /** Each test needs what those before it made. */
  let isBroken = false
  beforeEach(({ skip }) => {
    skip(isBroken, 'a command before failed')
    onTestFailed(() => {
      isBroken = true
    })
  })

  const project = () => service.projectId

  describe('runtime', () => {
    test('list shows the built-in runtimes, as a table and as JSON', async () => {
      const [header, ...rows] = cells(await client.says('runtime', 'list'))
      expect(header).toEqual(headersOf('runtime'))
      expect(rows.map((row) => row[1]).sort()).toEqual([
        'executable',
        'nodejs',
        'provided',
        'python3',
        'qinling-nodejs',
        'qinling-python3',
      ])
      const found = await client.json('runtime', 'list')
      const builtin = found.find(({ Name }: { Name: string }) => Name === 'qinling-python3')
      expect(builtin).toMatchObject({ Id: uuid, Status: 'available', Is_public: true, Trusted: true })
      made.image = builtin.Image
      made.builtin = builtin.Id
    })

    test('create shows the new runtime, with a name, a description, private and untrusted', async () => {
      const args = ['--name', 'mine', '--description', 'of my own', '--private', '--untrusted']
      const runtime = await client.json('runtime', 'create', made.image as string, ...args)
      expect(Object.keys(runtime)).toEqual(columnsOf('runtime'))
      expect(runtime).toMatchObject({ id: uuid, image: made.image, name: 'mine', description: 'of my own' })
      expect(runtime).toMatchObject({ is_public: false, trusted: false, project_id: project(), created_at: time })
      made.runtime = runtime.id
    })

    test('show says when it is available, and pool show how many workers it has', async () => {
      const id = made.runtime as string
      await waitUntil(
        'the runtime is available',
        async () => {
          const { status } = await client.json('runtime', 'show', id)
          return status === 'available'
        },
        60_000,
      )
      expect(await client.json('runtime', 'pool', 'show', id)).toEqual({
        name: id,
        capacity: { total: expect.any(Number), available: expect.any(Number) },
      })
    })

    test('show by name, and pool show of nothing, are refused', async () => {
      expect(await client.refused('runtime', 'show', 'nodejs')).toMatch(/UUIDs.* \(HTTP 400\)$/)
      expect(await client.refused('runtime', 'show', unknownId)).toMatch(/not found.*\(HTTP 404\)$/i)
      expect(await client.refused('runtime', 'pool', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
    })
  })

  describe('function', () => {
    test('create takes a file with its entry, for a runtime by its name', async () => {
      const args = ['--runtime', 'qinling-python3', '--file', 'greet.py', '--entry', 'greet.main', '--name', 'greet']
      const fn = await client.json('function', 'create', ...args)
      expect(Object.keys(fn)).toEqual(columnsOf('function'))
      expect(fn).toMatchObject({ id: uuid, name: 'greet', entry: 'greet.main', timeout: 5, cpu: 100, count: 0 })
      expect(fn).toMatchObject({ runtime_id: made.builtin, project_id: project(), memory_size: 33554432 })
      expect(fn.code).toEqual({ source: 'package', md5sum: expect.stringMatching(/^[0-9a-f]{32}$/) })
      made.greet = fn.id
    })

    test('create takes a package and limits, for a runtime by its id', async () => {
      const limits = ['--cpu', '200', '--memory-size', '67108864', '--timeout', '20']
      const args = ['--runtime', made.builtin as string, '--package', 'app.zip', '--entry', 'app.run', '--name', 'app']
      const fn = await client.json('function', 'create', ...args, ...limits)
      expect(fn).toMatchObject({ cpu: 200, memory_size: 67108864, timeout: 20, description: null })
      made.app = fn.id
    })

    test('create takes an image', async () => {
      const fn = await client.json('function', 'create', '--image', 'example/image:1', '--name', 'image')
      expect(fn).toMatchObject({ code: { source: 'image', image: 'example/image:1' }, runtime_id: null, entry: null })
      made.image = fn.id
    })

    test('create is refused in a sentence', async () => {
      const args = ['--runtime', 'qinling-python3', '--file', 'greet.py']
      expect(await client.refused('function', 'create', ...args, '--timeout', '901')).toMatch(/900.*\(HTTP 400\)$/)
      expect(await client.refused('function', 'create', ...args, '--cpu', '1')).toMatch(/\(HTTP 400\)$/)
      const missing = ['--runtime', unknownId, '--file', 'greet.py']
      expect(await client.refused('function', 'create', ...missing)).toMatch(/\(HTTP 404\)$/)
      const object = ['--runtime', 'qinling-python3', '--container', 'none-of-these', '--object', 'o']
      expect(await client.refused('function', 'create', ...object)).toMatch(/\(HTTP 400\)$/)
    })

    test('list shows them, as a table and as JSON, with the code as text', async () => {
      const [header, ...rows] = cells(await client.says('function', 'list'))
      expect(header).toEqual(headersOf('function'))
      expect(rows.map((row) => row[1])).toEqual(['greet', 'app', 'image'])
      const found = await client.json('function', 'list')
      expect(JSON.parse(found[2].Code)).toEqual({ source: 'image', image: 'example/image:1' })
      expect(await client.json('function', 'list', '--filter', `project_id=eq:${project()}`)).toHaveLength(3)
    })

    test('show finds it by name and by id', async () => {
      expect(await client.json('function', 'show', 'greet')).toMatchObject({ id: made.greet })
      expect(cells(await client.says('function', 'show', made.greet as string))).toContainEqual(['name', 'greet'])
      expect(await client.refused('function', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
      expect(await client.refused('function', 'show', 'nobody')).toMatch(/\(HTTP 404\)$/)
    })

    test('update changes a name, limits, and the code', async () => {
      const renamed = ['--name', 'welcome', '--description', 'says hello']
      expect(await client.json('function', 'update', 'greet', ...renamed)).toMatchObject({
        id: made.greet,
        name: 'welcome',
        description: 'says hello',
        updated_at: time,
      })
      expect(await client.json('function', 'update', 'welcome', '--cpu', '150', '--timeout', '30')).toMatchObject({
        cpu: 150,
        timeout: 30,
      })
      const before = await client.json('function', 'show', 'app')
      const after = await client.json('function', 'update', 'app', '--package', 'second.zip')
      expect(after.code.md5sum).not.toBe(before.code.md5sum)
    })

    test('update with a container and an object changes nothing: the plugin loses them', async () => {
      const before = await client.json('function', 'show', 'app')
      const after = await client.json('function', 'update', 'app', '--container', 'c', '--object', 'o')
      expect(after.code).toEqual(before.code)
    })

    test('download gives back the very bytes', async () => {
      expect(await client.says('function', 'download', 'app')).toContain(`${made.app}.zip`)
      expect(read(client, `${made.app}.zip`)).toEqual(Buffer.from(packaged('2')))
      await client.says('function', 'download', made.app as string, '-o', join(client.folder, 'there.zip'))
      expect(read(client, 'there.zip')).toEqual(Buffer.from(packaged('2')))
      expect(await client.refused('function', 'download', 'image')).toMatch(/\(HTTP 405\)$/)
    })
  })

  describe('function version', () => {
    test('create, show and list', async () => {
      const version = await client.json('function', 'version', 'create', 'app', '--description', 'the first')
      expect(Object.keys(version)).toEqual(columnsOf('version'))
      expect(version).toMatchObject({ function_id: made.app, version_number: 1, count: 0, description: 'the first' })
      expect(await client.json('function', 'version', 'show', made.app as string, '1')).toEqual(version)
      const [header, row] = cells(await client.says('function', 'version', 'list', made.app as string))
      expect(header).toEqual(headersOf('version'))
      expect(row?.slice(0, 4)).toEqual([version.id, made.app, 'the first', '1'])
    })

    test('create is refused while the package is the same, and for what is no package', async () => {
      expect(await client.refused('function', 'version', 'create', 'app')).toMatch(/\(HTTP 403\)$/)
      expect(await client.refused('function', 'version', 'create', 'image')).toMatch(/\(HTTP 403\)$/)
      expect(await client.refused('function', 'version', 'show', made.app as string, '9')).toMatch(/\(HTTP 404\)$/)
    })

    test('a second one after the code has changed', async () => {
      await client.says('function', 'update', 'app', '--package', 'app.zip')
      const version = await client.json('function', 'version', 'create', made.app as string)
      expect(version).toMatchObject({ version_number: 2, description: null })
    })
  })

  describe('function alias', () => {
    test('create, show and list', async () => {
      const alias = await client.json('function', 'alias', 'create', 'live', '--function', 'app')
      expect(Object.keys(alias)).toEqual(columnsOf('alias'))
      expect(alias).toMatchObject({ name: 'live', function_id: made.app, function_version: 0, description: '' })
      expect(await client.json('function', 'alias', 'show', 'live')).toEqual(alias)
      const [header, row] = cells(await client.says('function', 'alias', 'list'))
      expect([header, row?.[0]]).toEqual([headersOf('alias'), 'live'])
    })

    test('update moves it, with the version as text', async () => {
      const args = ['--function-version', '1', '--description', 'moved']
      const alias = await client.json('function', 'alias', 'update', 'live', ...args)
      expect(alias).toMatchObject({ function_id: made.app, function_version: 1, description: 'moved' })
    })

    test('a second one of the same name, and an unknown one, are refused', async () => {
      const again = ['function', 'alias', 'create', 'live', '--function', made.greet as string]
      expect(await client.refused(...again)).toMatch(/\(HTTP 400\)$/)
      expect(await client.refused('function', 'alias', 'show', 'dead')).toMatch(/\(HTTP 404\)$/)
    })

    test('its function is not deleted meanwhile', async () => {
      const printed = await client.run('function', 'delete', 'app')
      expect(printed).toMatchObject({ code: 1, stderr: 'Unable to delete the specified function(s).\n' })
      expect(printed.stdout).toMatch(/\(HTTP 403\)\n$/)
    })
  })

  describe('function execution', () => {
    const run = (...args: string[]) => client.json('function', 'execution', 'create', ...args)

    test('create runs the function with a JSON object', async () => {
      const done = await run('--function', 'welcome', '--input', '{"name": "Li Bai"}')
      expect(Object.keys(done)).toEqual(columnsOf('execution'))
      expect(done).toMatchObject({ status: 'success', sync: true, function_id: made.greet, function_version: 0 })
      expect(JSON.parse(done.input)).toEqual({ name: 'Li Bai' })
      expect(JSON.parse(done.result)).toEqual({ duration: expect.any(Number), output: { hello: 'Li Bai' } })
      made.done = done.id
    })

    test('create runs it with plain text, without input, of a version, and by an alias', async () => {
      const outputOf = (done: { result: string }) => JSON.parse(done.result).output
      expect(outputOf(await run('--function', 'app', '--input', 'plain words'))).toEqual([1, ['plain words'], {}])
      expect(outputOf(await run('--function', 'app', '--function-version', '1'))).toEqual([2, [], {}])
      const byAlias = await run('--function-alias', 'live', '--input', '6')
      expect(byAlias).toMatchObject({ function_alias: 'live', function_id: made.app, function_version: 1, input: '6' })
      expect(outputOf(byAlias)).toEqual([2, ['6'], {}])
    })

    test('a run that fails is shown like any other', async () => {
      await client.says('function', 'update', 'welcome', '--entry', 'greet.nothing')
      expect(await run('--function', 'welcome')).toMatchObject({ status: 'failed' })
      await client.says('function', 'update', 'welcome', '--entry', 'greet.slow')
    })

    test('create does not wait with its option', async () => {
      const begun = await run('--function', 'welcome', '--async')
      expect(begun).toMatchObject({ status: 'running', sync: false, result: null })
      made.begun = begun.id
    })

    test('log show prints what it printed, also while it runs', async () => {
      expect(await client.says('function', 'execution', 'log', 'show', made.done as string)).toContain(
        'greeting Li Bai',
      )
      await waitUntil('the run has printed', async () =>
        (await client.says('function', 'execution', 'log', 'show', made.begun as string)).includes('began'),
      )
      expect(await client.refused('function', 'execution', 'log', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
    })

    test('show and list, with filters', async () => {
      expect(await client.json('function', 'execution', 'show', made.done as string)).toMatchObject({ id: made.done })
      const [header, ...rows] = cells(await client.says('function', 'execution', 'list'))
      expect(header).toEqual(headersOf('execution'))
      expect(rows).toHaveLength(6)
      const filters = ['--filter', `function_id=eq:${made.app}`, '--filter', 'status=success']
      const found = await client.json('function', 'execution', 'list', ...filters)
      expect(found.map(({ Function_id }: { Function_id: string }) => Function_id)).toEqual(Array(3).fill(made.app))
      expect(await client.json('function', 'execution', 'list', '--filter', 'status=neq:success')).toHaveLength(2)
      expect(await client.json('function', 'execution', 'list', '--filter', 'description=has:nothing')).toEqual([])
    })

    test('show and create are refused in a sentence', async () => {
      expect(await client.refused('function', 'execution', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
      expect(await client.refused('function', 'execution', 'create', '--function', unknownId)).toMatch(/\(HTTP 404\)$/)
      const alias = ['function', 'execution', 'create', '--function-alias', 'dead']
      expect(await client.refused(...alias)).toMatch(/\(HTTP 404\)$/)
    })
  })

  describe('function worker', () => {
    test('list, scaleup and scaledown', async () => {
      const id = made.app as string
      await client.says('function', 'scaleup', id, '--count', '1')
      const workers = await waitUntil(
        'there are two workers',
        async () => {
          const found = await client.json('function', 'worker', 'list', id)
          return found.length === 2 && found
        },
        60_000,
      )
      expect(workers[0]).toEqual({ Function_id: id, Worker_name: expect.any(String) })
      await client.says('function', 'scaledown', id)
      await waitUntil('there is one worker', async () => {
        const [header, ...rows] = cells(await client.says('function', 'worker', 'list', id))
        expect(header).toEqual(headersOf('worker'))
        return rows.length === 1
      })
    })

    test('detach drops them, of the function and of a version', async () => {
      const id = made.app as string
      expect(await client.says('function', 'detach', id)).toContain('has been accepted.')
      expect(await client.says('function', 'version', 'detach', id, '1')).toContain('has been accepted.')
      await waitUntil('there is no worker', async () => {
        const found = await client.json('function', 'worker', 'list', id)
        return found.length === 0
      })
      // These three tell of failures like of successes; the exit code tells them apart.
      for (const command of ['detach', 'scaleup', 'scaledown']) {
        const printed = await client.run('function', command, unknownId)
        expect(printed).toMatchObject({ code: 1, stdout: expect.stringMatching(/\(HTTP 404\)\n$/) })
      }
    })
  })

  describe('job', () => {
    test('create takes a pattern, one time, and an alias', async () => {
      const args = ['--name', 'nightly', '--pattern', '0 3 * * *', '--function-input', '{"name": "x"}', '--count', '7']
      const job = await client.json('job', 'create', '--function', 'app', ...args)
      expect(Object.keys(job)).toEqual(columnsOf('job'))
      expect(job).toMatchObject({ name: 'nightly', count: 7, status: 'running', function_id: made.app })
      expect(job).toMatchObject({ pattern: '0 3 * * *', function_input: '{"name": "x"}', next_execution_time: time })
      made.job = job.id
      const once = ['--first-execution-time', '2099-01-02T03:04:05Z']
      const single = await client.json('job', 'create', '--function', made.app as string, ...once)
      expect(single).toMatchObject({ count: 1, pattern: null, first_execution_time: '2099-01-02T03:04:05Z' })
      made.single = single.id
      const byAlias = await client.json('job', 'create', '--function-alias', 'live', '--pattern', '@hourly')
      expect(byAlias).toMatchObject({ function_alias: 'live', function_id: null, function_version: 0 })
      made.aliasJob = byAlias.id
    })

    test('create is refused without a time, and with one that has passed', async () => {
      expect(await client.refused('job', 'create', '--function', 'app')).toMatch(/pattern.*\(HTTP 400\)$/)
      const past = ['--first-execution-time', '2001-01-01T00:00:00Z']
      expect(await client.refused('job', 'create', '--function', 'app', ...past)).toMatch(/\(HTTP 400\)$/)
    })

    test('show, list, update, pause and resume', async () => {
      const id = made.job as string
      expect(await client.json('job', 'show', id)).toMatchObject({ id, status: 'running' })
      const [header, ...rows] = cells(await client.says('job', 'list'))
      expect([header, rows.length]).toEqual([headersOf('job'), 3])
      expect(await client.json('job', 'update', id, '--status', 'paused')).toMatchObject({ status: 'paused' })
      expect(await client.json('job', 'update', id, '--status', 'running', '--name', 'n')).toMatchObject({ name: 'n' })
      expect(await client.json('job', 'update', id, '--pattern', '0 4 * * *')).toMatchObject({ pattern: '0 4 * * *' })
      expect(await client.refused('job', 'update', id, '--status', 'done')).toMatch(/\(HTTP 400\)$/)
      expect(await client.refused('job', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
    })

    test('delete', async () => {
      const ids = [made.job, made.single, made.aliasJob] as string[]
      expect(await client.says('job', 'delete', ...ids)).toBe(
        ids.map((id) => `Request to delete job ${id} has been accepted.\n`).join(''),
      )
      expect((await client.says('job', 'list')).trim()).toBe('')
    })
  })

  describe('webhook', () => {
    test('create for a function and for an alias', async () => {
      const webhook = await client.json('webhook', 'create', '--function', 'app', '--description', 'mine')
      expect(Object.keys(webhook)).toEqual(columnsOf('webhook'))
      expect(webhook).toMatchObject({ function_id: made.app, function_version: 0, description: 'mine' })
      made.webhook = webhook.id
      made.url = webhook.webhook_url
      const byAlias = await client.json('webhook', 'create', '--function-alias', 'live')
      expect(byAlias).toMatchObject({ function_alias: 'live', function_id: null, function_version: null })
      made.aliasWebhook = byAlias.id
    })

    test('its URL runs the function, without a token', async () => {
      const answer = await fetch(made.url as string, { method: 'POST', body: '{"a": 1}', headers: json })
      expect(answer.status).toBe(202)
      const { execution_id: id } = (await answer.json()) as { execution_id: string }
      const done = await waitUntil('the run is over', async () => {
        const shown = await client.json('function', 'execution', 'show', id)
        return shown.status !== 'running' && shown
      })
      expect(done).toMatchObject({ status: 'success', description: `Created by Webhook ${made.webhook}` })
      expect(JSON.parse(done.result).output).toEqual([1, [], { a: 1 }])
    })

    test('show, list and update', async () => {
      const id = made.webhook as string
      expect(await client.json('webhook', 'show', id)).toMatchObject({ id, webhook_url: made.url })
      const [header, ...rows] = cells(await client.says('webhook', 'list'))
      expect([header, rows.length]).toEqual([headersOf('webhook'), 2])
      const moved = ['--function-version', '1', '--description', 'moved']
      expect(await client.json('webhook', 'update', id, ...moved)).toMatchObject({
        function_id: made.app,
        function_version: 1,
        description: 'moved',
      })
      expect(await client.refused('webhook', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
    })

    test('delete goes on after a failure, and tells of both', async () => {
      const printed = await client.run('webhook', 'delete', made.webhook as string, unknownId)
      expect(printed).toMatchObject({ code: 1, stderr: 'Unable to delete the specified webhook(s).\n' })
      expect(printed.stdout).toMatch(/^Request to delete webhook .* has been accepted\.\n.*\(HTTP 404\)\n$/)
      await client.says('webhook', 'delete', made.aliasWebhook as string)
    })
  })

  describe('everything is deleted in the end:', () => {
    test('executions, one by one and of a function', async () => {
      await client.says('function', 'execution', 'delete', '--execution', made.done as string)
      await client.says('function', 'execution', 'delete', '--function', made.greet as string, made.app as string)
      expect(await client.json('function', 'execution', 'list')).toEqual([])
      expect(await client.says('function', 'execution', 'delete')).toBe('')
    })

    test('aliases, versions, functions and runtimes', async () => {
      await client.says('function', 'alias', 'delete', 'live')
      expect(await client.says('function', 'version', 'delete', made.app as string, '2')).toBe('')
      await client.says('function', 'delete', 'app', made.greet as string, 'image')
      expect(await client.json('function', 'list')).toEqual([])
      await client.says('runtime', 'delete', made.runtime as string)
      await waitUntil(
        'the runtime is gone',
        async () => (await client.json('runtime', 'list')).length === builtinRuntimes,
      )
    })

    test('and no command was left out', () => {
      expect(client.commands).toHaveLength(40)
      expect([...client.given].sort()).toEqual(client.commands)
    })
  })
}

/** Rows that each server has from its start. */
const builtinRuntimes = 6
const json = { 'Content-Type': 'application/json' }
const read = (client: OpenStackClient, name: string): Buffer => readFileSync(join(client.folder, name))

/** The rest runs in a client that is loaded once; this is how users start it. */
runsClient('The program /usr/bin/openstack', () => {
  test('prints what it does, and ends with 1 and a sentence when it is refused', async () => {
    await using server = await ServerProcess.start({ settings: { TAIBAI_AUTH: 'none' } })
    const env = { PATH: process.env.PATH, OS_AUTH_TYPE: 'none', OS_ENDPOINT: server.url }
    const run = (...args: string[]) => spawnSync('/usr/bin/openstack', args, { env, encoding: 'utf8' })
    const listed = run('runtime', 'list', '-f', 'json')
    expect(listed).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(listed.stdout)).toHaveLength(builtinRuntimes)
    const refused = run('runtime', 'show', unknownId)
    expect(refused).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/\(HTTP 404\)\n$/) })
  })
})

for (const mode of modes)
  mode.run(`The openstack command ${mode.name}`, () => (mode.isWhole ? walkThrough : greeted)(mode))

/** A command of each kind: it reads, sends a form with a file, sends JSON, changes, fetches a file, removes, is refused. */
function greeted(mode: Mode): void {
  test('is known with each kind of request, and refused with another token', async () => {
    await using client = await OpenStackClient.start()
    await using service = await mode.start()
    client.env = service.env
    writeFileSync(join(client.folder, 'app.zip'), packaged('1'))
    expect(await client.json('runtime', 'list')).toHaveLength(builtinRuntimes)
    const args = ['--runtime', 'qinling-python3', '--package', 'app.zip', '--entry', 'app.run', '--name', 'app']
    const fn = await client.json('function', 'create', ...args)
    expect(fn).toMatchObject({ name: 'app', project_id: service.projectId })
    const done = await client.json('function', 'execution', 'create', '--function', 'app', '--input', '6')
    expect(JSON.parse(done.result).output).toEqual([1, ['6'], {}])
    expect(await client.json('function', 'update', 'app', '--timeout', '30')).toMatchObject({ timeout: 30 })
    expect(await client.says('function', 'download', 'app')).toContain(`${fn.id}.zip`)
    expect(read(client, `${fn.id}.zip`)).toEqual(Buffer.from(packaged('1')))
    expect(await client.refused('function', 'show', unknownId)).toMatch(/\(HTTP 404\)$/)
    await client.says('function', 'execution', 'delete', '--execution', done.id)
    await client.says('function', 'delete', 'app')
    expect(await client.json('function', 'list')).toEqual([])
    client.env = { ...service.env, OS_TOKEN: 'tb_wrong' }
    expect(await client.refused('function', 'list')).toMatch(/\(HTTP 401\)$/)
  })
}
