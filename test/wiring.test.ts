import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { silentLog } from '../src/domain/runs/log.ts'
import type { SandboxEngine } from '../src/engine/sandbox/sandbox.ts'
import type { WorkerLinks } from '../src/engine/worker/link.ts'
import {
  engineOptions,
  healthSettings,
  httpSettings,
  machineLimits,
  poolOptions,
  serviceSettings,
  workersParts,
} from '../src/wiring/settings.ts'
import { FakeClock } from './support/fake-clock.ts'
import { FakePackages } from './support/fake-packages.ts'
import { noSecrets } from './support/no-secrets.ts'

const config = readConfig({
  TAIBAI_AUTH: 'keystone',
  TAIBAI_ADMIN_TOKEN: 'secret-of-the-admin',
  TAIBAI_KEYSTONE_AUTH_URL: 'http://keystone:5000/v3',
  TAIBAI_KEYSTONE_PASSWORD: 'secret-of-the-service',
  TAIBAI_SECRET_KEY: 'secret-of-the-installation',
})
const data = { path: '/data', workersDir: '/data/workers', etcFolder: '/data/etc', instance: 'abc', unlock: () => {} }
const parts = {
  engine: {} as SandboxEngine,
  links: {} as WorkerLinks,
  packages: new FakePackages(),
  clock: new FakeClock(),
  log: silentLog,
  languageVersions: new Map(),
  secrets: noSecrets,
}

test.each([
  ['the engine', engineOptions(config, data, [], { certificates: undefined, searchPath: [] })],
  ['the workers', workersParts(config, [], parts)],
  ['the pool', poolOptions(config, parts.engine)],
  ['the services', serviceSettings(config)],
  ['HTTP', httpSettings(config)],
])('neither the admin token, the password of Keystone nor the key of the secrets reaches %s', (_who, given) => {
  expect(JSON.stringify(given)).not.toContain('secret-of')
})

describe('a swarm', () => {
  const gib = 1024 ** 3
  const node = (id: string, memoryGib: number, isOpen = true) => {
    return { id, name: id, memoryBytes: memoryGib * gib, processors: 4, labels: {}, isOpen }
  }
  const nodes = [node('a', 16), node('b', 8), node('c', 8, false)]
  const machines = { now: () => nodes, onChange() {} }
  const limits = (given: Record<string, string>) =>
    machineLimits(readConfig(given), nodes).map(({ id, limitBytes }) => [id, limitBytes / gib])

  test('has of each node as much memory for workers as one host has', () => {
    expect(limits({})).toEqual([
      ['a', 12],
      ['b', 6],
      ['c', 6],
    ])
  })

  test('divides what the operator says by the memory of the nodes, and gives none more than it has', () => {
    expect(limits({ TAIBAI_MEMORY_BUDGET_MB: String(12 * 1024) })).toEqual([
      ['a', 8],
      ['b', 4],
      ['c', 3],
    ])
    expect(limits({ TAIBAI_MEMORY_BUDGET_MB: String(900 * 1024) })[1]).toEqual(['b', 8])
  })

  test('is judged by the nodes that take workers', () => {
    expect(healthSettings(readConfig({}), { machines }).memory()).toEqual({
      budgetBytes: 18 * gib,
      hostBytes: 24 * gib,
    })
    expect(poolOptions(readConfig({}), { machines, isFixedOnceStarted: true }).processors()).toBe(8)
  })

  test('cannot freeze workers, and the server does not start with a promise that it does not keep', () => {
    const config = readConfig({ TAIBAI_AFTER_CALL: 'freeze' })
    expect(() => poolOptions(config, { machines, isFixedOnceStarted: true })).toThrow(/a swarm cannot: leave it out/)
    expect(poolOptions(config, {}).freezes).toBe(true)
  })
})
