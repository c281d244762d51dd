import { expect, test } from 'vitest'
import { timeFromText } from '../../src/domain/time-text.ts'
import { cpuMsOf } from '../support/cpu-time.ts'

test.each([
  '',
  'tomorrow',
  '12',
  '2030',
  '10:30',
  '2030-13-01',
  '2030-02-30 00:00:00',
  '2030-01-02 25:00:00',
  '2030-01-02T03:04:60',
  '2030-01-02 Europe/Berlin',
  'foo jan 2030',
])('%j is not a time', (text) => {
  expect(timeFromText(text)).toBeNull()
})

test.each([
  ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05.000Z'],
  ['2030-01-02 03:04:05.678', '2030-01-02T03:04:05.678Z'],
  ['2030-01-02T03:04:05.123456', '2030-01-02T03:04:05.123Z'],
  ['2030-01-02 03:04', '2030-01-02T03:04:00.000Z'],
  ['2030-1-2 3:4:5', '2030-01-02T03:04:05.000Z'],
  ['2030/01/02 03:04:05', '2030-01-02T03:04:05.000Z'],
  ['20300102T030405', '2030-01-02T03:04:05.000Z'],
  ['2030-01-02', '2030-01-02T00:00:00.000Z'],
  [' 2030-01-02T03:04:05 ', '2030-01-02T03:04:05.000Z'],
  ['Wed, 02 Jan 2030 03:04:05 GMT', '2030-01-02T03:04:05.000Z'],
  ['2 January 2030 3:04 PM', '2030-01-02T15:04:00.000Z'],
  ['01/02/2030 03:04', '2030-01-02T03:04:00.000Z'],
])('%j is %s', (text, iso) => {
  expect(new Date(timeFromText(text) ?? Number.NaN).toISOString()).toBe(iso)
})

test.each(['Z', ' UTC', '+02:00', '-0500', '+05', ' GMT+0200 (CEST)'])('a zone such as %j is dropped', (zone) => {
  expect(timeFromText(`2030-01-02T03:04:05${zone}`)).toBe(Date.parse('2030-01-02T03:04:05Z'))
})

test.each([
  `a${' '.repeat(250)}x`,
  `a${' '.repeat(60)}x`,
  `2030-01-02${' '.repeat(80)}x`,
  '('.repeat(100),
  `1${'+01'.repeat(30)}`,
])('what is no time costs nothing: %.20s', async (text) => {
  const took = await cpuMsOf(() => {
    for (let times = 0; times < 100; times++) expect(timeFromText(text)).toBeNull()
  })
  expect(took).toBeLessThan(500)
})
