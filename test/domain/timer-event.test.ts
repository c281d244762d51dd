/** What a timer of an app is told of its schedule. */
import { expect, test } from 'vitest'
import type { Job } from '../../src/domain/triggers/job.ts'
import { inputOfTimer } from '../../src/domain/triggers/timer-event.ts'
import { cronPatterns } from '../../src/scheduler/cron-patterns.ts'

const functions = [
  { name: 'nightly', trigger: 'timerTrigger', schedule: '0 0 2 * * *' },
  { name: 'orders', trigger: 'queueTrigger' },
]
const at = (text: string) => Date.parse(`2026-${text}Z`)
const job = (fields: Partial<Job> = {}) =>
  ({
    ...{ functionInput: '{"target":"nightly"}', pattern: '0 2 * * *', timezone: 'UTC', createdAt: at('01-01T00:00') },
    ...fields,
  }) as Job

function told(one: Job, due: string, now = due) {
  const text = inputOfTimer(one, at(due), functions, cronPatterns(), at(now))
  return text === null ? null : JSON.parse(text)
}

test.each([
  ['every night', '0 2 * * *', '03-10T02:00', '03-09T02:00', '03-11T02:00'],
  ['after a weekend', '0 2 * * mon-fri', '03-09T02:00', '03-06T02:00', '03-10T02:00'],
  ['before a weekend', '0 2 * * mon-fri', '03-06T02:00', '03-05T02:00', '03-09T02:00'],
  ['every five seconds', '* * * * * */5', '03-10T02:00:05', '03-10T02:00:00', '03-10T02:00:10'],
  ['after an hour of every second', '* 9 * * * *', '03-10T09:00:00', '03-09T09:59:59', '03-10T09:00:01'],
  ['every month', '0 0 1 * *', '03-01T00:00', '02-01T00:00', '04-01T00:00'],
])('%s: the due times before and after this one', (_name, pattern, due, last, next) => {
  expect(told(job({ pattern }), due)).toEqual({
    target: 'nightly',
    input: {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: new Date(at(last)).toISOString(),
        Next: new Date(at(next)).toISOString(),
        LastUpdated: new Date(at(last)).toISOString(),
      },
      IsPastDue: false,
    },
  })
})

test('the first run of a timer has none before it', () => {
  const first = told(job({ createdAt: at('03-09T12:00') }), '03-10T02:00')
  expect(first.input.ScheduleStatus.Last).toBe('0001-01-01T00:00:00Z')
})

test('a pattern is asked a few times only, whatever it is', () => {
  const patterns = cronPatterns()
  let questions = 0
  const next: typeof patterns.next = (...given) => {
    questions++
    return patterns.next(...given)
  }
  const one = job({ pattern: '* 9 * * * *', createdAt: Date.parse('2020-01-01T00:00Z') })
  inputOfTimer(one, at('03-10T09:00:00'), functions, { ...patterns, next }, at('03-10T09:00:00'))
  expect(questions).toBeGreaterThan(10)
  expect(questions).toBeLessThan(100)
})

test('a run that is made late is past due', () => {
  expect(told(job(), '03-10T02:00', '03-10T02:00:09').input.IsPastDue).toBe(false)
  expect(told(job(), '03-10T02:00', '03-10T02:00:10').input.IsPastDue).toBe(true)
})

test.each([
  ['of another function', { functionInput: '{"target":"orders"}' }],
  ['with an input of its own', { functionInput: '{"target":"nightly","input":1}' }],
  ['without an input', { functionInput: null }],
  ['that runs once', { pattern: null }],
])('a job %s keeps its input', (_name, fields) => {
  expect(told(job(fields), '03-10T02:00')).toBeNull()
})
