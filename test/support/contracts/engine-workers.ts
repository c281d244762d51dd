import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Network } from '../../../src/domain/functions/function.ts'
import type { Call, Revision } from '../../../src/domain/platform/worker.ts'
import type { Outcome } from '../../../src/domain/runs/outcome.ts'
import type { PoolWorker, Shape, WorkerFactory } from '../../../src/engine/pool/pool-worker.ts'
import { aCall, aRevision, mib } from '../fake-workers-pool.ts'

/** What the contract needs of whatever makes workers. */
export interface WorkersUnderTest {
  readonly factory: WorkerFactory
  /** Image of a runtime that is there, and the hash of its conformance functions. */
  readonly image: string
  readonly packageHash: string
  /** Stores the conformance functions together with these files. */
  storeCode(hash: string, files: Record<string, string>): string
  readonly loadTimeoutMs: number
  /** Default: none. */
  readonly network?: Network
  /** Absent: limits of a worker change when it is bound, it can be paused, and who killed it is known. */
  readonly isFixedOnceStarted?: boolean
}

/** The pool's requirements of real and fake workers. The functions are those of the conformance list. */
export function engineWorkersContract(its: () => WorkersUnderTest): void {
  const shape = (overrides: Partial<Shape> = {}): Shape => {
    const { image, network = 'none' } = its()
    return { image, network, api: false, trusted: true, memoryBytes: 192 * mib, ...overrides }
  }
  const revision = (overrides: Partial<Revision> = {}): Revision => {
    const { image, packageHash, network = 'none' } = its()
    return aRevision({ image, packageHash, network, memoryBytes: 192 * mib, concurrency: 8, ...overrides })
  }
  const generic = async () => disposable(await its().factory.startGeneric(shape()))
  const bound = async (overrides: Partial<Revision> = {}) => {
    const { memoryBytes } = overrides
    const own = memoryBytes !== undefined && its().isFixedOnceStarted
    const it = own ? disposable(await its().factory.startGeneric(shape({ memoryBytes }))) : await generic()
    expect(await it.worker.bind(revision(overrides))).toMatchObject({ loaded: true })
    return it
  }

  describe('a worker that cannot be had', () => {
    test('because there is no such image is refused with a reason', async () => {
      const starting = its().factory.startGeneric(shape({ image: 'taibai-test/not-there' }))
      await expect(starting).rejects.toMatchObject({
        name: 'FaasError',
        code: expect.stringMatching(/^(engine_failed|not_supported)$/),
      })
    })

    test('because it ended before it was bound is the platform’s fault', async () => {
      await using it = await generic()
      await it.worker.kill()
      await expect(it.worker.bind(revision())).rejects.toMatchObject({ name: 'FaasError', code: 'engine_failed' })
    })
  })

  describe('code that cannot be loaded', () => {
    const loading = async (overrides: Partial<Revision>) => {
      await using it = await generic()
      const from = performance.now()
      const answer = await it.worker.bind(revision(overrides))
      expect(it.worker.isEnding).toBe(true)
      await it.worker.gone
      return { answer, tookMs: performance.now() - from }
    }

    test('throws what it throws, and ends the worker', async () => {
      const { answer } = await loading({ entry: 'throws_at_load.main' })
      expect(answer).toMatchObject({
        loaded: false,
        loadMs: expect.any(Number),
        outcome: { kind: 'raised', error: { message: 'boom at load' } },
      })
    })

    test('because its entry is missing says so', async () => {
      const { answer } = await loading({ entry: 'missing_entry.main' })
      expect(answer).toMatchObject({ loaded: false, outcome: { kind: 'raised', error: { type: 'EntryNotFound' } } })
    })

    test('because it ends the process has ended it', async () => {
      const packageHash = its().storeCode('exits', { 'exits.mjs': 'console.log("bye"); process.exit(5)' })
      const { answer } = await loading({ entry: 'exits.main', packageHash })
      expect(answer).toMatchObject({ loaded: false, outcome: { kind: 'killed', error: { message: /code 5/ } } })
    })

    test('because it never ends loading has timed out', async () => {
      const packageHash = its().storeCode('hangs', {
        'hangs.mjs': 'await new Promise(() => setInterval(() => {}, 9e5))',
      })
      const { answer, tookMs } = await loading({ entry: 'hangs.main', packageHash })
      expect(answer).toMatchObject({ loaded: false, outcome: { kind: 'timeout' } })
      expect(tookMs).toBeGreaterThan(its().loadTimeoutMs * 0.9)
    })
  })

  describe('a worker', () => {
    test('is generic when it starts, with the memory that was asked for', async () => {
      await using it = await generic()
      expect([it.worker.memoryBytes, it.worker.isEnding]).toEqual([192 * mib, false])
      expect(await Promise.race([it.worker.gone, sleep(50, 'still there')])).toBe('still there')
    })

    test('has the function’s memory when it is bound', async () => {
      await using it = await bound({ memoryBytes: 256 * mib })
      expect(it.worker.memoryBytes).toBe(256 * mib)
    })

    test('that was given more memory may use it', async () => {
      await using it = await bound({ memoryBytes: 512 * mib })
      expect(await it.call({ do: 'memory', mb: 250 })).toMatchObject({ kind: 'returned' })
    })

    test('has the function’s environment', async () => {
      await using it = await bound({ env: { GREETING: 'grüß' } })
      expect(value(await it.call({ do: 'env', name: 'GREETING' }))).toBe('grüß')
    })

    test('keeps its state from call to call', async () => {
      await using it = await bound()
      expect([value(await it.call({ do: 'count' })), value(await it.call({ do: 'count' }))]).toEqual([1, 2])
    })
  })

  describe('a call', () => {
    test('that returns has what was returned, and what it took', async () => {
      await using it = await bound()
      const outcome = await it.call({ do: 'echo', value: { a: [1, 'ü'] } })
      expect(outcome).toMatchObject({ kind: 'returned', value: { kind: 'json' } })
      expect(value(outcome)).toEqual({ a: [1, 'ü'] })
      expect(outcome.runMs).toBeGreaterThan(0)
      expect([typeof outcome.cpuMs, typeof outcome.memoryPeakMb]).toEqual(['number', 'number'])
    })

    test('that throws has raised, and the worker goes on', async () => {
      await using it = await bound()
      expect(await it.call({ do: 'throw', message: 'no' })).toMatchObject({
        kind: 'raised',
        error: { type: 'TypeError', message: 'no', stack: expect.stringContaining('main') },
      })
      expect(it.worker.isEnding).toBe(false)
      expect(value(await it.call({ do: 'echo', value: 1 }))).toBe(1)
    })

    test('that prints is heard, each stream by itself', async () => {
      await using it = await bound()
      const printed = { stdout: '', stderr: '' }
      await it.call({ do: 'print', stdout: 'out', stderr: 'err' }, 60_000, {
        onLog: (stream, text) => {
          printed[stream] += text
        },
      })
      expect(printed).toEqual({ stdout: 'out\n', stderr: 'err\n' })
    })

    test('runs beside others', async () => {
      await using it = await bound()
      const slow = it.call({ do: 'sleep', ms: 400 })
      expect(value(await it.call({ do: 'echo', value: 'quick' }))).toBe('quick')
      expect(value(await slow)).toBe('slept')
    })

    test('that takes too long has timed out, and its worker goes', async () => {
      await using it = await bound()
      expect(await it.call({ do: 'loop' }, 500)).toMatchObject({ kind: 'timeout', error: { type: 'Timeout' } })
      expect(it.worker.isEnding).toBe(true)
      await it.worker.gone
    })

    test('that takes too long lets the others end first', async () => {
      await using it = await bound()
      const late = it.call({ do: 'sleep', ms: 60_000 }, 300)
      const other = it.call({ do: 'sleep', ms: 900 })
      expect(await late).toMatchObject({ kind: 'timeout' })
      expect(value(await other)).toBe('slept')
      await it.worker.gone
    })

    test('that ends the process has ended it, with the code', async () => {
      await using it = await bound()
      expect(await it.call({ do: 'exit', code: 3 })).toMatchObject({
        kind: 'killed',
        error: { type: 'FunctionExit', message: expect.stringContaining('3') },
      })
      expect(it.worker.isEnding).toBe(true)
      await it.worker.gone
    })

    test('that kills its own process has ended it', async () => {
      await using it = await bound()
      const outcome = await it.call({ do: 'run', argv: ['sh', '-c', 'kill -9 $PPID; sleep 5'] })
      expect(outcome).toMatchObject({ kind: 'killed', error: { type: 'FunctionExit', message: /137/ } })
      await it.worker.gone
    })

    test('that uses too much memory is told so', async () => {
      await using it = await bound()
      expect(await it.call({ do: 'memory', mb: 800 })).toMatchObject({
        kind: 'killed',
        error: {
          type: its().isFixedOnceStarted ? 'FunctionExit' : 'MemoryExceeded',
          message: expect.stringContaining('192'),
        },
      })
      await it.worker.gone
    })

    test('that the server cuts off is the platform’s fault', async () => {
      await using it = await bound()
      const outcome = it.call({ do: 'sleep', ms: 60_000 })
      await sleep(50)
      await it.worker.kill()
      expect(await outcome).toMatchObject({ kind: 'platform' })
    })

    test('to a worker that is gone ends at once', async () => {
      await using it = await bound()
      await it.worker.kill()
      expect(['platform', 'killed']).toContain((await it.call({ do: 'echo' })).kind)
    })

    test('waits while its worker is paused, and goes on when it is resumed', async () => {
      await using it = await bound()
      if (its().isFixedOnceStarted) return void (await expect(it.worker.pause()).rejects.toThrow(/cannot be paused/))
      await it.worker.pause()
      const outcome = it.call({ do: 'echo', value: 1 })
      expect(await Promise.race([outcome, sleep(300, 'nothing')])).toBe('nothing')
      await it.worker.resume()
      expect(value(await outcome)).toBe(1)
    })
  })
}

interface Held extends AsyncDisposable {
  worker: PoolWorker
  call(event: unknown, timeoutMs?: number, overrides?: Partial<Call>): Promise<Outcome>
}

function disposable(worker: PoolWorker): Held {
  return {
    worker,
    call: (event, timeoutMs = 60_000, overrides = {}) => {
      const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify(event)) }
      return worker.call(aCall({ input, ...overrides }), timeoutMs)
    },
    [Symbol.asyncDispose]: () => worker.kill(),
  }
}

function value(outcome: Outcome): unknown {
  expect(outcome).toMatchObject({ kind: 'returned' })
  const { kind, body } = (outcome as Extract<Outcome, { kind: 'returned' }>).value
  return kind === 'text' ? body.toString('utf8') : JSON.parse(body.toString('utf8'))
}
