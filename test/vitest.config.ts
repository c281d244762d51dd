import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { LongestFirst } from './support/longest-first.ts'
import { pathWithPython } from './support/python-at-hand.ts'

const projectFolder = fileURLToPath(new URL('..', import.meta.url))

// Processes and threads that tests start from the sources find them compiled: a thread of the ledger needs half of its time then.
process.env.NODE_COMPILE_CACHE ??= join(projectFolder, 'node_modules/.cache/taibai-tests')

/** Files at once of the rings that compute: vitest would take one fewer than there are processors. */
const atOnce = Math.max(2, availableParallelism() - 1)
/**
 * Files at once of the rings that wait most of their time: for containers, processes, timers, and for services that answer
 * late or never. None of them needs a quiet machine, or shares a server, a folder or a port with another.
 */
const waitingAtOnce = atOnce + 2

/** Makes the program that tests start as their servers. */
const builtServer = 'test/support/built-server.ts'

type Ring = NonNullable<TestProjectInlineConfiguration['test']>

/** A folder of `test` that is a project of its own name. */
const ring = (name: string, limitMs: number, more: Ring): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    globalSetup: builtServer,
    pool: 'forks',
    testTimeout: limitMs,
    hookTimeout: limitMs,
    ...more,
  },
})

const second = 1000
const beside: Ring = { maxWorkers: waitingAtOnce, sequence: { groupOrder: 1 } }

/** The rings: `docker` needs a Docker engine, `process` starts whole servers, `console` a browser with them, `openstack` lets
 * them work with the real OpenStack services and the real `openstack` command. */
const rings = [
  ring('docker', 300 * second, beside),
  ring('process', 300 * second, beside),
  ring('console', 120 * second, beside),
  ring('engines', 300 * second, { fileParallelism: false, hookTimeout: 600 * second }),
  ring('openstack', 300 * second, {
    ...beside,
    globalSetup: [builtServer, 'test/openstack/shared-stack.ts'],
    setupFiles: 'test/openstack/one-at-a-time.ts',
  }),
]

export default defineConfig({
  root: projectFolder,
  test: {
    sequence: { sequencer: LongestFirst },
    env: { PATH: pathWithPython() },
    projects: [
      {
        test: {
          // Needs nothing installed. Every folder that is no ring of its own is in it, so that no file is in none.
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: rings.flatMap(({ test }) => test?.include ?? []),
          pool: 'forks',
          maxWorkers: atOnce,
          // Files share the modules that they load; none changes one for others.
          isolate: false,
          testTimeout: 120 * second,
        },
      },
      ...rings,
    ],
  },
})
