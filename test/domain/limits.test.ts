import { describe, expect, test } from 'vitest'
import { admission, type CallView, limitNames } from '../../src/domain/platform/limits.ts'
import { settings } from '../../src/settings/settings.ts'

const free: CallView = { of: 'project', running: 0, maxRunning: null, maxRate: null, rateWaitMs: 0 }
const fn: CallView = { ...free, of: 'function' }

describe('one more call', () => {
  const cases: [name: string, views: CallView[], refused: object | null][] = [
    ['begins where nothing is limited', [fn, free], null],
    [
      'begins below both limits',
      [
        { ...fn, running: 1, maxRunning: 2, maxRate: 9 },
        { ...free, running: 8, maxRunning: 9 },
      ],
      null,
    ],
    [
      'waits at the limit of its function',
      [{ ...fn, running: 2, maxRunning: 2 }, free],
      { name: 'max_running', of: 'function', value: 2, used: 2 },
    ],
    [
      'waits beyond it, when it was lowered',
      [{ ...fn, running: 5, maxRunning: 2 }, free],
      { name: 'max_running', of: 'function', value: 2, used: 5 },
    ],
    [
      'waits for the rate of its function',
      [{ ...fn, maxRate: 3, rateWaitMs: 7 }, free],
      { name: 'max_rate', of: 'function', value: 3, used: null },
    ],
    [
      'waits at the limit of its project',
      [fn, { ...free, running: 4, maxRunning: 4 }],
      { name: 'running', of: 'project', value: 4, used: 4 },
    ],
    [
      'waits for the rate of its project',
      [fn, { ...free, maxRate: 2, rateWaitMs: 9 }],
      { name: 'rate', of: 'project', value: 2, used: null },
    ],
    [
      'hears of its function first',
      [
        { ...fn, running: 1, maxRunning: 1 },
        { ...free, running: 1, maxRunning: 1 },
      ],
      { name: 'max_running', of: 'function', value: 1, used: 1 },
    ],
    [
      'never begins where none may',
      [fn, { ...free, maxRunning: 0 }],
      { name: 'running', of: 'project', value: 0, used: 0 },
    ],
  ]
  test.each(cases)('%s', (_name, views, refused) => {
    expect(admission(views)?.limit ?? null).toEqual(refused)
  })
})

test('the settings know every limit by its name', () => {
  const all = limitNames.map((name) => `${name}=1`).join(',')
  const parsed = settings.shape.projectLimits.parse(all)
  expect(Object.keys(parsed as object)).toEqual(limitNames)
  expect(settings.shape.projectLimits.parse('running=none')).toEqual({ running: null })
  expect(() => settings.shape.projectLimits.parse('runing=1')).toThrow('runing=1 is not a limit')
  expect(() => settings.shape.projectLimits.parse('running')).toThrow('NAME=NUMBER')
})
