import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { silent } from '../src/domain/log.ts'
import type { SandboxEngine } from '../src/engine/sandbox/sandbox.ts'
import type { WorkerLinks } from '../src/engine/worker/link.ts'
import {
  engineOptions,
  healthSettings,
  httpSettings,
  poolOptions,
  serviceSettings,
  workersParts,
} from '../src/wiring-settings.ts'
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
  log: silent,
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

test.each([
  ['what its nodes have', {}, 75_000_000_000],
  ['what the operator says', { TAIBAI_MEMORY_BUDGET_MB: '90000' }, 90_000 * 1024 * 1024],
])(
  'a swarm has the memory of its nodes, and workers have of it %s: its health is judged by that',
  (_how, given, bytes) => {
    const swarm = { capacity: { memoryBytes: 100_000_000_000, processors: 8 }, isFixedOnceStarted: true }
    const config = readConfig(given)
    expect(poolOptions(config, swarm).memoryBudgetBytes).toBe(bytes)
    expect(healthSettings(config, swarm)).toMatchObject({ memoryBudgetBytes: bytes, hostMemoryBytes: 100_000_000_000 })
  },
)
