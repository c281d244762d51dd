/**
 * Further languages and versions of languages pass the conformance list as the usual ones do. Their images are made when they
 * are asked for: TAIBAI_RUNTIMES=ruby,nodejs22,python311 npm test -- --project docker test/docker/language-versions.test.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import type { DockerEngine } from '../../src/engine/sandbox/docker/docker-engine.ts'
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

const compilingMs = 900_000
const build = {
  ...{ buildNetwork: 'egress', buildTimeoutSeconds: compilingMs / 1000, buildMemoryMb: 1024, buildMaxMb: 2048 },
  ...{ buildEnv: {}, buildCertificates: undefined, buildPackages: [], searchPath: [] },
}

/** As a deployment does it: the builder's container leaves the program beside the source. */
async function compile({ builder }: DockerEngine, { image, builder: facts }: RuntimeManifest, folder: string) {
  if (builder === null || facts === undefined) throw new Error(`${image} has no builder.`)
  const [signal, env] = [new AbortController().signal, { DEPENDENCY_LIST: 'go.mod' }]
  const run = { id: `test-${process.pid}`, runtimeImage: image, facts, folder, files: null, env, secrets: {}, signal }
  await builder.run({ ...run, onOutput: () => {} }, async (tar) => {
    const unpacking = spawn('tar', ['-x', '-C', folder], { stdio: ['pipe', 'inherit', 'inherit'] })
    await pipeline(tar, unpacking.stdin)
    await once(unpacking, 'close')
  })
}

describe.each(versions)('The runtime $name', ({ name, language, version }) => {
  describe.skipIf(!asked.includes(name))('(when TAIBAI_RUNTIMES asks for it)', () => {
    describeWithDocker('in containers', () => {
      const harness = new ContainerHarness(name, () => workers)
      let workers: DockerWorkers
      beforeAll(async () => {
        workers = await DockerWorkers.connect({ pidsLimit: 1100, runtimes: [name], build })
        workers.storeCode(name, language, {})
        if (completeRuntimeOf(language).isCompiled)
          await compile(workers.engine, workers.manifest(name), workers.codeFolder(name))
      }, compilingMs)
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
