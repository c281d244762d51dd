import { createHash } from 'node:crypto'
import type { BuilderFacts, BuildMode } from '../../domain/build.ts'
import { FaasError, invalid } from '../../domain/errors.ts'

/** Whether a package has to be built, and out of which of its files. Pure. */

export interface PackageFiles {
  /** Hash of the whole package. */
  hash: string
  /** Names at its top. */
  names: string[]
  /** Text of a file at its top. */
  text(name: string): string
}

export interface BuildWish {
  mode: BuildMode
  /** The entry is to become one file with what it imports of the package. */
  bundle: boolean
  entry: string | null
}

export interface WantedBuild {
  list: string
  /** Null: all. */
  files: string[] | null
  /** The same for whatever gives the same result. */
  key: string
}

/** Null: there is nothing to build. Throws FaasError `invalid_request` when a build was asked for and cannot be. */
export function wantedBuild(
  { hash, names, text }: PackageFiles,
  facts: BuilderFacts | undefined,
  { mode, bundle, entry }: BuildWish,
  owner: { projectId: string; runtimeImage: string },
): WantedBuild | null {
  if (mode === 'never') return null
  const isAsked = mode === 'always' || bundle
  if (facts === undefined) {
    if (!isAsked) return null
    throw invalid('This runtime builds nothing: leave "build" out, and bring what the code needs in the package.')
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

/** How much of the output a refusal repeats. */
const shownLines = 30
const shownBytes = 6000

/** What the caller of a failed build is told: why, the tool's own last lines, and where all of them are. */
export function buildRefusal(why: string, log: string, id: string): FaasError {
  const lines = log.trimEnd().split('\n').slice(-shownLines).join('\n').slice(-shownBytes)
  const printed = lines.trim() === '' ? [] : ['Its last lines:', lines]
  const text = [`The build failed, and nothing was changed: ${why}`, ...printed, whereAllIs(id)]
  return new FaasError('build_failed', text.join('\n'))
}

const whereAllIs = (id: string): string =>
  `All of its output: taibai builds log ${id} (GET /v1/builds/${id}/log). Where nothing has to be installed: taibai deploy --no-build (?build=never).`
