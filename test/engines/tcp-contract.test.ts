/** Workers that call keep the contract that all workers keep. */
import { describe } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { SandboxWorkers } from '../../src/engine/worker/worker-factory.ts'
import { engineWorkersContract, type WorkersUnderTest } from '../support/contracts/engine-workers.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { type DockerWorkers, dockerWorkers } from '../support/docker-workers.ts'
import { CountedClock } from '../support/engine-parts-process.ts'
import { mib } from '../support/fake-workers-pool.ts'
import { noSecrets } from '../support/no-secrets.ts'

describe.runIf(process.env.TAIBAI_TEST_ENGINES === '1')('with engines of our own', () => {
  describeWithDocker('over TCP the contract is kept', () => {
    const workers = dockerWorkers({ link: 'tcp', codeSizeMb: 64 })
    const clock = new CountedClock()
    const loadTimeoutMs = 4000
    engineWorkersContract(() => underTest(workers()))

    function underTest(its: DockerWorkers): WorkersUnderTest {
      const { engine, links, manifests } = its
      return {
        factory: new SandboxWorkers({
          ...{ engine, links, clock, log: silentLog, manifests, loadTimeoutMs },
          secrets: noSecrets,
          codeFolder: (hash) => its.codeFolder(hash),
          streamIdleMs: 60_000,
          maxResultBytes: 8 * mib,
          newName: () => its.newName(),
          startTimeoutMs: 60_000,
          stopGraceMs: 0,
          cpuDefaultMillicpu: 100,
          languageVersions: new Map(),
        }),
        image: its.manifest('nodejs').image,
        packageHash: 'nodejs',
        storeCode: (hash, files) => its.storeCode(hash, 'nodejs', files),
        loadTimeoutMs,
      }
    }
  })
})
