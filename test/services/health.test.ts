import { describe, expect, test } from 'vitest'
import { Durations } from '../../src/domain/durations.ts'
import type { DataFacts } from '../../src/domain/platform/data-facts.ts'
import { refusalOf } from '../../src/domain/platform/engine-report.ts'
import { type Finding, worstOf } from '../../src/domain/platform/finding.ts'
import type { Principal } from '../../src/domain/platform/principal.ts'
import { engineReport } from '../../src/engine/api/engine-report.ts'
import { Health, type HealthParts } from '../../src/services/platform/health.ts'
import { FakeClock } from '../support/fake-clock.ts'

const mib = 1024 * 1024
const dayMs = 86_400_000
const admin: Principal = { projectId: 'default', roles: ['admin'], isAdmin: true } as Principal
const clock = new FakeClock()
const data: DataFacts = {
  path: '/data',
  freeBytes: 9000 * mib,
  totalBytes: 9000 * mib,
  reserveBytes: 256 * mib,
  databases: [],
  exposed: [],
}

const vitals = { pendingBytes: 0, lostRows: 0, isFailing: false, commits: new Durations() }

async function findings(parts: Partial<HealthParts>, facts: Partial<HealthParts['facts']> = {}): Promise<Finding[]> {
  const health = new Health({
    engine: async () => engineReport({ Version: '29', ApiVersion: '1.52' }, {}),
    data: () => data,
    backups: { list: async () => [{ name: 'x', sizeBytes: 1, createdAt: clock.now() }] },
    runtimes: { list: () => [] },
    images: { missing: async () => [] },
    pool: { reservedBytes: 0 },
    ledger: { vitals: () => vitals },
    clock,
    facts: {
      version: '1',
      startedAt: 0,
      memory: () => ({ budgetBytes: 700 * mib, hostBytes: 1000 * mib }),
      backupEveryHours: 0,
      ...facts,
    },
    ofFunctions: () => [],
    ...parts,
  })
  return (await health.report(admin)).findings
}
const of = (all: Finding[], area: string): Finding | undefined =>
  all.find((finding) => finding.area === area && finding.state !== 'ok')

describe('health', () => {
  test('of an installation where all is well has nothing to do', async () => {
    expect(worstOf(await findings({}))).toBe('ok')
  })

  const cases: [what: string, parts: Partial<HealthParts>, area: string, state: string, says: RegExp][] = [
    [
      'an engine that is away',
      { engine: () => Promise.reject(new Error('x')) },
      'engine',
      'problem',
      /does not answer/,
    ],
    ['a full disk', { data: () => ({ ...data, freeBytes: 10 * mib }) }, 'disk', 'problem', /10\.0 MiB of 8\.8 GiB/],
    ['a disk that fills', { data: () => ({ ...data, freeBytes: 900 * mib }) }, 'disk', 'warning', /900\.0 MiB/],
    [
      'records that the disk refuses',
      { ledger: { vitals: () => ({ ...vitals, isFailing: true, pendingBytes: 3 * mib, lostRows: 7 }) } },
      'records',
      'problem',
      /3\.0 MiB wait in memory\. 7 could not be saved/,
    ],
    [
      'records that were lost',
      { ledger: { vitals: () => ({ ...vitals, lostRows: 7 }) } },
      'records',
      'warning',
      /7 could not be saved/,
    ],
    ['an open data folder', { data: () => ({ ...data, exposed: ['/data/x'] }) }, 'permissions', 'problem', /\/data\/x/],
    [
      'an old backup',
      { backups: { list: async () => [{ name: 'x', sizeBytes: 1, createdAt: clock.now() - 9 * dayMs }] } },
      'backups',
      'warning',
      /9 days old/,
    ],
    [
      'an image of functions that the engine does not have',
      { images: { missing: async () => [{ name: 'shop:2', usedBy: ['function greet', 'function bye'] }] } },
      'images',
      'warning',
      /does not have the image shop:2 of function greet, function bye/,
    ],
    [
      'an image of a runtime that the engine does not have any more',
      { images: { missing: async () => [{ name: 'ruby:1', usedBy: ['function greet', 'runtime ruby'] }] } },
      'images',
      'problem',
      /does not have the image ruby:1 of function greet, runtime ruby/,
    ],
    ['no backup', { backups: { list: async () => [] } }, 'backups', 'warning', /no backup/],
    [
      'a runtime without an image',
      {
        runtimes: {
          list: () => [{ id: '1', name: 'nodejs', image: 'taibai/nodejs:1', status: 'error' }] as never,
        },
      },
      'runtimes',
      'problem',
      /nodejs \(taibai\/nodejs:1\) is error/,
    ],
  ]
  test.each(cases)('%s', async (_what, parts, area, state, says) => {
    const found = of(await findings(parts), area)
    expect(found).toMatchObject({ state, says: expect.stringMatching(says), remedy: expect.any(String) })
  })

  test('a thousand functions with missing images are a few warnings', async () => {
    const missing = Array.from({ length: 1000 }, (_, at) => ({ name: `gone:${at}`, usedBy: ['function a'] }))
    missing.push({ name: 'popular', usedBy: Array.from({ length: 500 }, (_, at) => `function f${at}`) })
    const ofImages = (await findings({ images: { missing: async () => missing.reverse() } })).filter(
      ({ area }) => area === 'images',
    )
    expect(ofImages.map(({ state }) => state)).toEqual(Array(6).fill('warning'))
    expect(ofImages[0]?.says).toContain('f3, function f4, 495 more: calls')
    expect(ofImages[5]?.says).toBe('The engine does not have 996 further images of functions.')
  })

  test('a budget that is larger than the host is a problem, one that leaves little a warning', async () => {
    const budget = (ofMib: number) => ({ memory: () => ({ budgetBytes: ofMib * mib, hostBytes: 1000 * mib }) })
    expect(of(await findings({}, budget(1100)), 'memory')).toMatchObject({ state: 'problem' })
    expect(of(await findings({}, budget(950)), 'memory')).toMatchObject({ state: 'warning' })
  })
})

describe('what an engine cannot do', () => {
  const says = (info: Parameters<typeof engineReport>[1], version = {}) =>
    engineReport(version, info)
      .findings.filter(({ state }) => state !== 'ok')
      .map((limit) => `${limit.state}: ${limit.says}`)

  test('is nothing where it says that it can, or says nothing', () => {
    expect(says({ MemoryLimit: true, SwapLimit: true, PidsLimit: true })).toEqual([])
    expect(says({})).toEqual([])
  })

  test('without root on control groups 1 is to limit anything', () => {
    expect(says({ CgroupVersion: '1', SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] })).toEqual([
      expect.stringMatching(/^problem: .*ignored/),
    ])
  })

  test('of limits and filters is reported one by one', () => {
    const all = says({ MemoryLimit: false, SwapLimit: false, PidsLimit: false, CPUShares: false, SecurityOptions: [] })
    expect(all.map((text) => text.split(':')[0])).toEqual(['problem', 'warning', 'warning', 'warning', 'problem'])
  })

  test('of Podman is to keep functions from each other', () => {
    expect(says({}, { Components: [{ Name: 'Podman Engine' }] })).toEqual([expect.stringMatching(/reach each other/)])
  })

  test('is why it is refused, in a sentence, where functions were less safe on it', () => {
    const podman = { Version: '5.4.2', Components: [{ Name: 'Podman Engine' }] }
    expect(refusalOf(engineReport(podman, {}))).toMatch(
      /^Podman 5.4.2 is not as safe .*reach each other.* Use Docker.* TAIBAI_WEAK_ENGINE=accept/,
    )
    expect(refusalOf(engineReport({}, { MemoryLimit: false }))).toMatch(/cannot limit memory/)
    expect(refusalOf(engineReport({}, { SwapLimit: false }))).toBe(null)
    expect(refusalOf(engineReport({ Version: '29' }, {}))).toBe(null)
  })

  test('of one that names a first process for containers and lacks it is to reap', () => {
    expect(says({ InitBinary: 'docker-init', InitCommit: { ID: 'N/A' } })).toEqual([expect.stringMatching(/zombies/)])
  })
})
