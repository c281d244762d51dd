/** The engine that runs containers keeps the contract that all engines keep; `test/engine/` asks the other. */
import { afterEach, beforeAll, describe, expect } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { DockerEngine } from '../../src/engine/sandbox/docker/docker-engine.ts'
import type { SandboxEngine } from '../../src/engine/sandbox/sandbox.ts'
import { SandboxWorkers } from '../../src/engine/worker/worker-factory.ts'
import { engineWorkersContract, type WorkersUnderTest } from '../support/contracts/engine-workers.ts'
import { type EngineUnderTest, sandboxEngineContract } from '../support/contracts/sandbox-engine.ts'
import { containersOf } from '../support/docker-api.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { type DockerWorkers, dockerWorkers, engineDefaults, startRaw } from '../support/docker-workers.ts'
import { CountedClock } from '../support/engine-parts-process.ts'
import { mib } from '../support/fake-workers-pool.ts'
import { noSecrets } from '../support/no-secrets.ts'

const runtime = 'nodejs'
/** Less would be missed by a container whose first load is slow. */
const loadTimeoutMs = 4000

describeWithDocker('the engine that runs containers keeps the contract', () => {
  const workers = dockerWorkers()
  const clock = new CountedClock()
  let factory: SandboxWorkers
  beforeAll(() => {
    factory = factoryOf(workers(), clock)
  })
  afterEach(() => expect(clock.armed, 'timers left').toBe(0))
  describe('of engines', () => sandboxEngineContract(() => engineUnderTest(workers())))
  describe('of workers', () => engineWorkersContract(() => workersUnderTest(workers(), factory)))
})

function engineUnderTest(workers: DockerWorkers): EngineUnderTest {
  return {
    engine: workers.engine,
    image: workers.manifest(runtime).image,
    start: (engine: SandboxEngine = workers.engine) =>
      startRaw(workers, runtime, workers.newName(), 128 * mib, engine as DockerEngine),
    again: () => anotherEngine(workers),
    running: async () => (await containersOf(workers.instance)).map(({ Labels }) => Labels['io.taibai.worker'] ?? '?'),
  }
}

function anotherEngine({ instance }: DockerWorkers): Promise<DockerEngine> {
  return DockerEngine.connect({ ...engineDefaults, instance }, silentLog)
}

function workersUnderTest(workers: DockerWorkers, factory: SandboxWorkers): WorkersUnderTest {
  return {
    factory,
    image: workers.manifest(runtime).image,
    packageHash: runtime,
    storeCode: (hash, files) => workers.storeCode(hash, runtime, files),
    loadTimeoutMs,
  }
}

/** As that of `workers`, with a time limit that a test can wait for. */
function factoryOf(workers: DockerWorkers, clock: CountedClock): SandboxWorkers {
  const { engine, manifests, links } = workers
  return new SandboxWorkers({
    ...{ engine, clock, log: silentLog, manifests, links, loadTimeoutMs },
    codeFolder: (hash) => workers.codeFolder(hash),
    streamIdleMs: 60_000,
    maxResultBytes: 8 * mib,
    newName: () => workers.newName(),
    startTimeoutMs: 60_000,
    stopGraceMs: 0,
    cpuDefaultMillicpu: 100,
    languageVersions: new Map(),
    secrets: noSecrets,
  })
}
