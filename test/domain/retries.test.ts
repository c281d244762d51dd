import { describe, expect, test } from 'vitest'
import {
  type AttemptHistory,
  decideRetry,
  type RetryDecision,
  type RetryRule,
  retryDelayMs,
  retryRuleOf,
} from '../../src/domain/runs/retries.ts'

const rule: RetryRule = {
  maxAttempts: 3,
  maxAgeMs: 10_000,
  on: ['error'],
  firstPauseMs: 1000,
  factor: 2,
  longestPauseMs: 60_000,
}
const end: AttemptHistory = { cause: 'error', hasBegun: true, attempt: 1, tries: 1, ageMs: 0 }
const again = (ms: number): RetryDecision => ({ kind: 'again', pauseMs: ms })
const dead = (why: 'attempts' | 'age' | 'not_retried'): RetryDecision => ({ kind: 'dead', why })

describe('after a try', () => {
  const cases: [what: string, rule: Partial<RetryRule>, end: Partial<AttemptHistory>, step: RetryDecision][] = [
    ['that succeeded it is over', {}, { cause: null }, { kind: 'over' }],
    ['that succeeded it is over, however old', {}, { cause: null, ageMs: 99_999, attempt: 9 }, { kind: 'over' }],
    ['which the platform failed it is tried again', {}, {}, again(1000)],
    ['the pause doubles', {}, { attempt: 2, tries: 2 }, again(2000)],
    ['that was the last it is dead', {}, { attempt: 3 }, dead('attempts')],
    ['which the function failed it is dead', {}, { cause: 'failed' }, dead('not_retried')],
    ['which took too long it is dead', {}, { cause: 'timeout' }, dead('not_retried')],
    [
      'which the function failed it is tried again where that is asked',
      { on: ['failed'] },
      { cause: 'failed' },
      again(1000),
    ],
    [
      'which took too long it is tried again where that is asked',
      { on: ['timeout'] },
      { cause: 'timeout' },
      again(1000),
    ],
    ['of what is to run once at most it is dead', { on: [] }, {}, dead('not_retried')],
    ['of what is to run once at most, and did not begin, it waits', { on: [] }, { hasBegun: false }, again(1000)],
    ['that could not begin no attempt counts', {}, { hasBegun: false, attempt: 3 }, again(1000)],
    ['that could not begin the age counts', {}, { hasBegun: false, ageMs: 10_000 }, dead('age')],
    ['of an old one it is dead', {}, { ageMs: 10_000 }, dead('age')],
  ]
  test.each(cases)('%s', (_what, ofRule, ofEnd, step) => {
    expect(decideRetry({ ...rule, ...ofRule }, { ...end, ...ofEnd })).toEqual(step)
  })

  test('chance shortens the pause by up to a half', () => {
    expect(decideRetry(rule, end, 1)).toEqual(again(500))
  })
})

test('pauses grow to the longest and no further', () => {
  expect([1, 2, 6, 7, 8, 2000].map((tries) => retryDelayMs(rule, tries))).toEqual([
    1000, 2000, 32_000, 60_000, 60_000, 60_000,
  ])
  expect([1, 5].map((tries) => retryDelayMs({ ...rule, factor: 1 }, tries))).toEqual([1000, 1000])
})

test('the call wins over the function, and that over the platform', () => {
  expect(retryRuleOf(rule, { maxAttempts: 1, on: ['failed'] }, { maxAttempts: 7 })).toEqual({
    ...rule,
    maxAttempts: 7,
    on: ['failed'],
  })
  expect(retryRuleOf(rule, null, undefined)).toEqual(rule)
})
