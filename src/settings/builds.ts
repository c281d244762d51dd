import { resolve } from 'node:path'
import { z } from 'zod'
import { int, kib, list } from './value-kinds.ts'

export const builds = {
  build: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      'auto: packages that bring a list of dependencies and not the modules are built here before they are deployed. never: only those of callers who ask for it.',
    ),
  buildNetwork: z
    .string()
    .regex(/^[\w.-]+$/, 'must be egress, host, none, or the name of a network of the engine')
    .default('egress')
    .describe(
      "Network of builds. egress: that of functions; host: the engine's machine's own, for registries and proxies that only it reaches; none; or the name of a network of the engine.",
    ),
  buildCertificatesFile: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('File of certificate authorities (PEM) that builds trust beside those of the runtime images.'),
  buildPackages: list
    .default([])
    .refine((names) => names.every((name) => /^[a-z0-9][a-z0-9.+-]+$/.test(name)), {
      message: 'must be names of Debian packages',
    })
    .describe(
      'Debian packages that the images of builds get, separated by commas: compilers and libraries, such as g++,make,python3.',
    ),
  buildTimeoutSeconds: int(1).default(600).describe('Longest time of one build.'),
  buildMemoryMb: int(64).default(2048).describe('Most memory of one build, in MiB.'),
  buildMaxMb: int(1).default(1024).describe('Most that one build writes, in MiB.'),
  buildMaxFiles: int(1).default(100_000).describe('Most files that one build installs.'),
  maxBuilds: int(1).default(2).describe('Most builds at once: one of each project, which take turns.'),
  maxOpenBuilds: int(1)
    .default(20)
    .describe('Most builds of one project that have not ended, those that wait for their turn included.'),
  maxBuildLogBytes: int(1024)
    .default(1024 * kib)
    .describe('Most bytes of output that are kept of one build.'),
  maxBuildLogsMb: int(1)
    .default(16)
    .describe('Most MiB of output that are kept of all builds of one project; that of the oldest goes first.'),
  keepBuilds: int(1).default(100).describe('Most builds of one project of which a record is kept.'),
}
