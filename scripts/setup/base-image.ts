// Which image a runtime is built on: the official slim one where a registry answers, otherwise one made here.
import { createHash } from 'node:crypto'
import { baseDockerfile, buildBase } from './base-build.ts'
import { DEBIAN_BASE_IDENTITY } from './debian-base.ts'
import { inspectImage } from './docker-cli.ts'
import { hostCertificates, hostHasExtraCertificates } from './host-certificates.ts'
import { npmPrograms } from './npm-programs.ts'
import { HostProblem, SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'
import type { Registries } from './registry.ts'
import type { BaseRecipe, RuntimeFolder } from './runtime-folder.ts'

/** Where a base comes from; kept as a label, so that an unchanged image is recognised without asking a registry. */
export type BaseKind = 'official' | 'local'

export interface Base {
  kind: BaseKind
  image: string
}

export interface BaseOptions {
  registries: Registries
  /** Makes the shared local base when first asked. */
  debianBase: () => Promise<string>
  report: Report
  refresh: boolean
  /** False where a registry was silent before: then each changed shim would wait for it again. */
  mayPull: boolean
}

export async function ensureBase(runtime: RuntimeFolder, options: BaseOptions): Promise<Base> {
  try {
    return await findOrMakeBase(runtime, options)
  } catch (error) {
    // Bases come from networks and package managers; our own code has no part in their failures.
    throw error instanceof SetupProblem ? new HostProblem(error.message) : error
  }
}

async function findOrMakeBase(runtime: RuntimeFolder, options: BaseOptions): Promise<Base> {
  if (!(await hasOfficialImage(runtime.base.image, options))) {
    return { kind: 'local', image: await makeLocalBase(runtime, options) }
  }
  return {
    kind: 'official',
    image: hostHasExtraCertificates() ? await addCertificates(runtime, options) : runtime.base.image,
  }
}

async function hasOfficialImage(
  image: string,
  { refresh, mayPull, registries, report }: BaseOptions,
): Promise<boolean> {
  if (!refresh && (await inspectImage(image)) !== undefined) return true
  return mayPull && registries.pull(image, report)
}

/** Changes whenever the base has to be made anew: what the host trusts, and what a local base is made of. */
export function baseIdentity(recipe: BaseRecipe, kind: BaseKind): string {
  const certificates = createHash('sha256').update(hostCertificates()).digest('hex')
  if (kind === 'official') return `official ${recipe.image} ${hostHasExtraCertificates() ? certificates : ''}`
  const programs = recipe.npm ? npmPrograms(recipe.npm).identity : ''
  return `local ${DEBIAN_BASE_IDENTITY} ${recipe.debian.join(' ')} ${programs} ${certificates}`
}

async function makeLocalBase(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const from = await options.debianBase()
  const { debian, npm } = runtime.base
  const dockerfile = baseDockerfile(from, { debian, hasPrograms: npm !== undefined })
  return buildBase({ runtime, identity: baseIdentity(runtime.base, 'local'), dockerfile, npm }, options)
}

function addCertificates(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const dockerfile = baseDockerfile(runtime.base.image, { debian: [], hasPrograms: false })
  return buildBase({ runtime, identity: baseIdentity(runtime.base, 'official'), dockerfile }, options)
}
