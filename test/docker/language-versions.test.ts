/**
 * Further languages and versions of languages pass the conformance list as the usual ones do. Their images are made when they
 * are asked for: TAIBAI_RUNTIMES=ruby,nodejs22,python311 npm test -- --project docker test/docker/language-versions.test.ts
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completeRuntimeOf } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { ContainerHarness } from '../support/docker-harness.ts'
import { DockerWorkers } from '../support/docker-workers.ts'

const asked = (process.env.TAIBAI_RUNTIMES ?? '').split(',').filter((name) => name !== '')

const versions = [
  { name: 'ruby', language: 'ruby', version: /^3\.\d+\.\d+$/ },
  { name: 'go', language: 'go', version: /^1\.\d+\.\d+$/ },
  { name: 'nodejs22', language: 'nodejs', version: /^22\.\d+\.\d+$/ },
  { name: 'python311', language: 'python3', version: /^3\.11\.\d+$/ },
]

describe.each(versions)('The runtime $name', ({ name, language, version }) => {
  describe.skipIf(!asked.includes(name))('(when TAIBAI_RUNTIMES asks for it)', () => {
    describeWithDocker('in containers', () => {
      const harness = new ContainerHarness(name, () => workers)
      let workers: DockerWorkers
      beforeAll(async () => {
        workers = await DockerWorkers.connect({ pidsLimit: 1100, runtimes: [name] })
        workers.storeCode(name, language, {})
      })
      afterAll(async () => {
        await harness.close()
        await workers.close()
      })

      test('tells functions and the server its exact version', async () => {
        await using it = await workers.bound(name)
        expect(await it.ask({ do: 'context' })).toMatchObject({ language_version: expect.stringMatching(version) })
        expect(workers.languageVersions.get(workers.manifest(name).image)).toMatch(version)
      })

      conformanceList(harness, completeRuntimeOf(language))
    })
  })
})
