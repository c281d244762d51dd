import { request } from 'node:http'
import { strToU8, unzipSync, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askDocker } from '../support/docker-api.ts'
import { engines } from '../support/engines.ts'
import { atWork, ended } from '../support/executions-of.ts'
import { fixtureActions, web } from '../support/fixture-functions.ts'
import { oneGenericWorker, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Functions of a whole server, deployed and called as users do it: over its port, with real SQLite and real workers. */

const maxBodyBytes = 2 * 1024 * 1024

for (const { engine, run, languages } of engines) {
  run(`Functions of a server with the ${engine} engine`, () => {
    let server: ServerProcess
    beforeAll(async () => {
      server = await ServerProcess.start({
        engine,
        settings: {
          ...oneGenericWorker,
          TAIBAI_MAX_BODY_BYTES: String(maxBodyBytes),
          TAIBAI_MAX_WAITING: '4',
          TAIBAI_MAX_CALL_DEPTH: '3',
        },
      })
      await server.deploy('deeds', fixtureActions.nodejs)
      await server.deploy('web', web.nodejs, { signature: 'http' })
      await server.deploy('seen', seen, { signature: 'http' })
    })
    afterAll(() => server?.[Symbol.asyncDispose]())

    const call = (name: string, event: unknown) => server.ask('POST', `/fn/${name}`, { json: event })

    // Which engine runs functions is nothing to what the server refuses.
    describe.runIf(engine === 'process')('are refused with JSON', () => {
      test('to callers without a token, or with a wrong one', async () => {
        for (const token of [null, 'tb_not-a-token']) {
          const answer = await server.ask('POST', '/fn/deeds', { token, json: { do: 'nothing' } })
          expect(answer).toMatchObject({ status: 401, json: { code: 'unauthenticated', faultcode: 'Client' } })
        }
      })

      test('when there is no such function', async () => {
        for (const name of ['nobody', '%E0%A4%A', '']) {
          expect(await call(name, null), name).toMatchObject({ status: 404, json: { code: 'not_found' } })
        }
      })

      test('when the body is larger than the limit, announced or not', async () => {
        const large = new Uint8Array(maxBodyBytes + 1)
        expect(await server.ask('POST', '/fn/deeds', { body: large })).toMatchObject({ status: 413 })
        expect(await sentInPieces(server, '/fn/deeds', large)).toMatchObject({ status: 413, code: 'too_large' })
        expect((await call('deeds', { do: 'echo', value: 1 })).json).toBe(1)
      })

      test('when too many calls wait for a worker', async () => {
        await server.deploy('narrow', fixtureActions.nodejs, { max_workers: 1 })
        const answers = await Promise.all(Array.from({ length: 8 }, () => call('narrow', { do: 'sleep', ms: 300 })))
        const refused = answers.filter(({ status }) => status === 503)
        expect(refused.length).toBeGreaterThanOrEqual(2)
        expect(refused[0]).toMatchObject({ json: { code: 'platform_failed', faultcode: 'Server' } })
        expect(refused[0]?.headers.get('retry-after')).toBe('1')
        expect(answers.filter(({ status }) => status === 200).length).toBe(8 - refused.length)
      })
    })

    describe('that may call the API', () => {
      beforeAll(async () => {
        await server.deploy('caller', caller, { api: true })
      })
      const calls = async (event: object) => (await call('caller', event)).json

      test('get its URL and call other functions: the execution names the caller', async () => {
        const first = await call('caller', { path: '/fn/deeds', body: { do: 'echo', value: ['called'] } })
        expect(first.json).toMatchObject({ status: 200, body: ['called'] })
        expect(first.json.env).toBe(first.json.url)
        const from = first.headers.get('x-execution-id') as string
        const made = await waitUntil('the call is kept', async () => {
          const [one] = (await server.must('GET', `/v1/executions?trigger_id=${from}`)).json.executions
          return one?.status === 'success' && one
        })
        expect(made).toMatchObject({ trigger: 'http', trigger_id: from })
      })

      test('begin runs without waiting, and see how they end', async () => {
        const body = { function_id: 'deeds', input: '{"do": "echo", "value": 7}', sync: false }
        const accepted = await calls({ path: '/v1/executions', body })
        expect(accepted).toMatchObject({ status: 201, body: { trigger: 'async', trigger_id: expect.any(String) } })
        await ended(server, accepted.body.id)
        const seen = await calls({ method: 'GET', path: `/v1/executions/${accepted.body.id}` })
        expect(seen).toMatchObject({ status: 200, body: { output: 7 } })
      })

      test('do nothing else with their token, which ends with their worker', async () => {
        for (const [method, path] of [
          ['GET', '/v1/functions'],
          ['POST', '/v1/functions'],
          ['GET', '/v1/tokens'],
          ['DELETE', '/v1/functions/deeds'],
        ]) {
          expect(await calls({ method, path }), path).toMatchObject({ status: 403, body: { code: 'forbidden' } })
        }
        const { token } = await calls({ method: 'GET', path: '/v1/whoami' })
        const whoami = () => server.ask('GET', '/v1/whoami', { token })
        expect(await whoami()).toMatchObject({
          status: 200,
          json: { kind: 'function', name: 'caller', scopes: ['invoke'] },
        })
        await server.must('POST', '/v1/functions/caller/detach')
        await waitUntil('its token is refused', async () => (await whoami()).status === 401 || undefined)
        expect(server.output).not.toContain(token.slice(0, 30))
      })

      test('end where they call each other in a ring', async () => {
        await server.deploy('ring', ring, { api: true, concurrency: 8 })
        expect((await call('ring', { n: 0 })).json).toMatchObject({ refusedAt: 3, code: 'call_too_deep' })
      })
    })

    describe('fail with JSON that says how', () => {
      test('502 when they throw', async () => {
        const answer = await call('deeds', { do: 'throw', message: 'broken on purpose' })
        expect(answer).toMatchObject({
          status: 502,
          json: {
            faultstring: 'broken on purpose',
            code: 'function_failed',
            execution_id: answer.headers.get('x-execution-id'),
            error: { type: 'TypeError', message: 'broken on purpose', stack: expect.stringContaining('main.mjs') },
          },
        })
      })

      test('502 when they end their process, and the next call is served', async () => {
        const answer = await call('deeds', { do: 'exit', code: 3 })
        expect(answer).toMatchObject({
          status: 502,
          json: { code: 'function_killed', error: { type: 'FunctionExit' } },
        })
        expect((await call('deeds', { do: 'echo', value: 'alive' })).text).toBe('alive')
      })

      test('502 when their code cannot be loaded', async () => {
        await server.deploy('unreadable', 'export function main( {')
        expect(await call('unreadable', null)).toMatchObject({
          status: 502,
          json: {
            faultstring: expect.stringMatching(/^The code could not be loaded: SyntaxError: /),
            error: { type: 'SyntaxError', during: 'load' },
          },
        })
      })

      test('504 when their time is over, also in an endless loop, and the next call is served', async () => {
        await server.deploy('hasty', fixtureActions.nodejs, { timeout: 1 })
        for (const event of [{ do: 'sleep', ms: 60_000 }, { do: 'loop' }]) {
          const answer = await call('hasty', event)
          expect(answer).toMatchObject({ status: 504, json: { code: 'function_timeout', error: { type: 'Timeout' } } })
        }
        expect((await call('hasty', { do: 'echo', value: 'alive' })).text).toBe('alive')
      })
    })

    describe('answer', () => {
      test('values of all JSON types as JSON', async () => {
        for (const value of [{ a: [1, null, 'ü'] }, [], 1.5, true, null]) {
          const answer = await call('deeds', { do: 'echo', value })
          expect(answer).toMatchObject({ status: 200, json: value })
          expect(answer.headers.get('content-type')).toBe('application/json')
        }
        expect((await call('deeds', { do: 'nothing' })).text).toBe('null')
      })

      test('text as text, bytes as bytes', async () => {
        const text = await call('deeds', { do: 'text', value: 'grüß ', times: 2 })
        expect(text.text).toBe('grüß grüß ')
        expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8')
        const bytes = await call('deeds', { do: 'bytes' })
        expect([...bytes.bytes]).toEqual(Array.from({ length: 256 }, (_, n) => n))
        expect(bytes.headers.get('content-type')).toBe('application/octet-stream')
      })

      test('to bodies of every kind: text, bytes, none', async () => {
        const headers = { 'Content-Type': 'text/plain' }
        expect((await server.ask('POST', '/fn/deeds', { body: 'plain', headers })).json).toEqual({ text: 'plain' })
        const binary = { body: new Uint8Array([1, 2, 250]), headers: { 'Content-Type': 'application/octet-stream' } }
        expect((await server.ask('POST', '/fn/deeds', binary)).json).toEqual({ bytes: 3, sum: 253 })
        expect((await server.ask('GET', '/fn/deeds')).json).toEqual({ none: true })
      })

      test('bodies up to the limit, and as large ones', async () => {
        const value = 'x'.repeat(maxBodyBytes - 100)
        expect((await call('deeds', { do: 'echo', value })).text).toBe(value)
      })

      test('with the execution id, the phases and how the worker was got', async () => {
        const id = await server.deploy('measured', fixtureActions.nodejs)
        const first = await call('measured', { do: 'context' })
        const executionId = first.headers.get('x-execution-id')
        expect(first.json).toMatchObject({ execution_id: executionId, function_id: id, trigger: 'http' })
        const timing =
          /^queue;dur=0, acquire;dur=[\d.]+, load;dur=[\d.]+, run;dur=[\d.]+, total;dur=[\d.]+, start;desc="(\w+) \w+"$/
        expect(timing.exec(first.headers.get('server-timing') ?? '')?.[1]).toMatch(/^(cold|prewarmed)$/)
        const second = await call('measured', { do: 'nothing' })
        expect(second.headers.get('server-timing')).toMatch(/load;dur=0, .*start;desc="warm"$/)
        const shown = (await server.must('GET', `/v1/executions/${executionId}`)).json
        expect(shown).toMatchObject({ id: executionId, status: 'success', trigger: 'http', sync: true, attempt: 1 })
        expect(shown.phases.total).toBeGreaterThanOrEqual(shown.phases.run)
      })

      test('through as many workers as calls need, each call its own', async () => {
        const answers = await Promise.all([1, 2, 3].map((value) => call('deeds', { do: 'echo', value })))
        expect(answers.map(({ json }) => json)).toEqual([1, 2, 3])
      })
    })

    describe('with the http signature', () => {
      test('see method, path, query and headers, and never the token', async () => {
        const headers = { 'X-Custom': 'of the caller', Authorization: 'Bearer for-the-function' }
        const answer = await server.ask('PUT', '/fn/seen/a%20b/c?d=1&d=2', { headers, body: 'the body' })
        expect(answer.json).toMatchObject({ method: 'PUT', path: '/a%20b/c', query: '?d=1&d=2', body: 'the body' })
        expect(answer.json.headers).toMatchObject({
          'x-custom': 'of the caller',
          authorization: 'Bearer for-the-function',
        })
        expect(answer.text).not.toContain(server.token)
        const bearer = await server.ask('GET', '/fn/seen', {
          token: null,
          headers: { Authorization: `Bearer ${server.token}` },
        })
        expect(bearer).toMatchObject({ status: 200, json: { method: 'GET', path: '/', query: '' } })
        expect(bearer.text).not.toContain(server.token)
      })

      test('set status and headers of the answer', async () => {
        const hello = await server.ask('GET', '/fn/web/hello')
        expect(hello).toMatchObject({ status: 200, text: 'hello' })
        expect(hello.headers.get('x-conformance')).toBe('yes')
        expect(hello.headers.get('x-execution-id')).toMatch(/^[0-9a-f-]{36}$/)
        expect((await server.ask('DELETE', '/fn/web/status?code=418')).status).toBe(418)
        expect((await server.ask('POST', '/fn/web/print')).status).toBe(204)
      })

      test('answer HEAD without a body', async () => {
        expect(await server.ask('HEAD', '/fn/web/hello')).toMatchObject({ status: 200, text: '' })
      })

      test('stream: the first bytes are there before the last are made', async () => {
        const answer = await server.open('GET', '/fn/web/stream?chunks=3&bytes=5&ms=1000')
        const arrived: number[] = []
        let bytes = 0
        for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
          arrived.push(performance.now())
          bytes += chunk.length
        }
        expect(bytes).toBe(15)
        expect((arrived.at(-1) as number) - (arrived[0] as number)).toBeGreaterThan(300)
      })

      test('stream more than any buffer holds, complete', async () => {
        const answer = await server.ask('GET', '/fn/web/stream?chunks=64&bytes=524288&ms=0')
        expect(answer.bytes.length).toBe(64 * 524_288)
      })

      test('learn that the caller has gone, and their run ends', async () => {
        const id = await server.deploy('patient', patient, { signature: 'http' })
        const gone = new AbortController()
        const answer = await server.open('GET', '/fn/patient', { signal: gone.signal })
        const executionId = answer.headers.get('x-execution-id') as string
        const body = (answer.body as ReadableStream<Uint8Array>).getReader()
        await body.read()
        gone.abort()
        expect((await ended(server, executionId)).function_id).toBe(id)
        expect((await server.ask('GET', `/v1/executions/${executionId}/log`)).text).toContain('caller has gone')
        const again = await server.open('GET', '/fn/patient')
        expect(again.status).toBe(200)
        await again.body?.cancel()
      })

      test('that break off while streaming are cut off, not ended as if they were whole', async () => {
        await server.deploy('breaks', breaks, { signature: 'http' })
        const answer = await server.open('GET', '/fn/breaks')
        expect(answer.status).toBe(200)
        await expect(answer.arrayBuffer()).rejects.toThrow()
      })
    })

    describe('come', () => {
      test('as a ZIP that is the whole body, and go out again byte by byte', async () => {
        const zip = zipSync({
          'main.mjs': strToU8(fixtureActions.nodejs),
          'data/greeting.txt': strToU8('hello from the zip'),
        })
        const made = await server.must('POST', '/v1/functions?name=zipped&runtime=nodejs', {
          body: new Uint8Array(zip),
          headers: { 'Content-Type': 'application/zip' },
        })
        expect((await call('zipped', { do: 'read', path: 'data/greeting.txt' })).text).toBe('hello from the zip')
        const back = await server.must('GET', `/v1/functions/${made.json.id}?download=true`)
        expect(back.bytes.equals(Buffer.from(zip))).toBe(true)
      })

      test('as a form with the package, the way of Qinling', async () => {
        const runtimes = (await server.must('GET', '/v1/runtimes')).json.runtimes
        const runtime = runtimes.find((one: { name: string }) => one.name === 'qinling-nodejs')
        const form = new FormData()
        form.set('name', 'formed')
        form.set('runtime_id', runtime.id)
        form.set('code', '{"source": "package"}')
        form.set('entry', 'app.handler')
        form.set('package', new Blob([new Uint8Array(zipSync({ 'app.js': strToU8(qinlingNode) }))]), 'app.zip')
        const made = await server.must('POST', '/v1/functions', { body: form })
        const run = await server.must('POST', '/v1/executions', {
          json: { function_id: made.json.id, input: '{"name": "Qinling"}' },
        })
        expect(run).toMatchObject({ status: 201, json: { status: 'success' } })
        expect(JSON.parse(run.json.result).output).toEqual({ context: {}, input: { name: 'Qinling' } })
      })

      test('as one file, which is kept as a package', async () => {
        const id = await server.deploy('single', 'export const main = () => "one file"')
        expect((await server.must('POST', '/fn/single')).text).toBe('one file')
        const back = await server.must('GET', `/v1/functions/${id}?download=true`)
        expect(Object.keys(unzipSync(new Uint8Array(back.bytes)))).toEqual(['main.mjs'])
      })

      test('with an environment that only they see', async () => {
        const env = { GREETING: 'only for me' }
        await server.deploy('hearing', fixtureActions.nodejs, { env })
        expect((await call('hearing', { do: 'env', name: 'GREETING' })).text).toBe('only for me')
        expect((await call('deeds', { do: 'env', name: 'GREETING' })).json).toBeNull()
        expect((await call('deeds', { do: 'env', name: 'TAIBAI_ADMIN_TOKEN' })).json).toBeNull()
      })

      test('anew: the next call is served by the new code, one that runs ends with the old', async () => {
        const id = await server.deploy('moving', versionOf(1))
        expect((await server.must('POST', '/fn/moving')).json).toEqual({ version: 1 })
        const slow = call('moving', { ms: 1500 })
        await atWork(server)
        for (const version of [2, 3]) {
          const code = { source: 'inline', filename: 'main.mjs', content: versionOf(version) }
          await server.must('PUT', `/v1/functions/${id}`, { json: { code } })
          expect((await server.must('POST', '/fn/moving')).json).toEqual({ version })
        }
        expect(await slow).toMatchObject({ status: 200, json: { version: 1 } })
        const shown = await server.must('GET', `/v1/functions/${id}`)
        expect(shown.json.count).toBe(4)
      })

      test('and go: a deleted one is not found at once', async () => {
        const id = await server.deploy('leaving', 'export const main = () => 1')
        await server.must('POST', '/fn/leaving')
        await server.must('DELETE', `/v1/functions/${id}`)
        expect((await call('leaving', null)).status).toBe(404)
        expect((await server.must('GET', `/v1/executions?function_id=${id}`)).json.executions).toHaveLength(1)
      })
    })

    describe('have executions', () => {
      test('that are waited for, with result and log', async () => {
        const id = (await server.must('GET', '/v1/functions/deeds')).json.id
        const input = JSON.stringify({ do: 'print', stdout: 'to the log', stderr: 'and this' })
        const { status, json } = await server.ask('POST', '/v1/executions', {
          json: { function_id: id, input, description: 'by hand' },
        })
        expect(status).toBe(201)
        expect(json).toMatchObject({
          status: 'success',
          sync: true,
          trigger: 'api',
          description: 'by hand',
          output: null,
        })
        const log = await server.must('GET', `/v1/executions/${json.id}/log`)
        expect(log.headers.get('content-type')).toMatch(/^text\/plain/)
        expect(log.text).toContain('to the log\n')
        expect(log.text).toContain('and this\n')
      })

      test('that fail, with a 201 and the reason', async () => {
        const input = JSON.stringify({ do: 'throw', message: 'not today' })
        const { status, json } = await server.ask('POST', '/v1/executions', { json: { function_id: 'deeds', input } })
        expect(status).toBe(201)
        expect(json).toMatchObject({ status: 'failed', error: { type: 'TypeError', message: 'not today' } })
        expect(JSON.parse(json.result).output).toBe('not today')
      })

      test('that are accepted and run later', async () => {
        const input = JSON.stringify({ do: 'echo', value: 'later' })
        const accepted = await server.ask('POST', '/v1/executions', {
          json: { function_id: 'deeds', input, sync: false },
        })
        expect(accepted).toMatchObject({ status: 201, json: { status: 'running', result: null, sync: false } })
        expect(await ended(server, accepted.json.id)).toMatchObject({
          status: 'success',
          output: 'later',
          attempt: 1,
          sync: false,
        })
      })

      test('made by webhooks, without a token', async () => {
        const { json: hook } = await server.must('POST', '/v1/webhooks', { json: { function_id: 'deeds' } })
        expect(hook.webhook_url).toBe(`${server.url}/v1/webhooks/${hook.id}/invoke`)
        const path = new URL(hook.webhook_url).pathname
        const called = await server.ask('POST', `${path}?do=echo`, { token: null, json: { value: [1] } })
        expect(called).toMatchObject({ status: 202, json: { execution_id: expect.any(String) } })
        expect(await ended(server, called.json.execution_id)).toMatchObject({
          status: 'success',
          output: [1],
          trigger: 'webhook',
          description: `Created by Webhook ${hook.id}`,
        })
      })
    })

    describe.runIf(languages.includes('python3'))('in Python', () => {
      test('answer events', async () => {
        await server.deploy('snake', fixtureActions.python3, { runtime: 'python3' })
        expect((await call('snake', { do: 'echo', value: { a: ['ü'] } })).json).toEqual({ a: ['ü'] })
        const failed = await call('snake', { do: 'throw', message: 'no' })
        expect(failed).toMatchObject({ status: 502, json: { error: { type: 'ValueError', message: 'no' } } })
      })

      test('serve HTTP', async () => {
        await server.deploy('wsgi', web.python3, { runtime: 'python3', signature: 'http' })
        expect(await server.ask('GET', '/fn/wsgi/hello')).toMatchObject({ status: 200, text: 'hello' })
        expect((await server.ask('GET', '/fn/wsgi/stream?chunks=3&bytes=5&ms=10')).text).toBe('a'.repeat(15))
      })

      test('run as Qinling ran them', async () => {
        await server.deploy('qinling', qinlingPython, { runtime: 'qinling-python3' })
        const input = '{"name": "Qinling"}'
        const { json } = await server.must('POST', '/v1/executions', { json: { function_id: 'qinling', input } })
        expect(json).toMatchObject({ status: 'success', output: { hello: 'Qinling', session: null } })
        expect((await server.must('GET', `/v1/executions/${json.id}/log`)).text).toContain('greeting Qinling')
      })
    })

    describe.runIf(engine === 'docker')('in containers', () => {
      test('reach no network when they have none', async () => {
        await server.deploy('island', fixtureActions.nodejs, { network: 'none' })
        await server.deploy('mainland', fixtureActions.nodejs, { network: 'egress' })
        const interfaces = { do: 'list', path: '/sys/class/net' }
        expect((await call('island', interfaces)).json).toEqual(['lo'])
        expect((await call('mainland', interfaces)).json).toContain('eth0')
        const outside = await call('island', { do: 'connect', host: '10.255.255.1', port: 80 })
        expect(outside).toMatchObject({
          status: 502,
          json: { error: { message: expect.stringContaining('ENETUNREACH') } },
        })
      })

      test('have an environment that the engine does not know', async () => {
        await server.deploy('secretive', fixtureActions.nodejs, { env: { SECRET: 'not-for-the-engine' } })
        expect((await call('secretive', { do: 'env', name: 'SECRET' })).text).toBe('not-for-the-engine')
        for (const { Id } of await server.data.containers()) {
          expect(JSON.stringify(await askDocker('GET', `/containers/${Id}/json`))).not.toContain('not-for-the-engine')
        }
      })

      test('are one container for each worker, named and labelled as ours', async () => {
        await call('deeds', { do: 'nothing' })
        const listed = await server.must('GET', '/v1/functions/deeds')
        const { workers } = (await server.must('GET', `/v1/functions/${listed.json.id}/workers`)).json
        const containers = await server.data.containers()
        const names = containers.map(({ Labels }) => Labels['io.taibai.worker'])
        for (const { worker_name } of workers) expect(names).toContain(worker_name)
        expect(workers.length).toBeGreaterThan(0)
      })
    })

    test('leave nothing behind when the server stops', async () => {
      expect(await server.stop()).toEqual({ code: 0, signal: null })
      expect(server.data.workerFolders()).toEqual([])
      expect(server.data.workerProcesses()).toEqual([])
      if (engine === 'docker') expect(await server.data.containers()).toEqual([])
    })
  })
}

/** Without a length in front: the server learns of the size as it comes. */
function sentInPieces(server: ServerProcess, path: string, bytes: Uint8Array) {
  const headers = { 'X-Auth-Token': server.token, 'Transfer-Encoding': 'chunked' }
  return new Promise<{ status: number | undefined; code: string }>((resolve, reject) => {
    const sent = request(server.url + path, { method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode, code: JSON.parse(text).code }))
    })
    sent.on('error', reject)
    sent.write(bytes.subarray(0, 1000))
    sent.end(bytes.subarray(1000))
  })
}

const seen = `
export async function main(request) {
  const { pathname, search } = new URL(request.url)
  const headers = Object.fromEntries(request.headers)
  return Response.json({ method: request.method, path: pathname, query: search, headers, body: await request.text() })
}
`

const patient = `
export function main(request) {
  return new Response(new ReadableStream({
    start(controller) {
      const timer = setInterval(() => controller.enqueue(new Uint8Array(10)), 50)
      request.signal.addEventListener('abort', () => {
        clearInterval(timer)
        console.log('caller has gone')
        controller.close()
      })
    },
  }))
}
`

const breaks = `
export function main() {
  let pieces = 0
  return new Response(new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      if (++pieces === 3) throw new Error('no more')
      controller.enqueue(new Uint8Array(10))
    },
  }))
}
`

const qinlingNode = 'exports.handler = async (context, input) => ({ context, input })'

const qinlingPython = `
def main(name, context=None, **kwargs):
    print('greeting', name)
    return {'hello': name, 'session': context['os_session']}
`

const versionOf = (version: number): string => `
export async function main(event) {
  await new Promise((resolve) => setTimeout(resolve, event?.ms ?? 0))
  return { version: ${version} }
}
`

/** Asks the API what the event says. */
const caller = `
export const main = async ({ method = 'POST', path, body }, { api: { url, token } }) => {
  const headers = { 'X-Auth-Token': token, 'Content-Type': 'application/json' }
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })
  return { status: answer.status, body: await answer.json(), url, env: process.env.TAIBAI_API, token }
}
`

const ring = `
export const main = async ({ n }, { api: { url, token } }) => {
  const headers = { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' }
  const answer = await fetch(url + '/fn/ring', { method: 'POST', headers, body: JSON.stringify({ n: n + 1 }) })
  return answer.ok ? answer.json() : { refusedAt: n, ...(await answer.json()) }
}
`
