import { expect, test } from 'vitest'
import { showHistory, sparkline } from '../../src/cli/servers/worker-history.ts'
import { Output } from '../../src/cli/terminal/output.ts'

test('A line of bars has one for each value, and the highest of several where there are many', () => {
  expect(sparkline([0, 50, 100], 100)).toBe('▁▅█')
  expect(sparkline([0, 0], 0)).toBe('▁▁')
  expect(sparkline([], 0)).toBe('')
  const many = Array.from({ length: 180 }, (_, at) => (at === 100 ? 1 : 0))
  expect(sparkline(many, 1)).toBe(`${'▁'.repeat(33)}█${'▁'.repeat(26)}`)
})

test('The history of workers says what its bars mean, how much it is now, and how many starts there were', () => {
  const mib = 1024 ** 2
  let shown = ''
  const stdout = { write: (text: string | Uint8Array) => (shown += text) }
  const none = [0, 0]
  showHistory(new Output({ stdout, stderr: stdout, json: false, colors: false }), {
    every_seconds: 60,
    budget: 1024 * mib,
    times: ['2026-11-30T10:00:00.000Z', '2026-11-30T10:01:00.000Z'],
    reserved: [0, 512 * mib],
    states: { busy: [0, 512 * mib], idle: none, paused: none, generic: none, leaving: none },
    functions: [{ function_id: 'f', function_name: 'greet', memory: [0, 512 * mib] }],
    starts: { warm: [2, 5], prewarmed: none, cold: [1, 0] },
    waiting_calls: none,
  })
  expect(shown.split('\n')).toEqual([
    'The last minute; memory of 1.0 GiB.',
    'all   ▁▅  512.0 MiB',
    'busy  ▁▅  512.0 MiB',
    '',
    'Memory of functions; the highest bar is the maximum.',
    'greet  ▁█  512.0 MiB',
    '',
    'Starts of calls; the highest bar is the maximum.',
    'warm       ▄█  7',
    'prewarmed  ▁▁  0',
    'cold       █▁  1',
    '',
  ])
})
