import { describe, expect, test } from 'vitest'
import { makeLogger } from '../src/logger.ts'
import { endLogFields, endLogLine } from '../src/services/runs/execution-record.ts'
import { aFinishedExecution } from './support/builders.ts'

function logger(level = 'info') {
  const blocks: string[] = []
  const log = makeLogger(level, (block) => blocks.push(block.toString('utf8')))
  const lines = (): Record<string, unknown>[] => {
    log.flush()
    return blocks
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }
  return { log, lines, blocks }
}

describe('The log', () => {
  test('hides what must not be in it, whatever the level', () => {
    const { log, lines } = logger('debug')
    const secrets = { token: 'a', headers: { b: 1 }, authorization: 'c', env: {}, input: 'd', who: 'e' }
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](secrets, 'said')
    for (const line of lines()) for (const key of Object.keys(secrets)) expect(line[key]).toBe('[hidden]')
    expect(lines()).toHaveLength(4)
  })

  test('has lines made by hand beside the others, in their order', () => {
    const { log, lines } = logger()
    log.info({ a: 1 }, 'first')
    log.infoText('"a":2', 'second')
    log.warn({ a: 3 }, 'third')
    expect(lines()).toMatchObject([
      { level: 30, a: 1, msg: 'first' },
      { level: 30, a: 2, msg: 'second', time: expect.stringMatching(/^\d{4}-.*Z$/) },
      { level: 40, a: 3, msg: 'third' },
    ])
  })

  test('leaves them out above their level', () => {
    const { log, lines } = logger('warn')
    log.infoText('"a":2', 'second')
    expect(lines()).toEqual([])
  })

  test('keeps every line, long ones and those of many bytes, and leaves in blocks', () => {
    const { log, lines, blocks } = logger()
    const texts = Array.from({ length: 3000 }, (_, n) => `${n} ${'wörld €'.repeat(n % 50)}`)
    texts.push('€'.repeat(100_000), 'the end')
    for (const text of texts) log.info({ text }, 'said')
    expect(lines().map(({ text }) => text)).toEqual(texts)
    expect(blocks.length).toBeLessThan(100)
  })
})

describe('The line of a run that is over', () => {
  const phases = { queue: 0, acquire: 0.0301, load: 0, resume: 0, run: 1.23456, total: 1.26466 }
  const known = { id: 'e1', functionId: 'f1', functionVersion: 2, projectId: 'a "project"', worker: 'w1', attempt: 1 }
  const line = { execution: 'e1', function: 'f1', version: 2, project: 'a "project"', trigger: 'http', attempt: 1 }
  const times = { queueMs: 0, acquireMs: 0.03, loadMs: 0, runMs: 1.235, totalMs: 1.265 }
  const none = { queueMs: 0, acquireMs: 0, loadMs: 0, runMs: 0, totalMs: 0 }
  const error = { type: 'Quote"Error', message: 'said by a function', stack: null }

  test.each([
    ['warm', { startKind: 'warm' as const, phases }, { status: 'success', startKind: 'warm', worker: 'w1', ...times }],
    [
      'cold, and paused',
      { startKind: 'cold' as const, coldReason: 'first' as const, phases: { ...phases, resume: 15.0004 } },
      { status: 'success', startKind: 'cold', coldReason: 'first', worker: 'w1', ...times, resumeMs: 15 },
    ],
    [
      'never begun',
      { startKind: null, worker: null, phases: null },
      { status: 'success', startKind: null, worker: null, ...none },
    ],
    [
      'failed',
      { startKind: 'warm' as const, phases, status: 'failed' as const, error },
      { status: 'failed', startKind: 'warm', worker: 'w1', ...times, error: 'Quote"Error' },
    ],
  ])('has its ids, its times and its kind of error, and nothing that a function said: %s', (_name, fields, said) => {
    const execution = aFinishedExecution({ trigger: 'http', coldReason: null, ...known, ...fields })
    expect(JSON.parse(`{${endLogLine(execution)}}`)).toEqual({ ...line, ...said })
  })

  test('says of what the platform failed also why', () => {
    const failed = { type: 'PlatformError', message: 'no worker came free', stack: null }
    const execution = aFinishedExecution({ ...known, status: 'error', error: failed })
    expect(endLogFields(execution)).toMatchObject({
      execution: 'e1',
      error: 'PlatformError',
      reason: 'no worker came free',
    })
  })
})
