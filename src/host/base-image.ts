import { createHash } from 'node:crypto'
import { buildBase } from './base-build.ts'
import { debianBaseIdentity, newestSuite } from './debian-base.ts'
import type { EngineClient } from './engine-client.ts'
import { hostCertificates, hostHasExtraCertificates } from './host-certificates.ts'
import { languagePrograms } from './language-programs.ts'
import { HostProblem, SetupProblem } from './problem.ts'
import type { Report } from './progress.ts'
import type { RegistryPulls } from './registry.ts'
import type { BaseRecipe, RuntimeFolder } from './runtime-folder.ts'

/** Chooses a runtime's base image: the official slim image where a registry answers, otherwise one built here. */

/** Source of a base, stored as a label so that an unchanged image is recognised without asking a registry. */
export type BaseKind = 'official' | 'local'

export interface Base {
  kind: BaseKind
  image: string
}

export interface BaseOptions {
  engine: EngineClient
  registries: RegistryPulls
  /** Builds the shared local base of a Debian release on first use. */
  debianBase: (suite: string) => Promise<string>
  report: Report
  refresh: boolean
  /** False after a registry did not answer: otherwise each changed shim would wait for it again. */
  mayPull: boolean
}

export async function ensureBase(runtime: RuntimeFolder, options: BaseOptions): Promise<Base> {
  try {
    return await findOrMakeBase(runtime, options)
  } catch (error) {
    // Bases come from networks and package managers, so their failures are not faults of our code.
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

async function hasOfficialImage(image: string, options: BaseOptions): Promise<boolean> {
  const { engine, refresh, mayPull, registries, report } = options
  if (!refresh && (await engine.inspect(image)) !== undefined) return true
  return mayPull && registries.pull(image, report)
}

/** Changes whenever the base must be rebuilt: with the machine's certificates and the recipe of a local base. */
export function baseIdentity(recipe: BaseRecipe, kind: BaseKind): string {
  const trusted = hostCertificates()
  const certificates = trusted === '' ? '' : createHash('sha256').update(trusted).digest('hex')
  if (kind === 'official') return `official ${recipe.image} ${hostHasExtraCertificates() ? certificates : ''}`
  const programs = recipe.npm ? languagePrograms(recipe.npm).identity : ''
  return `local ${debianBaseIdentity(recipe.suite ?? newestSuite)} ${recipe.debian.join(' ')} ${programs} ${certificates}`
}

async function makeLocalBase(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const { debian, npm, suite = newestSuite } = runtime.base
  const programs = npm === undefined ? undefined : languagePrograms(npm)
  const identity = baseIdentity(runtime.base, 'local')
  return buildBase({ runtime, from: await options.debianBase(suite), debian, programs, identity }, options)
}

function addCertificates(runtime: RuntimeFolder, options: BaseOptions): Promise<string> {
  const identity = baseIdentity(runtime.base, 'official')
  return buildBase({ runtime, from: runtime.base.image, debian: [], identity }, options)
}
