import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Log } from '../../src/domain/runs/log.ts'
import { DiskReserve } from '../../src/store/disk-reserve.ts'
import { FakeClock } from '../support/fake-clock.ts'

const mib = 1024 * 1024

function setUp(reserveMb = 100) {
  const lines: string[] = []
  const add = (_: object, message: string) => lines.push(message)
  const log: Log = { debug: add, info: add, warn: add, error: add, infoText() {} }
  const clock = new FakeClock()
  const disk = { freeMb: 1000, looks: 0 }
  const freeBytes = () => {
    disk.looks++
    return disk.freeMb * mib
  }
  const reserve = new DiskReserve({ folder: '/data', reserveBytes: reserveMb * mib, clock, log, freeBytes })
  const leave = (mb: number) => {
    disk.freeMb = mb
    clock.advance(1000)
  }
  return { reserve, leave, lines, clock, disk }
}

test('what would take from the reserve is refused by a sentence that says which disk, how much is left, and what keeps it', () => {
  const { reserve, leave } = setUp()
  leave(99)
  expect(() => reserve.refuseMore()).toThrow(
    expect.objectContaining({
      code: 'storage_full',
      message:
        'The disk of the data folder (TAIBAI_DATA_DIR) has 99.0 MiB left, and TAIBAI_DISK_RESERVE_MB keeps 100.0 MiB free: nothing new is accepted until 110.0 MiB are free.',
    }),
  )
})

test('what goes up and down around it opens and closes nothing: a tenth more is free before new things are taken again', () => {
  const { reserve, leave, lines } = setUp()
  const takes = [101, 99, 101, 109, 110, 101, 99, 105].map((mb) => {
    leave(mb)
    try {
      reserve.refuseMore()
      return true
    } catch {
      return false
    }
  })
  expect(takes).toEqual([true, false, false, false, true, true, false, false])
  expect(lines).toHaveLength(3)
})

test('what leaves it whole is taken, to the byte', () => {
  const { reserve, leave } = setUp()
  leave(150)
  reserve.refuseMore()
  reserve.refuseMore(50 * mib)
  expect(() => reserve.refuseMore(50 * mib + 1)).toThrow(/this would take 50\.0 MiB of it/)
})

test('it is nearly gone when half of it is used', () => {
  const { reserve, leave } = setUp()
  leave(50)
  expect(reserve.isNearlyGone).toBe(false)
  leave(49)
  expect(reserve.isNearlyGone).toBe(true)
})

test('the log says once that it begins to be used, and once that there is space again', () => {
  const { reserve, leave, lines } = setUp()
  for (const mb of [1000, 90, 80, 1000, 1000]) {
    leave(mb)
    void reserve.isNearlyGone
  }
  expect(lines).toEqual(['the disk is nearly full: nothing new is accepted', 'there is space on the disk again'])
})

test('without a reserve nothing is refused here: the disk says itself when it is full', () => {
  const { reserve, leave } = setUp(0)
  leave(0)
  reserve.refuseMore(mib)
  expect(reserve.isNearlyGone).toBe(false)
})

test('the disk is looked at a few times a second, however often it is asked about', () => {
  const { reserve, disk } = setUp()
  for (let n = 0; n < 1000; n++) reserve.refuseMore(n)
  expect(disk.looks).toBe(1)
})

test('the free space is that of the disk of its folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reserve-'))
  const reserve = new DiskReserve({ ...{ folder, reserveBytes: 1, clock: new FakeClock() }, log: silentLog })
  reserve.refuseMore()
  expect(() => reserve.refuseMore(1e15)).toThrow(/left/)
  rmSync(folder, { recursive: true })
})

const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, infoText() {} }

test('where the disk cannot be asked nothing is refused, and no end of a call fails: the disk says itself what it does not take', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'taibai-gone-')), 'gone')
  const reserve = new DiskReserve({ folder, reserveBytes: mib, clock: new FakeClock(), log: silentLog })
  expect(reserve.isNearlyGone).toBe(false)
  expect(() => reserve.refuseMore(mib)).not.toThrow()
  rmSync(join(folder, '..'), { recursive: true })
})
