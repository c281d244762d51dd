import { createHash } from 'node:crypto'
import { invalid } from '../../domain/errors.ts'
import type { BuilderFacts, BuildMode } from '../../domain/functions/build.ts'

/** Whether a package needs a build, and from which of its files. Pure. */

export interface PackageFiles {
  /** Hash of the whole package. */
  hash: string
  /** Names of the files in its root. */
  names: string[]
  /** Text of a file in its root. */
  text(name: string): string
}

export interface BuildRequest {
  mode: BuildMode
  /** True when the entry is bundled with its imports from the package. */
  bundle: boolean
  entry: string | null
}

export interface RequiredBuild {
  list: string
  /** Null: all files. */
  files: string[] | null
  /** Equal for builds with equal results. */
  key: string
}

/** Null: nothing to build. Throws FaasError `invalid_request` when a build was requested but is impossible. */
export function requiredBuild(
  { hash, names, text }: PackageFiles,
  facts: BuilderFacts | undefined,
  { mode, bundle, entry }: BuildRequest,
  owner: { projectId: string; runtimeImage: string },
): RequiredBuild | null {
  if (mode === 'never') return null
  const isAsked = mode === 'always' || bundle
  if (facts === undefined) {
    if (!isAsked) return null
    throw invalid('This runtime has no builds: leave "build" out, and put what the code needs into the package.')
  }
  if (bundle && !facts.bundles) throw invalid('This runtime makes no bundles: leave "bundle" out.')
  const list = facts.lists.find(({ file, needs }) => names.includes(file) && needs.test(text(file)))?.file
  if (list === undefined && !bundle) {
    if (!isAsked) return null
    const known = facts.lists.map(({ file }) => file).join(', ')
    throw invalid(`There is nothing to build: the package has no list of dependencies at its top (${known}).`)
  }
  if (!isAsked && names.some((name) => facts.installed.some((one) => fits(one, name)))) return null
  const files = facts.files.filter((file) => names.includes(file)).sort()
  const isWhole = bundle || files.some((file) => facts.whole.test(text(file)))
  const digests = isWhole ? [hash] : files.map((file) => `${file} ${sha256(text(file))}`)
  const about = [owner.projectId, owner.runtimeImage, facts.image, bundle ? `bundle ${entry}` : '', ...digests]
  return { list: list ?? 'the entry', files: isWhole ? null : files, key: sha256(JSON.stringify(about)) }
}

const fits = (pattern: string, name: string): boolean =>
  pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
