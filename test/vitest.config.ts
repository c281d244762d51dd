import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * Files at once. Most of what a ring does is waiting: for containers, processes, timers. Two on two processors take half the
 * time of one; vitest would take one. None of them needs a quiet machine, or shares a server, a folder or a port with another.
 */
const maxWorkers = Math.max(2, availableParallelism() - 1)

/** Folders that are projects below; every other one is in `fast`, so that no file is in none. */
const ringsOfTheirOwn = ['docker', 'process', 'console', 'engines', 'openstack']

/** The rings: `fast` needs nothing installed, `docker` needs a Docker engine, `process` starts whole servers,
 * `openstack` lets them work with the real OpenStack services and the real `openstack` command. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ringsOfTheirOwn.map((ring) => `test/${ring}/**`),
          pool: 'forks',
          maxWorkers,
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/docker/**/*.test.ts'],
          globalSetup: 'test/support/built-server.ts',
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'process',
          include: ['test/process/**/*.test.ts'],
          globalSetup: 'test/support/built-server.ts',
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'console',
          include: ['test/console/**/*.test.ts'],
          globalSetup: 'test/support/built-server.ts',
          pool: 'forks',
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'engines',
          include: ['test/engines/**/*.test.ts'],
          globalSetup: 'test/support/built-server.ts',
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'openstack',
          include: ['test/openstack/**/*.test.ts'],
          globalSetup: ['test/support/built-server.ts', 'test/openstack/shared-stack.ts'],
          pool: 'forks',
          // After the others: the services want the machine for themselves.
          sequence: { groupOrder: 2 },
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
