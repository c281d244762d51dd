import { resolve } from 'node:path'
import { z } from 'zod'
import { int, kib, list } from './value-kinds.ts'

export const builds = {
  build: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      'auto: packages that contain a dependency list but not the modules are built on the server before they are deployed. never: only packages whose caller requests a build.',
    ),
  buildNetwork: z
    .string()
    .regex(/^[\w.-]+$/, 'must be egress, host, none, or the name of a network of the engine')
    .default('egress')
    .describe(
      "Network of builds. egress: the network of functions; host: the network of the engine's machine, for registries and proxies that only it can reach; none; or the name of a network of the engine.",
    ),
  buildCertificatesFile: z
    .string()
    .transform((path) => resolve(path))
    .optional()
    .describe('File of certificate authorities (PEM) that builds trust in addition to those of the runtime images.'),
  buildPackages: list
    .default([])
    .refine((names) => names.every((name) => /^[a-z0-9][a-z0-9.+-]+$/.test(name)), {
      message: 'must be names of Debian packages',
    })
    .describe(
      'Debian packages that are installed in the build images, separated by commas: compilers and libraries, such as g++,make,python3.',
    ),
  buildTimeoutSeconds: int(1).default(600).describe('Maximum duration of one build.'),
  buildMemoryMb: int(64).default(2048).describe('Maximum memory of one build, in MiB.'),
  buildMaxMb: int(1).default(1024).describe('Maximum size of the files that one build writes, in MiB.'),
  buildMaxFiles: int(1).default(100_000).describe('Maximum number of files that one build installs.'),
  maxBuilds: int(1)
    .default(2)
    .describe('Maximum number of concurrent builds: at most one for each project; projects take turns.'),
  maxOpenBuilds: int(1)
    .default(20)
    .describe('Maximum number of unfinished builds of one project, including those that wait for their turn.'),
  maxBuildLogBytes: int(1024)
    .default(1024 * kib)
    .describe('Maximum output of one build that is kept, in bytes.'),
  maxBuildLogsMb: int(1)
    .default(16)
    .describe('Maximum output of all builds of one project that is kept, in MiB; the oldest is removed first.'),
  keepBuilds: int(1).default(100).describe('Maximum number of build records that are kept for one project.'),
}
