/** Messages of apps as runs: what they carry with them, and what the server keeps of them. */
import { expect, test } from 'vitest'
import { makeRevision } from '../../src/domain/functions/revision.ts'
import type { Execution } from '../../src/domain/runs/execution.ts'
import type { AppOutput } from '../../src/domain/runs/outcome.ts'
import type { Target } from '../../src/services/functions/targets.ts'
import { AppQueues } from '../../src/services/runs/app-queues.ts'
import type { RunRequest } from '../../src/services/runs/run-request.ts'
import { aFn, anExecution, aRuntime } from '../support/builders.ts'

const reader = { name: 'orders', trigger: 'queueTrigger', queueName: 'orders' }
const runtime = aRuntime()
const fn = aFn({ signature: 'azure', runtimeId: runtime.id, code: { source: 'package', functions: [reader] } })
const target: Target = { fn, version: 0, alias: null, revision: makeRevision(fn, runtime, null) }
const out = (...messages: string[]): AppOutput => ({ name: 'out', type: 'queue', to: 'orders', messages })

function prepare(accept: (request: RunRequest) => Promise<unknown>, maxCallDepth = 4) {
  const functions = { list: () => [fn] }
  return new AppQueues({ functions, targets: { resolveIn: () => target }, accept, limits: { maxCallDepth } })
}

test('a ring of messages ends, whatever the server remembers of the runs that sent them', async () => {
  const accepted: RunRequest[] = []
  let run: Execution = anExecution()
  const rounds = async () => {
    for (let round = 0; round < 20; round++) {
      // Another server, as after a restart.
      await prepare(async (request) => accepted.push(request)).deliver(run, target, [out('again')])
      run = anExecution({ terms: accepted.at(-1)?.terms ?? null })
    }
  }
  await expect(rounds()).rejects.toMatchObject({ code: 'call_too_deep' })
  expect(accepted).toHaveLength(4)
})

test('a run that is made again sends its messages again', async () => {
  const ids = new Set<string | undefined>()
  const texts: string[] = []
  let isFull = true
  const queues = prepare(async ({ executionId, input }) => {
    // As the ledger does with an id that it knows.
    if (executionId !== undefined && ids.has(executionId)) return
    if (isFull && texts.length === 1) throw new Error('the queue is full')
    ids.add(executionId)
    texts.push(JSON.parse(input.body.toString()).input)
  })
  const run = anExecution()
  await expect(queues.deliver(run, target, [out('a', 'b')])).rejects.toThrow('the queue is full')
  isFull = false
  await queues.deliver(run, target, [out('c', 'd')])
  expect(texts).toEqual(['a', 'c', 'd'])
})

test('what the log has told of is forgotten when functions name ever new outputs', async () => {
  const queues = prepare(() => Promise.reject(new Error('nobody reads')))
  const told = (name: string) => queues.deliver(anExecution(), target, [{ ...out('x'), name, to: 'elsewhere' }])
  expect(await told('first')).toContain('"first"')
  expect(await told('first')).toBe('')
  for (let at = 0; at < 2000; at++) await told(`other ${at}`)
  expect(await told('first')).toContain('"first"')
})

test('all messages of a call are accepted at once, in their order', async () => {
  const asked: string[] = []
  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>()
  const queues = prepare(async ({ input }) => {
    asked.push(String((input as { text?: string }).text))
    if (asked.length === 3) open()
    await isOpen
  })
  await queues.deliver(anExecution(), target, [out('1', '2', '3')])
  expect(asked.map((text) => JSON.parse(text).input)).toEqual(['1', '2', '3'])
})

test('a refused message fails the call, after the others are settled', async () => {
  let settled = 0
  const queues = prepare(async ({ input }) => {
    if (String((input as { text?: string }).text).includes('bad')) throw new Error('refused')
    await new Promise((resolve) => setImmediate(resolve))
    settled++
  })
  await expect(queues.deliver(anExecution(), target, [out('bad', 'a', 'b')])).rejects.toThrow('refused')
  expect(settled).toBe(2)
})
