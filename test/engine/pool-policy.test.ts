import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coldReasons } from '../../src/domain/runs/start-kind.ts'
import {
  type ColdView,
  chooseEvictions,
  coldReason,
  type Evictable,
  type GroupView,
  genericTarget,
  isWorthWarming,
  type QueueEntry,
  retentionValue,
  servedByBusy,
  shouldYield,
  workersWanted,
} from '../../src/engine/pool/policy/pool-policy.ts'

const mib = 1024 * 1024

describe('how many workers of a revision are started', () => {
  const group = (overrides: Partial<GroupView> = {}): GroupView => {
    const nothing = { waiting: 0, workers: 0, provisioning: 0, concurrency: 1, minWorkers: 0, maxWorkers: null }
    return { ...nothing, ...overrides }
  }

  const rows: [string, Partial<GroupView>, number][] = [
    ['none when nobody waits', {}, 0],
    ['none when nobody waits, however many there are', { workers: 3 }, 0],
    ['none beyond the maximum', { waiting: 5, workers: 2, maxWorkers: 2 }, 0],
    [
      'none beyond the maximum, those on their way included',
      { waiting: 5, workers: 1, provisioning: 1, maxWorkers: 2 },
      0,
    ],
    ['none when as many are on their way as calls wait', { waiting: 2, provisioning: 2 }, 0],
    ['none fewer when more are there than the maximum allows now', { waiting: 1, workers: 4, maxWorkers: 2 }, 0],
    ['one for a call', { waiting: 1 }, 1],
    ['one for each call', { waiting: 3 }, 3],
    ['one for each call beyond those on their way', { waiting: 3, provisioning: 1 }, 2],
    ['one for a call although all workers are busy', { waiting: 1, workers: 7 }, 1],
    ['one for as many calls as a worker takes at once', { waiting: 4, concurrency: 4 }, 1],
    ['one more when a single call is left over', { waiting: 5, concurrency: 4 }, 2],
    ['as many as the maximum leaves', { waiting: 9, workers: 1, provisioning: 1, maxWorkers: 4 }, 2],
    ['up to the minimum when nobody waits', { minWorkers: 3, workers: 1 }, 2],
    ['up to the minimum, those on their way included', { minWorkers: 3, workers: 1, provisioning: 1 }, 1],
    ['never below the minimum because calls take them', { minWorkers: 3, waiting: 1 }, 3],
    ['calls and minimum share: the larger counts', { minWorkers: 2, waiting: 5 }, 5],
    ['the maximum wins over the minimum', { minWorkers: 5, maxWorkers: 2 }, 2],
  ]
  test.each(rows)('%s', (_title, view, wanted) => {
    expect(workersWanted(group(view))).toBe(wanted)
  })

  const anyGroup = fc.record({
    waiting: fc.nat(50),
    workers: fc.nat(20),
    provisioning: fc.nat(20),
    concurrency: fc.integer({ min: 1, max: 8 }),
    minWorkers: fc.nat(10),
    maxWorkers: fc.option(fc.integer({ min: 1, max: 15 })),
  })

  test('never a negative number, and never more workers than the maximum', () => {
    fc.assert(
      fc.property(anyGroup, (view) => {
        const wanted = workersWanted(view)
        expect(wanted).toBeGreaterThanOrEqual(0)
        if (wanted > 0) expect(view.workers + view.provisioning + wanted).toBeLessThanOrEqual(view.maxWorkers ?? 1e9)
      }),
    )
  })

  test('without a maximum, every call that waits has a place among those that come', () => {
    fc.assert(
      fc.property(anyGroup, (view) => {
        const coming = view.provisioning + workersWanted({ ...view, maxWorkers: null })
        expect(coming * view.concurrency).toBeGreaterThanOrEqual(view.waiting)
      }),
    )
  })

  test('asking again when they are on their way starts no more', () => {
    fc.assert(
      fc.property(anyGroup, (view) => {
        const provisioning = view.provisioning + workersWanted(view)
        expect(workersWanted({ ...view, provisioning })).toBe(0)
      }),
    )
  })
})

describe('what an idle worker is worth', () => {
  test('more when its call is likelier', () => {
    expect(retentionValue(2e-6, 500, 128 * mib)).toBeGreaterThan(retentionValue(1e-6, 500, 128 * mib))
  })

  test('more when a cold start costs more', () => {
    expect(retentionValue(1e-6, 900, 128 * mib)).toBeGreaterThan(retentionValue(1e-6, 500, 128 * mib))
  })

  test('less when it holds more memory', () => {
    expect(retentionValue(1e-6, 500, 512 * mib)).toBeLessThan(retentionValue(1e-6, 500, 128 * mib))
  })

  test('nothing when nothing is expected', () => {
    expect(retentionValue(0, 500, 128 * mib)).toBe(0)
  })

  test('one call a minute that saves 600 ms, in 10 MiB, is worth 1 ms a second and MiB', () => {
    expect(retentionValue(1 / 60_000, 600, 10 * mib)).toBeCloseTo(1)
  })
})

describe('whether a worker is started before anybody calls', () => {
  const rows: [string, Parameters<typeof isWorthWarming>[0], boolean][] = [
    ['when there is room and a call is likely', { probability: 0.9, savedMs: 500, worth: 0.1, price: 0 }, true],
    [
      'not when a call is unlikely, whatever room there is',
      { probability: 0.5, savedMs: 500, worth: 9, price: 0 },
      false,
    ],
    ['not when nothing is gained', { probability: 1, savedMs: 500, worth: 0, price: 0 }, false],
    ['not when it spares the call next to nothing', { probability: 1, savedMs: 20, worth: 9, price: 0 }, false],
    ['when it is worth clearly more than what would go', { probability: 0.9, savedMs: 500, worth: 2, price: 1 }, true],
    [
      'not when it is worth hardly more: they would take turns',
      { probability: 0.9, savedMs: 500, worth: 1.2, price: 1 },
      false,
    ],
    ['not when nothing may go', { probability: 1, savedMs: 500, worth: 9, price: Number.POSITIVE_INFINITY }, false],
  ]
  test.each(rows)('%s', (_title, view, expected) => {
    expect(isWorthWarming(view)).toBe(expected)
  })
})

describe('how many calls are left to busy workers', () => {
  const busy = { running: 1, runMs: 100, startMs: 500, waitedMs: 0 }
  const rows: [string, Partial<Parameters<typeof servedByBusy>[0]>, number][] = [
    ['none when it is not known how long they run', { runMs: 0 }, 0],
    ['none when nothing runs', { running: 0 }, 0],
    ['none when a generic worker is ready', { startMs: 0 }, 0],
    ['none when runs take longer than a start', { runMs: 5000 }, 0],
    ['none when one run takes as long as a start: it may take longer', { runMs: 500 }, 0],
    ['one when a run takes half as long as a start', { runMs: 250 }, 1],
    ['half of those that should be served in time', { runMs: 50 }, 5],
    ['more when more are busy', { running: 8, runMs: 1000 }, 2],
    ['none when they were waited for as long as a start takes', { runMs: 1, waitedMs: 500 }, 0],
  ]
  test.each(rows)('%s', (_title, view, expected) => {
    expect(servedByBusy({ ...busy, ...view })).toBe(expected)
  })
})

describe('which idle workers make room', () => {
  const idle = (name: string, memoryMib: number, itsWorth: number): Evictable => {
    return { name, memoryBytes: memoryMib * mib, worth: itsWorth }
  }
  const names = (chosen: Evictable[] | null) => chosen?.map(({ name }) => name).sort() ?? null

  const rows: [string, number, Evictable[], string[] | null][] = [
    ['nothing helps when nothing is idle', 1, [], null],
    ['nothing goes when all of it together is not enough', 300, [idle('a', 100, 1), idle('b', 199, 2)], null],
    ['nothing goes when there is room', 0, [idle('a', 100, 1)], []],
    ['the least worthy goes', 100, [idle('a', 100, 2), idle('b', 100, 1), idle('c', 100, 3)], ['b']],
    ['as many go as it takes', 150, [idle('a', 100, 2), idle('b', 100, 1), idle('c', 100, 3)], ['a', 'b']],
    ['all go when it takes all', 300, [idle('a', 100, 2), idle('b', 100, 1), idle('c', 100, 3)], ['a', 'b', 'c']],
    ['one that would not help stays', 200, [idle('small', 50, 1), idle('large', 200, 2)], ['large']],
    [
      'a worthy one stays when the less worthy do',
      200,
      [idle('a', 100, 1), idle('b', 100, 2), idle('c', 200, 9)],
      ['a', 'b'],
    ],
  ]
  test.each(rows)('%s', (_title, neededMib, workers, expected) => {
    expect(names(chooseEvictions(neededMib * mib, workers))).toEqual(expected)
  })

  test('what is given is not changed', () => {
    const workers = [idle('a', 100, 2), idle('b', 100, 1)]
    chooseEvictions(100 * mib, workers)
    expect(workers.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  const workers = fc
    .array(fc.record({ memoryBytes: fc.integer({ min: 1, max: 64 }), worth: fc.nat(20) }), { maxLength: 12 })
    .map((all) => all.map((each, n) => ({ ...each, name: `w${n}` })))
  const bytes = (of: Evictable[]) => of.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)

  test('those chosen free enough; none are chosen only when all of them would not', () => {
    fc.assert(
      fc.property(fc.nat(400), workers, (needed, all) => {
        const chosen = chooseEvictions(needed, all)
        if (chosen === null) expect(bytes(all)).toBeLessThan(needed)
        else expect(bytes(chosen)).toBeGreaterThanOrEqual(needed)
      }),
    )
  })

  test('none goes in vain: without any one of them the room would not do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), workers, (needed, all) => {
        const chosen = chooseEvictions(needed, all) ?? []
        for (const one of chosen) expect(bytes(chosen) - one.memoryBytes).toBeLessThan(needed)
      }),
    )
  })

  test('the worthiest that goes could not be spared: the less worthy together are not enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), workers, (needed, all) => {
        const chosen = chooseEvictions(needed, all) ?? []
        const dearest = Math.max(...chosen.map((one) => one.worth))
        expect(bytes(all.filter((one) => one.worth < dearest))).toBeLessThan(needed)
      }),
    )
  })
})

describe('how many generic workers are kept ready where nobody needs the memory', () => {
  const hourly = 1 / 3_600_000
  const monthly = hourly / 720
  const rows: [string, [perMs: number[], floor: number, ceiling: number], number][] = [
    ['none when there is no room for one', [[], 2, 0], 0],
    ['the floor when none was ever taken', [[], 2, 10], 2],
    ['no more than the ceiling, whatever the floor', [[], 5, 3], 3],
    ['one when they are taken one by one', [[hourly], 0, 10], 1],
    ['the floor when fewer are taken at once', [[hourly], 2, 10], 2],
    ['as many as are taken at once', [[hourly, hourly, hourly], 0, 10], 3],
    ['but for those that are taken less than once a day', [[hourly, hourly, monthly], 0, 10], 2],
    ['no more than the ceiling, whatever is taken', [[hourly, hourly, hourly], 0, 2], 2],
  ]
  test.each(rows)('%s', (_title, asked, expected) => {
    const [perMs, floor, ceiling] = asked
    expect(genericTarget(perMs, floor, 2 * ceiling * 128, 128)).toBe(expected)
  })
})

describe('why there was no warm worker', () => {
  const fresh: ColdView = {
    startKind: 'cold',
    hasWorkers: false,
    lastLeft: null,
    ranBefore: false,
    keepsGeneric: false,
  }
  const rows: [string, Partial<ColdView>, string][] = [
    ['first: it never ran', {}, 'first'],
    ['first: prewarmed, so nothing was missing', { startKind: 'prewarmed', keepsGeneric: true }, 'first'],
    ['restart: it ran before this process began', { ranBefore: true }, 'restart'],
    ['restart, although generic workers were used up', { ranBefore: true, keepsGeneric: true }, 'restart'],
    ['evicted: its last worker made room', { lastLeft: 'evicted' }, 'evicted'],
    ['expired: its last worker was idle for too long', { lastLeft: 'expired', ranBefore: true }, 'expired'],
    ['new_code: its workers had the old code', { lastLeft: 'new_code', keepsGeneric: true }, 'new_code'],
    ['new_secret: its workers had the old value', { lastLeft: 'new_secret' }, 'new_secret'],
    ['worker_died: its last worker ended', { lastLeft: 'worker_died', startKind: 'prewarmed' }, 'worker_died'],
    ['scale_out: all its workers are busy', { hasWorkers: true }, 'scale_out'],
    ['scale_out: whatever became of earlier ones', { hasWorkers: true, lastLeft: 'evicted' }, 'scale_out'],
    ['scale_out: prewarmed', { hasWorkers: true, startKind: 'prewarmed', keepsGeneric: true }, 'scale_out'],
    ['pool_empty: its first, when no generic worker was left', { keepsGeneric: true }, 'pool_empty'],
    ['pool_empty: one more, when no generic worker was left', { hasWorkers: true, keepsGeneric: true }, 'pool_empty'],
  ]
  test.each(rows)('%s', (_title, view, reason) => {
    expect(coldReason({ ...fresh, ...view })).toBe(reason)
  })

  test('every reason there is can be given', () => {
    expect([...new Set(rows.map(([, , reason]) => reason))].sort()).toEqual([...coldReasons].sort())
  })
})

describe('whether a worker that comes free makes room for another function', () => {
  const waiting = (since: number, hasNothing: boolean, heldBytes = 0): QueueEntry => ({ since, hasNothing, heldBytes })
  const rows: [string, QueueEntry | null, QueueEntry, boolean][] = [
    ['not for one that has a worker', null, waiting(1, false), false],
    ['not for one that has a worker, however long it waits', waiting(9, false), waiting(1, false), false],
    ['not for one that has waited less long than its own calls', waiting(1, false), waiting(2, true), false],
    ['not for one that has waited as long', waiting(1, false), waiting(1, true), false],
    ['for one that has nothing and waits longer', waiting(2, false), waiting(1, true), true],
    ['for one that has nothing, when nobody waits for it', null, waiting(1, true), true],
    ['for one whose project holds less, however short it waits', waiting(1, false, 9), waiting(2, true, 8), true],
    ['not for one whose project holds more, however long it waits', waiting(2, false, 8), waiting(1, true, 9), false],
  ]
  test.each(rows)('%s', (_title, own, starved, expected) => {
    expect(shouldYield(own, starved)).toBe(expected)
  })
})
