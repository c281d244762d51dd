import { describe, expect, test } from 'vitest'
import { makeLogger } from '../src/logger.ts'
import { endKeys, endText } from '../src/services/execution-record.ts'
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
  test.each([
    ['warm', { startKind: 'warm' as const, coldReason: null }],
    ['cold', { startKind: 'cold' as const, coldReason: 'first' as const }],
    ['never begun', { startKind: null, coldReason: null, worker: null, phases: null }],
    [
      'failed',
      { status: 'failed' as const, error: { type: 'Quote"Error', message: 'said by a function', stack: null } },
    ],
  ])('says the same by hand as by its keys: %s', (_name, fields) => {
    const execution = aFinishedExecution(fields)
    const byHand = JSON.parse(`{${endText(execution)}}`)
    const { reason, ...keys } = JSON.parse(JSON.stringify(endKeys(execution)))
    expect(byHand).toEqual(keys)
    expect(JSON.stringify(byHand)).not.toContain('said by a function')
  })
})
