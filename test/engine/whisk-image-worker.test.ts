/** An action image of OpenWhisk, as the pool sees it: a real web server on loopback, and a sandbox that only notes what it is asked. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { WorkerToken } from '../../src/domain/platform/api-access.ts'
import type { Call, Revision } from '../../src/domain/platform/worker.ts'
import { LogMarks, logMark } from '../../src/engine/worker/log-marks.ts'
import { WhiskImageWorker } from '../../src/engine/worker/whisk-image-worker.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'

type Said = { status?: number; body?: unknown }
/** What the image answers; it may print meanwhile. */
type Image = (
  path: string,
  body: Record<string, unknown>,
  print: (text: string, stream?: 'stdout' | 'stderr') => void,
) => Said

const opened: { server: Server; worker: WhiskImageWorker }[] = []
afterEach(async () => {
  for (const { server, worker } of opened.splice(0)) {
    await worker.kill()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function start(image: Image, more: Partial<Revision> = {}, hasToken = false) {
  const seen: { path: string; body: Record<string, unknown> }[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const body = JSON.parse(text)
    seen.push({ path: String(request.url), body })
    const said = image(String(request.url), body, (text, stream = 'stdout') => worker.print(stream, text))
    response.writeHead(said.status ?? 200, { 'Content-Type': 'application/json' }).end(JSON.stringify(said.body ?? {}))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const clock = new FakeClock()
  const outside: string[] = []
  const revision = aRevision({ kind: 'openwhisk', init: null, env: {}, functionName: 'act', projectId: 'red', ...more })
  const token = hasToken ? new WorkerToken('tb_fn_x', () => {}) : undefined
  const worker = new WhiskImageWorker(new FakeSandbox(), revision, {
    ...{ clock, maxResultBytes: mib, stopGraceMs: 0, quietMs: 0, token, apiUrl: hasToken ? 'http://api' : undefined },
    onOther: (_stream, text) => void outside.push(text),
  })
  opened.push({ server, worker })
  await worker.ready({ host: '127.0.0.1', port }, 5000)
  const call = async (value: unknown = {}, overrides: Partial<Call> = {}) => {
    let log = ''
    const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify(value)) }
    const onLog = (stream: string, text: string) => {
      log += `${stream === 'stderr' ? '!' : ''}${text}`
    }
    const outcome = await worker.call(aCall({ input, onLog, ...overrides }), 5000)
    const answer = outcome.kind === 'returned' || outcome.kind === 'raised' ? outcome.value : undefined
    return { outcome, log, value: answer && JSON.parse(answer.body.toString()) }
  }
  return { seen, worker, call, clock, outside }
}

const ends = (print: (text: string, stream?: 'stdout' | 'stderr') => void) => {
  print(`${logMark}\n`)
  print(`${logMark}\n`, 'stderr')
}
const echo: Image = (path, { value }, print) => {
  if (path === '/init') return { body: { ok: true } }
  ends(print)
  return { body: value }
}

describe('an image is sent', () => {
  test('its code once, and parameters with each call', async () => {
    const init = { code: 'def main(p): return p', main: 'go', binary: false }
    const env = { STAGE: 'test', __OW_ACTION_NAME: '/red/pkg/act', __OW_PARAMETERS: '{"a":1,"b":1}' }
    const { seen, call } = await start(echo, { init, env }, true)
    expect((await call({ b: 2 })).value).toEqual({ a: 1, b: 2 })
    await call([1])
    const { __OW_PARAMETERS: _told, ...told } = env
    expect(seen.map(({ path }) => path)).toEqual(['/init', '/run', '/run'])
    expect(seen[0]?.body).toEqual({ value: { name: 'act', ...init, env: told } })
    expect(seen[1]?.body).toMatchObject({
      namespace: 'red',
      action_name: '/red/pkg/act',
      api_host: 'http://api',
      api_key: expect.stringMatching(/^taibai:tb_fn_x\./),
      activation_id: expect.stringMatching(/^[^-]+$/),
      deadline: expect.stringMatching(/^\d+$/),
    })
    expect(seen[2]?.body.value).toEqual([1])
  })

  test('an empty init when it brings its own program, whatever it says of it', async () => {
    const { seen, worker, call } = await start((path, _body, print) => {
      ends(print)
      return path === '/init' ? { status: 404 } : { body: { own: true } }
    })
    expect([worker.startFailure, (await call()).value]).toEqual([undefined, { own: true }])
    expect(seen[0]?.body.value).toMatchObject({ code: '', main: 'main', binary: false })
  })
})

describe('it fails', () => {
  test('to start, however much it prints meanwhile: of that only the beginning is kept', async () => {
    const image: Image = (_path, _body, print) => {
      for (let n = 0; n < 100; n++) print(`${'x'.repeat(9999)}\n`)
      return { status: 502, body: { error: 'no' } }
    }
    const { startFailure } = (await start(image, { init: { code: 'x', main: 'main', binary: false } })).worker
    const { length } = startFailure?.loaded === false ? startFailure.log : ''
    expect(length).toBeGreaterThan(60_000)
    expect(length).toBeLessThan(80_000)
  })

  test('to start when its code is refused', async () => {
    const image: Image = (_path, _body, print) => {
      print('line 1: no\n', 'stderr')
      ends(print)
      return { status: 502, body: { error: 'syntax' } }
    }
    const { worker } = await start(image, { init: { code: 'x' } })
    expect(worker.startFailure).toMatchObject({
      loaded: false,
      log: 'line 1: no\n',
      outcome: { kind: 'raised', error: { type: 'InitializationError', message: 'syntax' } },
    })
  })

  test.each<[string, Said, object, unknown]>([
    [
      'with an error as its answer',
      { body: { error: 'no', more: 1 } },
      { type: 'ApplicationError', message: 'no' },
      { error: 'no', more: 1 },
    ],
    [
      'with another status',
      { status: 502, body: { error: 'broken' } },
      { type: 'ActionError', message: 'broken' },
      undefined,
    ],
    ['with a text', { body: 'text' }, { type: 'NotAnObject' }, undefined],
  ])('%s', async (_how, said, error, value) => {
    const { call } = await start((path, _body, print) => {
      if (path === '/init') return {}
      ends(print)
      return said
    })
    const failed = await call()
    expect(failed.outcome).toMatchObject({ kind: 'raised', error })
    expect(failed.value).toEqual(value)
  })

  test('for an input that is no parameters', async () => {
    const { call, seen } = await start(echo)
    const { outcome } = await call({}, { input: { kind: 'text', body: Buffer.from('x') } })
    expect([outcome.kind, seen.length]).toEqual(['raised', 1])
  })
})

describe('its log', () => {
  test('is what it printed up to the marks, also when that comes after the answer', async () => {
    const { call, worker, outside } = await start((path, { value }, print) => {
      if (path === '/init') return {}
      const { name } = value as { name: string }
      print(`${name} begins\n`)
      setTimeout(() => {
        print(`${name} ends\n`)
        print(`${name} fails\n`, 'stderr')
        print(`${logMark.slice(0, 20)}`)
        print(`${logMark.slice(20)}\n`)
        print(`${logMark}\n`, 'stderr')
        print('of nobody\n')
      }, 20)
      return { body: {} }
    })
    expect((await call({ name: 'one' })).log).toBe('one begins\none ends\n!one fails\n')
    expect((await call({ name: 'two' })).log).toBe('two begins\ntwo ends\n!two fails\n')
    worker.print('stdout', 'between\n')
    expect(outside.join('')).toContain('of nobody\n')
    expect(outside.join('')).toContain('between\n')
  })

  test('is not waited for where no mark ever comes', async () => {
    const { call, clock } = await start((path, _body, print) => {
      if (path === '/run') print('plain\n')
      return { body: {} }
    })
    const first = call()
    await expect.poll(() => clock.armed).toBe(2)
    await clock.pass(3000)
    expect((await first).log).toBe('plain\n')
    expect((await call()).log).toBe('plain\n')
  })

  test('is not another call’s when a mark comes late', async () => {
    let round = 0
    const { call, clock, worker, outside } = await start((path, _body, print) => {
      if (path === '/init') return {}
      round++
      if (round !== 2) ends(print)
      if (round === 3) print('too late\n')
      return { body: {} }
    })
    await call()
    const second = call()
    await expect.poll(() => clock.armed).toBe(2)
    await clock.pass(3000)
    await second
    worker.print('stdout', 'of the second\n')
    const third = call()
    await expect.poll(() => clock.armed).toBe(2)
    worker.print('stdout', `of the third\n${logMark}\n`)
    worker.print('stderr', `${logMark}\n`)
    expect((await third).log).toContain('of the third\n')
    expect(outside.join('')).toContain('of the second\n')
  })
})

test('a cancelled call ends its worker', async () => {
  const { worker, seen } = await start(() => ({ body: {} }))
  const running = worker.call(aCall({ executionId: 'e-1' }), 5000)
  worker.cancel('e-1')
  expect([(await running).kind, worker.isEnding]).toEqual(['killed', true])
  expect(seen.length).toBeGreaterThan(0)
})

describe('marks are found', () => {
  const cut = (...pieces: string[]) => {
    const found: string[] = []
    const marks = new LogMarks(
      (_stream, text) => void found.push(text),
      () => void found.push('|'),
    )
    for (const piece of pieces) marks.take('stdout', piece)
    marks.flush()
    return found.join('')
  }

  test.each([
    ['in one piece', [`a\n${logMark}\nb\n`], 'a\n|b\n'],
    ['behind a line without an end', [`a${logMark}\n`], 'a|'],
    ['in single letters', [...`a\n${logMark}\nb`], 'a\n|b'],
    ['several at once', [`${logMark}\n${logMark}\n`], '||'],
    ['not where a line only begins so', ['XXX_THE_', 'other\n'], 'XXX_THE_other\n'],
    ['not at the very end of what comes', ['a', 'XXX_THE'], 'aXXX_THE'],
  ])('%s', (_how, pieces, text) => {
    expect(cut(...pieces)).toBe(text)
  })
})
