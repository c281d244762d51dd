import { runtimeManifests } from '../../assets.ts'

/** The files by which languages are recognised, from the runtimes' manifests. */
export interface LanguageFiles {
  /** Runtime of a source file, by extension. */
  runtimeOf: Record<string, string>
  /** Files that identify a folder's language, the most certain first. */
  marks: [file: string, runtime: string][]
}

interface Told {
  name: string
  extensions?: string[]
  marks?: string[]
}

/** Usual names of main modules. */
const beginnings = ['main', 'index', 'app', 'handler']

let known: LanguageFiles | undefined

export function languageFiles(): LanguageFiles {
  known ??= filesOf(runtimeManifests().flatMap(runtimesIn))
  return known
}

/** A runtime and its twins. */
const runtimesIn = (manifest: Record<string, unknown>): Told[] => {
  const { also = [], ...own } = manifest as unknown as Told & { also?: Told[] }
  return [own, ...also]
}

function filesOf(runtimes: Told[]): LanguageFiles {
  const runtimeOf = Object.fromEntries(
    runtimes.flatMap(({ name, extensions = [] }) => extensions.map((ending) => [ending, name])),
  )
  const told = runtimes.flatMap(({ name, marks = [] }) => marks.map((file): [string, string] => [file, name]))
  const modules = beginnings.flatMap((module) =>
    Object.entries(runtimeOf).map(([ending, runtime]): [string, string] => [`${module}${ending}`, runtime]),
  )
  return { runtimeOf, marks: [...told, ...modules] }
}
