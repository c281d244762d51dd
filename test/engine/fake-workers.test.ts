/** The fake worker of the pool's tests fulfils the contract of real workers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { killed, timedOut } from '../../src/engine/worker/outcomes.ts'
import { engineWorkersContract } from '../support/contracts/engine-workers.ts'
import { type FakeBehaviour, type FakeLoading, FakeWorkers } from '../support/fake-workers.ts'

const loadTimeoutMs = 100
const usage = { runMs: 1, cpuMs: 1, memoryPeakMb: 20 }
const returned = (value: unknown): Outcome => {
  return { kind: 'returned', value: { kind: 'json', body: Buffer.from(JSON.stringify(value)) }, ...usage }
}
const raised = (type: string, message: string): Outcome => {
  return { kind: 'raised', error: { type, message, stack: 'at main' }, ...usage }
}

/** What the conformance functions do, as far as the contract asks. */
const loading: FakeLoading = async ({ entry, memoryBytes }) => {
  if (entry === 'throws_at_load.main') return raised('Error', 'boom at load')
  if (entry === 'missing_entry.main') return raised('EntryNotFound', 'no main')
  if (entry === 'exits.main') return killed({ code: 5, memoryExceeded: false }, memoryBytes, 1)
  if (entry === 'hangs.main') return sleep(loadTimeoutMs, timedOut(loadTimeoutMs, loadTimeoutMs))
  return null
}

const behaviour: FakeBehaviour = async (call, worker) => {
  const event = JSON.parse(String(call.input.body))
  const die = (code: number, memoryExceeded: boolean) => {
    worker.die({ code, memoryExceeded })
    return returned('never heard')
  }
  switch (event.do) {
    case 'echo':
      return returned(event.value)
    case 'throw':
      return raised('TypeError', event.message)
    case 'print':
      call.onLog('stdout', `${event.stdout}\n`)
      call.onLog('stderr', `${event.stderr}\n`)
      return returned(null)
    case 'sleep':
      return sleep(event.ms, returned('slept'), { ref: false })
    case 'loop':
      return new Promise(() => {})
    case 'env':
      return returned(worker.revision?.env[event.name])
    case 'count':
      return returned(worker.calls)
    case 'exit':
      return die(event.code, false)
    case 'run':
      return die(137, false)
    case 'memory':
      return event.mb * 1048576 > worker.memoryBytes ? die(137, true) : returned(null)
    default:
      throw new Error(`what is ${event.do}?`)
  }
}

describe('fake workers keep the contract of workers', () => {
  const factory = new FakeWorkers(systemClock)
  Object.assign(factory, { startMs: 5, bindMs: 1, killMs: 5, loading, behaviour })
  factory.missingImages.add('taibai-test/not-there')
  afterEach(() => {
    expect(factory.alive, 'workers left').toEqual([])
    // A real worker takes a call while it is paused; the pool must not give it one.
    const violations = factory.violations.splice(0).filter((what) => !what.includes('paused'))
    expect(violations).toEqual([])
  })
  engineWorkersContract(() => ({
    factory,
    image: 'taibai/nodejs',
    packageHash: 'nodejs',
    storeCode: (hash) => hash,
    loadTimeoutMs,
  }))
})
