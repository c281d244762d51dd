import { readdirSync } from 'node:fs'
import { Agent, type RequestOptions, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { DataFolder } from '../support/data-folder.ts'
import { engines } from '../support/engines.ts'
import { atWork, ended } from '../support/executions-of.ts'
import { fixtureActions } from '../support/fixture-functions.ts'
import { signalUntil, signalWorkers, untilSignalled } from '../support/function-signals.ts'
import { ledgerRows } from '../support/ledger-file.ts'
import { oneGenericWorker, ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** How a server stops: gracefully, within its limit, at once; and what the next one finds. */

for (const { engine, run } of engines) {
  run(`A server with the ${engine} engine that is asked to stop`, () => {
    test('answers the calls in flight, takes no new ones, and leaves what is queued to the next start', async () => {
      await using data = new DataFolder()
      await using server = await ServerProcess.start({
        engine,
        data,
        settings: { TAIBAI_MAX_ASYNC_RUNNING: '1', ...oneGenericWorker },
      })
      await server.deploy('waits', waits)
      await server.deploy('streams', streams, { signature: 'http' })
      const accept = async (event: object): Promise<string> => {
        const json = { function_id: 'waits', input: JSON.stringify(event), sync: false }
        return (await server.must('POST', '/v1/executions', { json })).json.id
      }
      const calls = [
        server.ask('POST', '/fn/waits', { json: {} }),
        server.ask('POST', '/fn/waits', { json: {} }),
        server.ask('GET', '/fn/streams'),
      ]
      const begun = await accept({})
      await atWork(server, 4)
      const queued = await Promise.all([1, 2, 3, 4, 5].map((value) => accept({ value })))
      const workers = server.data.workerFolders().length
      expect(workers).toBeGreaterThanOrEqual(4)

      server.signal('SIGTERM')
      await waitUntil('it stops', () => server.log.some(({ msg, why }) => msg === 'stopping' && why === 'SIGTERM'))
      // Over a kept connection it is told so; a new one is refused.
      const ready = await server.ask('GET', '/readyz').catch(() => null)
      expect([undefined, 503]).toContain(ready?.status)
      signalWorkers(data)
      const [first, second, third] = await Promise.all(calls)
      expect(first).toMatchObject({ status: 200, text: 'told' })
      expect(second).toMatchObject({ status: 200, text: 'told' })
      expect(third?.bytes.length).toBe(10_000)
      expect(await server.program.ended()).toEqual({ code: 0, signal: null })
      expect(server.log.at(-1)).toMatchObject({ msg: 'stopped' })
      expect(server.log.filter(({ msg }) => msg === 'execution ended')).toHaveLength(4)
      await expectNothingLeft(data, engine)
      expect(
        ledgerRows(data, "status = 'running'")
          .map(({ id }) => id)
          .sort(),
      ).toEqual([...queued].sort())
      expect(ledgerRows(data, 'id = ?', begun)).toMatchObject([{ status: 'success', attempt: 1 }])

      await using next = await ServerProcess.start({ engine, data })
      for (const [at, id] of queued.entries()) {
        expect(await ended(next, id)).toMatchObject({ status: 'success', output: at + 1 })
      }
      expect((await next.must('GET', '/v1/functions/waits')).json.count).toBe(8)
      await next.stop()
    })

    test('ends what runs beyond the limit, answers it, records it; accepted runs begin again with the next start', async () => {
      await using data = new DataFolder()
      await using server = await ServerProcess.start({ engine, data, settings: { TAIBAI_DRAIN_MS: '1000' } })
      await server.deploy('deeds', fixtureActions.nodejs)
      await server.deploy('waits', waits)
      const call = server.ask('POST', '/fn/waits', { json: {} })
      const looping = server.ask('POST', '/fn/deeds', { json: { do: 'loop' } })
      const json = { function_id: 'waits', input: '{}', sync: false }
      const accepted: string = (await server.must('POST', '/v1/executions', { json })).json.id
      await atWork(server, 3)

      const from = performance.now()
      expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null })
      expect(performance.now() - from, 'the calls would take a minute').toBeLessThan(40_000)
      for (const answer of [await call, await looping]) {
        expect(answer).toMatchObject({
          status: 503,
          json: { code: 'platform_failed', execution_id: expect.any(String) },
        })
        expect(answer.headers.get('retry-after')).toBe('1')
      }
      await expectNothingLeft(data, engine)

      await using next = await ServerProcess.start({ engine, data })
      for (const answer of [await call, await looping]) {
        const shown = await next.must('GET', `/v1/executions/${answer.json.execution_id}`)
        expect(shown.json).toMatchObject({
          status: 'error',
          error: { type: 'PlatformError', message: expect.stringContaining('stopped') },
        })
      }
      const again = async () => (await next.must('GET', `/v1/executions/${accepted}`)).json.worker !== null
      await waitUntil('the accepted run has begun again', again)
      expect(await signalUntil(data, ended(next, accepted))).toMatchObject({
        status: 'success',
        output: 'told',
        attempt: 2,
      })
      await next.stop()
    })

    test('stops at once when it is asked again; the next one cleans up and says what was cut off', async () => {
      await using data = new DataFolder()
      await using server = await ServerProcess.start({ engine, data })
      await server.deploy('deeds', fixtureActions.nodejs)
      const looping = server.ask('POST', '/fn/deeds', { json: { do: 'loop' } }).catch(() => 'cut off')
      await atWork(server)
      server.signal('SIGTERM')
      await waitUntil('it stops', () => server.log.some(({ msg }) => msg === 'stopping'))
      // A second signal right after the first would be taken for its echo.
      await pause(700)
      const from = performance.now()
      expect(await server.stop()).toEqual({ code: 1, signal: null })
      expect(performance.now() - from, 'draining would take 30 s').toBeLessThan(20_000)
      expect(await looping).toBe('cut off')
      const [cut] = ledgerRows(data)
      expect(cut).toMatchObject({ status: 'running', is_sync: 1 })

      await using next = await ServerProcess.start({ engine, data })
      expect(next.log).toContainEqual(
        expect.objectContaining({ msg: expect.stringContaining('an earlier run'), executions: 1 }),
      )
      const shown = await next.must('GET', `/v1/executions/${cut?.id}`)
      expect(shown.json).toMatchObject({
        status: 'error',
        error: { type: 'PlatformError', message: 'The server ended while the function ran.' },
      })
      expect(await next.ask('POST', '/fn/deeds', { json: { do: 'echo', value: 'on' } })).toMatchObject({ text: 'on' })
      await next.stop()
      await expectNothingLeft(data, engine)
    })
  })
}

async function expectNothingLeft(data: DataFolder, engine: string): Promise<void> {
  const left = readdirSync(join(data.path, 'workers'), { recursive: true })
  expect(left, 'folders of workers, with what is in them').toEqual([])
  expect(data.workerProcesses()).toEqual([])
  // The engine removes a container a moment after it has ended.
  if (engine === 'docker') await waitUntil('no container is left', async () => (await data.containers()).length === 0)
}

describe('Callers of a server over kept connections', () => {
  test('are all notified that it stops: none is cut off', async () => {
    await using server = await ServerProcess.start()
    await server.deploy('deeds', fixtureActions.nodejs)
    await server.must('POST', '/fn/deeds', { json: { do: 'echo', value: 1 } })
    const { port } = new URL(server.url)
    const headers = { 'X-Auth-Token': server.token, 'Content-Type': 'application/json' }
    const callers = Array.from({ length: 12 }, () => new Caller(Number(port), headers))
    const ends = callers.map((caller) => caller.callUntilTold())
    await waitUntil('each was answered again and again', () => callers.every(({ answers }) => answers >= 10))
    server.signal('SIGTERM')
    expect(await Promise.all(ends)).toEqual(ends.map(() => 'Connection: close'))
    expect(await server.program.ended()).toEqual({ code: 0, signal: null })
  })
})

/** Calls again and again over one connection. */
class Caller {
  answers = 0
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #options: RequestOptions

  constructor(port: number, headers: Record<string, string>) {
    this.#options = { agent: this.#agent, host: '127.0.0.1', port, method: 'POST', path: '/fn/deeds', headers }
  }

  /** Until an answer says that it is the last, or the connection breaks. */
  async callUntilTold(): Promise<string> {
    for (;;) {
      const told = await this.#call()
      if (told === undefined) continue
      this.#agent.destroy()
      return told
    }
  }

  #call(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const sent = request(this.#options, (response) => {
        this.answers++
        response.resume().on('error', (error) => resolve(error.message))
        response.on('end', () => resolve(response.headers.connection === 'close' ? 'Connection: close' : undefined))
      })
      sent.on('error', (error) => resolve(error.message)).end('{"do":"echo","value":1}')
    })
  }
}

const waits = `${untilSignalled}
export async function main(event) {
  if (event?.value !== undefined) return event.value
  await untilSignalled()
  return 'told'
}
`

/** Begins, and ends when it is told. */
const streams = `${untilSignalled}
export function main() {
  let left = 10
  return new Response(new ReadableStream({
    async pull(controller) {
      if (left-- === 0) return controller.close()
      if (left < 9) await untilSignalled()
      controller.enqueue(new Uint8Array(1000))
    },
  }))
}
`
